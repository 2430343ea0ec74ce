"""How a run's alerts stand against a labels file: `backtest --labels`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

import msgspec

from roompulse.history import HistoryRow
from roompulse.labels import FLEET, Labelled, Labels
from roompulse.minutes import parse_minute
from roompulse.records import Alert

AROUND_MINUTES = 10
"""An alert that opens so many minutes before or after a judged one's opening is the same one under other settings."""
AFTERMATH_MINUTES = 10
"""So long after a labelled stretch an alert of its kind is still explained by it."""

_alert = msgspec.json.Decoder(Alert)


@dataclass(slots=True)
class Grading:
    """Collects what a run reads and writes; then counts.

    A verdict's label (`complete` is False) says nothing of alerts that nobody judged: these are counted apart. In a
    simulation everything that is not labelled is false. Hotspots are no label of a simulation; one that lies in a surge
    or outside of all labels counts neither way, and so does what opens where all rooms were moved.
    """

    labels: Labels
    _rooms: dict[str, list[int]] = field(default_factory=dict)
    _opened: dict[str, tuple[str, str, int]] = field(default_factory=dict)

    def see(self, rows: Iterable[HistoryRow]) -> None:
        """Note from when to when each room was read: labels elsewhere are not the run's to find."""
        for minute, record in rows:
            span = self._rooms.setdefault(record.room_id, [minute.epoch, minute.epoch])
            span[0], span[1] = min(span[0], minute.epoch), max(span[1], minute.epoch)

    def take(self, alerts: Iterable[bytes]) -> None:
        """Take in alert records in their order; what was retracted was no alert."""
        for value in alerts:
            alert = _alert.decode(value)
            if alert.event == "open":
                self.open(alert.alert_id, alert.room_id, alert.kind, parse_minute(alert.opened).epoch)
            elif alert.event == "retract":
                self._opened.pop(alert.alert_id, None)

    def open(self, alert: str, room: str, kind: str, minute: int) -> None:
        """Note the opening of the alert with this id in an epoch minute."""
        self._opened[alert] = room, kind, minute

    def summary(self) -> dict[str, object]:
        """Precision, recall and median delay, with the counts that they come from; None where there is nothing."""
        by_room: dict[tuple[str, str], list[Labelled]] = defaultdict(list)
        within = [label for label in self.labels.labelled if self._holds(label)]
        moves = [label for label in self.labels.labelled if label.kind == FLEET]
        for label in within:
            by_room[label.room, label.kind].append(label)
        right = false = unjudged = 0
        first_opened: dict[Labelled, int] = {}
        for room, kind, minute in sorted(self._opened.values(), key=lambda opening: opening[2]):
            explained = [label for label in by_room[room, kind] if self._explains(label, minute)]
            nearest = min(explained, key=lambda label: abs(label.first_minute - minute), default=None)
            if nearest is None:
                moved = any(self._explains(move, minute) for move in moves)
                if self.labels.complete and kind != "hotspot" and not moved:
                    false += 1
                else:
                    unjudged += 1
            elif nearest.real:
                right += 1
                if not self.labels.complete or minute <= nearest.last_minute:
                    first_opened.setdefault(nearest, minute)
            else:
                false += 1
        real = sum(label.real for label in within)
        delays = [minute - label.first_minute for label, minute in first_opened.items()]
        return {
            "labels": len(within),
            "labels_outside": len(self.labels.labelled) - len(moves) - len(within),
            "labels_real": real,
            "labels_found": len(first_opened),
            "alerts_right": right,
            "alerts_false": false,
            "alerts_unjudged": unjudged,
            "precision": right / (right + false) if right + false else None,
            "recall": len(first_opened) / real if real else None,
            "median_delay_minutes": median(delays) if delays else None,
        }

    def _holds(self, label: Labelled) -> bool:
        span = self._rooms.get(label.room)
        return span is not None and span[0] <= label.first_minute <= span[1]

    def _explains(self, label: Labelled, minute: int) -> bool:
        if self.labels.complete:
            return label.first_minute <= minute <= label.last_minute + AFTERMATH_MINUTES
        return abs(minute - label.first_minute) <= AROUND_MINUTES
