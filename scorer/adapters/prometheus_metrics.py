"""Every metric of the scorer, declared once. No room id is ever a label: cardinality stays constant."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from roompulse.rooms import KINDS
from scorer import happenings as told
from scorer.adapters.delays import Delays
from scorer.pipeline.judge import EVENTS, OPEN
from scorer.pipeline.wave import ACCEPTED, CORRECTED, DUPLICATE, JUDGED_HORIZONS, LATE, STATUSES

_BATCH_SIZES = (1, 10, 100, 1000, 2500, 5000, 10_000)
_STAGE_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class PrometheusMetrics:
    """Feeds the metrics from what the loop tells. `registry` is what the HTTP port serves."""

    def __init__(self, model: str) -> None:
        self.registry = registry = CollectorRegistry()
        self.delays = Delays()
        registry.register(_DelayCollector(self.delays))
        # What came in, and what became of it: events = forecasts + late + corrected + duplicate + dead letters.
        self._events = Counter("roompulse_events", "Room-minutes read from the input topic.", registry=registry)
        self._forecasts = Counter("roompulse_forecasts", "Forecasts committed.", registry=registry)
        self._late = Counter("roompulse_late", "Room-minutes older than the room's ring, dropped.", registry=registry)
        self._corrected = Counter("roompulse_corrected", "Past minutes corrected or filled in.", registry=registry)
        self._duplicate = Counter("roompulse_duplicate", "Minutes that came again unchanged.", registry=registry)
        self._dead = Counter("roompulse_dead_letters", "Records refused, by reason.", ["reason"], registry=registry)
        self._clocks = Counter("roompulse_clocks", "Clock records read.", registry=registry)
        self._blank = Counter("roompulse_blank_minutes", "Minutes that never came, within sessions.", registry=registry)
        self._gated = Counter(
            "roompulse_gated_forecasts", "Forecasts served from the plain mean, which was better.", registry=registry
        )
        self._sessions = Counter("roompulse_sessions", "Sessions begun.", registry=registry)
        self._alerts = Counter(
            "roompulse_alerts", "Alert records committed.", ["kind", "severity", "event"], registry=registry
        )
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
        self._fleet_open = Gauge(
            "roompulse_fleet_events_open", "1 while a fleet event is open.", ["partition"], registry=registry
        )
        # How good the forecasts are, against the naive one that repeats the last value.
        self._judged = Counter(
            "roompulse_forecasts_judged", "Forecasts whose minute has come.", ["horizon"], registry=registry
        )
        self._error = Counter(
            "roompulse_forecast_absolute_error", "Sum of |actual - median|.", ["horizon"], registry=registry
        )
        self._naive_error = Counter(
            "roompulse_naive_absolute_error", "Sum of |actual - last value|.", ["horizon"], registry=registry
        )
        self._interval = Counter(
            "roompulse_intervals_judged", "10-90 % intervals of the next minute that were met.", registry=registry
        )
        self._inside = Counter("roompulse_intervals_covered", "Those that held the actual.", registry=registry)
        segment = ["partition", "category"]
        self._relative = Gauge(
            "roompulse_forecast_drift_relative_error",
            "Error over the naive forecast's, since it last changed; with --drift.",
            segment,
            registry=registry,
        )
        self._drifts = Counter(
            "roompulse_forecast_drifts", "Times that this error changed for good.", segment, registry=registry
        )
        # How the loop runs.
        self._batch = Histogram(
            "roompulse_batch_size", "Messages in a transaction.", buckets=_BATCH_SIZES, registry=registry
        )
        self._stage = Histogram(
            "roompulse_stage_duration_seconds",
            "Time by stage of the loop.",
            ["stage"],
            buckets=_STAGE_S,
            registry=registry,
        )
        self._aborted = Counter("roompulse_aborted_transactions", "Transactions given up.", registry=registry)
        self._away = Counter("roompulse_broker_failures", "Times that Kafka did not answer.", registry=registry)
        self._lag = Gauge("roompulse_offset_lag", "Messages not read yet.", ["partition"], registry=registry)
        self._watermark = Gauge(
            "roompulse_watermark_timestamp_seconds",
            "The highest minute seen, as event time.",
            ["partition"],
            registry=registry,
        )
        self._event_lag = Gauge(
            "roompulse_event_time_lag_seconds", "Wall clock less watermark.", ["partition"], registry=registry
        )
        self._rooms = Gauge("roompulse_rooms_live", "Rooms not silent.", ["partition"], registry=registry)
        # The checkpoint.
        self._saved_rooms = Counter("roompulse_checkpoint_rooms", "Room states written.", registry=registry)
        self._save_failures = Counter("roompulse_checkpoint_failures", "Saves that failed.", registry=registry)
        self._waiting = Gauge("roompulse_checkpoint_rooms_waiting", "Rooms waiting for Redis.", registry=registry)
        self._paused = Gauge("roompulse_reading_paused", "1 while too many rooms wait for Redis.", registry=registry)
        self._recoveries = Counter(
            "roompulse_recoveries", "Partitions taken over, by how their state was found.", ["state"], registry=registry
        )
        info = Gauge("roompulse_model_info", "The model that is served.", ["model"], registry=registry)
        info.labels(model).set(1)

    def __call__(self, happening: told.Happening) -> None:
        """Count what the loop tells."""
        match happening:
            case told.Committed():
                self._committed(happening)
            case told.Aborted():
                self._aborted.inc()
            case told.BrokerAway():
                self._away.inc()
            case told.Standing():
                self._standing(happening)
            case told.Saved():
                self._saved_rooms.inc(happening.rooms)
                self._stage.labels("checkpoint").observe(happening.seconds)
                self._waiting.set(0)
            case told.SaveDelayed():
                self._save_failures.inc()
                self._waiting.set(happening.waiting)
            case told.Reading():
                self._paused.set(happening.paused)
            case told.Recovered():
                state = "kept" if not happening.rebuilt else "rebuilt" if happening.exact else "approximate"
                self._recoveries.labels(state).inc()
            case told.Drifted(partition, category, drifted, _, now):
                self._relative.labels(str(partition), category).set(now)
                self._drifts.labels(str(partition), category).inc(drifted)
            case told.Lost():
                for gauge in (self._lag, self._watermark, self._event_lag, self._rooms, self._fleet_open):
                    with suppress(KeyError):  # a partition that came and went within seconds was never told about
                        gauge.remove(str(happening.partition))
            case told.RecoveryDelayed() | told.Live():
                pass

    def _committed(self, batch: told.Committed) -> None:
        tally = batch.tally
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
        for label, count in tally.alerts.items():
            self._alerts.labels(*label).inc(count)
        for (kind, _, event), count in tally.alerts.items():
            self._opened[kind] += count if event == EVENTS[OPEN] else 0
        self._room_minutes += tally.status[STATUSES[ACCEPTED]]
        for kind, count in self._opened.items():
            self._rate.labels(kind).set(count / max(self._room_minutes / 1440, 1e-9))
        for (word, result), count in tally.words.items():
            (self._feedback if word == "feedback" else self._snoozes).labels(result).inc(count)
        for change, count in tally.fleet.items():
            self._fleet.labels(*change).inc(count)
        self._clocks.inc(tally.clocks)
        self._blank.inc(tally.blanks)
        self._gated.inc(tally.gated)
        self._sessions.inc(tally.sessions)
        for horizon, (judged, error, naive) in zip(JUDGED_HORIZONS, tally.judged.tolist(), strict=True):
            self._judged.labels(str(horizon)).inc(judged)
            self._error.labels(str(horizon)).inc(error)
            self._naive_error.labels(str(horizon)).inc(naive)
        self._interval.inc(tally.covered[0])
        self._inside.inc(tally.covered[1])
        self._batch.observe(batch.messages)
        for stage, seconds in batch.stage_s.items():
            self._stage.labels(stage).observe(seconds)
        self.delays.observe(batch.delay_s)

    def _standing(self, standing: told.Standing) -> None:
        for partition, behind in standing.behind.items():
            self._lag.labels(str(partition)).set(behind)
        for partition, rooms in standing.rooms.items():
            self._rooms.labels(str(partition)).set(rooms)
        for partition, is_open in standing.fleet.items():
            self._fleet_open.labels(str(partition)).set(is_open)
        for partition, minute in standing.watermarks.items():
            self._watermark.labels(str(partition)).set(minute * 60)
            self._event_lag.labels(str(partition)).set(time.time() - minute * 60)


class _DelayCollector(Collector):
    """The delays as a histogram; prometheus_client's own takes one value at a time."""

    def __init__(self, delays: Delays) -> None:
        self._delays = delays

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """Give the histogram as it stands."""
        yield HistogramMetricFamily(
            "roompulse_delay_seconds",
            "From a record's timestamp to the commit of what it led to.",
            buckets=self._delays.buckets(),
            sum_value=self._delays.total_s,
        )
