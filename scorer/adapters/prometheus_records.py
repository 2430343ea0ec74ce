"""Metrics of the records: what came in and what became of it, alerts, what people said, fleet events."""

from __future__ import annotations

from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge

from roompulse.errors import REASONS
from roompulse.rooms import KINDS, SEVERITIES
from scorer import happenings as told
from scorer.pipeline.judge import EVENTS, OPEN
from scorer.pipeline.partition import Tally
from scorer.pipeline.wave import ACCEPTED, CORRECTED, DUPLICATE, LATE, STATUSES


class RecordMetrics:
    """Counts what was committed. Labels known beforehand are there from the start: a rate needs the 0 before the 1."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # What came in, and what became of it: events = forecasts + late + corrected + duplicate + dead letters.
        self._events = Counter("roompulse_events", "Room-minutes read from the input topic.", registry=registry)
        self._forecasts = Counter("roompulse_forecasts", "Forecasts committed.", registry=registry)
        self._late = Counter("roompulse_late", "Room-minutes older than the room's ring, dropped.", registry=registry)
        self._corrected = Counter("roompulse_corrected", "Past minutes corrected or filled in.", registry=registry)
        self._duplicate = Counter("roompulse_duplicate", "Minutes that came again unchanged.", registry=registry)
        self._dead = Counter("roompulse_dead_letters", "Records refused, by reason.", ["reason"], registry=registry)
        for reason in REASONS:
            self._dead.labels(reason)
        self._clocks = Counter("roompulse_clocks", "Clock records read.", registry=registry)
        self._blank = Counter("roompulse_blank_minutes", "Minutes that never came, within sessions.", registry=registry)
        self._sessions = Counter("roompulse_sessions", "Sessions begun.", registry=registry)
        # Alerts: the records about them, and those that are open.
        alert = ["kind", "severity"]
        self._alerts = Counter("roompulse_alerts", "Alert records committed.", [*alert, "event"], registry=registry)
        self._open = Gauge(
            "roompulse_alerts_open", "Alerts open now in this scorer's partitions.", alert, registry=registry
        )
        for kind, severity in product(KINDS, SEVERITIES):
            self._open.labels(kind, severity)
            for event in filter(None, EVENTS):
                self._alerts.labels(kind, severity, event)
        # What budgets ask for: openings since the start over the room-days of forecasts since then.
        self._rate = Gauge(
            "roompulse_alerts_per_room_day",
            "Alerts opened in a room's day, since the start.",
            ["kind"],
            registry=registry,
        )
        self._opened = dict.fromkeys(KINDS, 0)
        self._room_minutes = 0
        # What people say of rooms. How far it moved a room's bar is in the room's state, which `roompulse room` shows.
        self._feedback = Counter(
            "roompulse_feedback", "Verdicts on alerts, by what came of them.", ["verdict"], registry=registry
        )
        self._snoozes = Counter("roompulse_snoozes", "Snoozes, by what came of them.", ["result"], registry=registry)
        self._fleet = Counter(
            "roompulse_fleet_events", "Fleet records committed.", ["direction", "event"], registry=registry
        )

    def __call__(self, happening: told.Happening) -> None:
        """Count a committed batch, and see which alerts are open."""
        match happening:
            case told.Committed(tally):
                self._count(tally)
                self._count_alerts(tally)
            case told.Standing():
                for (kind, severity), count in happening.alerts.items():
                    self._open.labels(kind, severity).set(count)
            case _:
                pass

    def _count(self, tally: Tally) -> None:
        self._events.inc(tally.events)
        for counter, status in (
            (self._forecasts, ACCEPTED),
            (self._duplicate, DUPLICATE),
            (self._corrected, CORRECTED),
            (self._late, LATE),
        ):
            counter.inc(tally.status[STATUSES[status]])
        for reason, count in tally.dead.items():
            self._dead.labels(reason).inc(count)
        for (word, result), count in tally.words.items():
            (self._feedback if word == "feedback" else self._snoozes).labels(result).inc(count)
        for change, count in tally.fleet.items():
            self._fleet.labels(*change).inc(count)
        self._clocks.inc(tally.clocks)
        self._blank.inc(tally.blanks)
        self._sessions.inc(tally.sessions)

    def _count_alerts(self, tally: Tally) -> None:
        for label, count in tally.alerts.items():
            self._alerts.labels(*label).inc(count)
        for (kind, _, event), count in tally.alerts.items():
            self._opened[kind] += count if event == EVENTS[OPEN] else 0
        self._room_minutes += tally.status[STATUSES[ACCEPTED]]
        for kind, count in self._opened.items():
            self._rate.labels(kind).set(count / max(self._room_minutes / 1440, 1e-9))
