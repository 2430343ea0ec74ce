"""A record as Alertmanager's v2 API takes it. Pure.

Labels are identity there: the set of them is an alert's fingerprint. Everything in them is fixed for an alert's life
but `severity`, which routes need. An alert that grew from warning to critical is therefore another one for
Alertmanager: the plan posts the end of the old set and the new one in one request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from roompulse.records import Alert, Driver, number
from watch.notify.records import DIRECTIONS, RETRACT, Told

SOURCE = "roompulse"
NAMES = {"surge": "RoomSurge", "slump": "RoomSlump", "hotspot": "RoomHotspot"}
FLEET_MOVE = "FleetMove"
_NUMBERS = ("actual", "expected", "low", "high", "deviation_percent", "rooms", "moved", "share")
_LONGEST = 2000
"""Characters of one annotation: a sentence has some two hundred."""

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Posting:
    """One alert as it is posted. Times are in seconds since 1970; an `ends_s` that has passed says that it is over."""

    labels: Labels
    annotations: Mapping[str, str]
    starts_s: float
    ends_s: float

    def as_json(self) -> dict[str, Any]:
        """The API's own form."""
        return {
            "labels": dict(sorted(self.labels)),
            "annotations": dict(self.annotations),
            "startsAt": _time(self.starts_s),
            "endsAt": _time(self.ends_s),
        }


def labels_of(told: Told, topic_prefix: str) -> Labels:
    """The labels of a record's alert; an empty one is left out, as Alertmanager itself does."""
    record = told.record
    labels = {"source": SOURCE, "alert_id": told.alert_id, "partition": str(told.partition)}
    labels |= {"topic_prefix": topic_prefix}
    if isinstance(record, Alert):
        labels |= {"alertname": NAMES[record.kind], "room_id": record.room_id, "kind": record.kind}
        labels |= {"severity": record.severity, "direction": DIRECTIONS[record.kind]}
    else:
        labels |= {"alertname": FLEET_MOVE, "severity": "warning", "direction": record.direction}
    return frozenset((name, value) for name, value in labels.items() if value)


def annotations_of(told: Told) -> dict[str, str]:
    """What changes in an alert's life: the sentence, the numbers, the minutes; what is null is left out."""
    record = told.record
    annotations = {"summary": record.text, "opened": record.opened, "minute": record.minute}
    for name in _NUMBERS:
        value = getattr(record, name, None)
        if value is not None:
            annotations[name] = str(number(value))
    if isinstance(record, Alert):
        annotations |= {"model": record.model, "drivers": "; ".join(map(_driver, record.drivers))}
    if told.ended:
        annotations["reason"] = "retracted" if record.event == RETRACT else record.reason or ""
    return {name: text[:_LONGEST] for name, text in annotations.items() if text}


def _driver(driver: Driver) -> str:
    return f"{driver.name} {number(driver.actual)} ({number(driver.expected)} expected)"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
