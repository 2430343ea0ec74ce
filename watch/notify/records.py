"""What is forwarded: alerts and fleet events, read from their topics and checked."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from roompulse.errors import RecordError
from roompulse.minutes import parse_minute
from roompulse.records import Alert, FleetEvent, decode_with

OPEN, UPDATE, RESOLVE, RETRACT = "open", "update", "resolve", "retract"
ENDS = (RESOLVE, RETRACT)
SEVERITIES = ("info", "warning", "critical")
DIRECTIONS = {"surge": "up", "hotspot": "up", "slump": "down"}

_alert = msgspec.json.Decoder(Alert)
_fleet = msgspec.json.Decoder(FleetEvent)
_ID = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Told:
    """One record of an alert's or a fleet event's life.

    `alert_id` is what identifies it for all its life, of a fleet event its `fleet_id`; `partition` is Kafka's.
    `opened_s` and `minute_s` are event time, `written_s` is when the record was written, all in seconds since 1970.
    `value` is the record as it lies on the topic.
    """

    record: Alert | FleetEvent
    alert_id: str
    partition: int
    opened_s: int
    minute_s: int
    written_s: float
    value: bytes

    @property
    def ended(self) -> bool:
        """Whether this record ends it."""
        return self.record.event in ENDS

    @property
    def is_fleet(self) -> bool:
        """Whether many rooms moved, not one."""
        return isinstance(self.record, FleetEvent)


def read_alert(value: bytes, partition: int, written_s: float) -> Told:
    """Decode one record of the alert topics. Raises RecordError for what RoomPulse cannot have written."""
    record = decode_with(_alert, value)
    _check("kind", record.kind, DIRECTIONS)
    _check("severity", record.severity, SEVERITIES)
    return _told(record, record.alert_id, partition, written_s, value)


def read_fleet(value: bytes, partition: int, written_s: float) -> Told:
    """Decode one record of the topic of fleet events. Raises RecordError."""
    record = decode_with(_fleet, value)
    _check("direction", record.direction, ("up", "down"))
    return _told(record, record.fleet_id, partition, written_s, value)


def _told(record: Alert | FleetEvent, identity: str, partition: int, written_s: float, value: bytes) -> Told:
    _check("event", record.event, (OPEN, UPDATE, *ENDS))
    if _ID.fullmatch(identity) is None:
        raise RecordError("invalid", f"alert_id or fleet_id: got {identity[:60]!a}: expected 16 hexadecimal digits")
    try:
        opened, minute = parse_minute(record.opened).epoch, parse_minute(record.minute).epoch
    except ValueError as error:
        raise RecordError("minute", f"opened or minute: {error}") from None
    return Told(record, identity, partition, 60 * opened, 60 * minute, written_s, value)


def _check(name: str, got: str, allowed: Collection[str]) -> None:
    if got not in allowed:
        raise RecordError("invalid", f"{name}: got {got[:60]!a}: expected {', '.join(allowed)}")
