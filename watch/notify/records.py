"""What is forwarded: alerts and fleet events, read from their topics and checked."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from roompulse.errors import RecordError
from roompulse.minutes import parse_minute
from roompulse.records import Alert, FleetEvent, decode_with

OPEN, UPDATE, RESOLVE, RETRACT = "open", "update", "resolve", "retract"
ENDS = (RESOLVE, RETRACT)
DIRECTIONS = {"surge": "up", "hotspot": "up", "slump": "down"}

_alert = msgspec.json.Decoder(Alert)
_fleet = msgspec.json.Decoder(FleetEvent)


@dataclass(frozen=True, slots=True)
class Told:
    """One record of an alert's or a fleet event's life.

    `partition` is Kafka's; `opened_s` and `minute_s` are event time, `written_s` is when the record was written, all in
    seconds since 1970. `value` is the record as it lies on the topic.
    """

    record: Alert | FleetEvent
    partition: int
    opened_s: int
    minute_s: int
    written_s: float
    value: bytes

    @property
    def alert_id(self) -> str:
        """What identifies it for all its life; a fleet event's `fleet_id`."""
        return self.record.alert_id if isinstance(self.record, Alert) else self.record.fleet_id

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
    if record.kind not in DIRECTIONS:
        raise RecordError("invalid", f"kind: got {record.kind[:60]!a}: expected {', '.join(DIRECTIONS)}")
    if not record.alert_id:
        raise RecordError("invalid", "alert_id: got '': expected text")
    return _told(record, partition, written_s, value)


def read_fleet(value: bytes, partition: int, written_s: float) -> Told:
    """Decode one record of the topic of fleet events. Raises RecordError."""
    record = decode_with(_fleet, value)
    if record.direction not in {"up", "down"}:
        raise RecordError("invalid", f"direction: got {record.direction[:60]!a}: expected up or down")
    return _told(record, partition, written_s, value)


def _told(record: Alert | FleetEvent, partition: int, written_s: float, value: bytes) -> Told:
    if record.event not in {OPEN, UPDATE, *ENDS}:
        raise RecordError("invalid", f"event: got {record.event[:60]!a}: expected open, update, resolve or retract")
    try:
        opened, minute = parse_minute(record.opened).epoch, parse_minute(record.minute).epoch
    except ValueError as error:
        raise RecordError("minute", f"opened or minute: {error}") from None
    return Told(record, partition, 60 * opened, 60 * minute, written_s, value)
