"""What people say of a room on the input topic: a verdict on one of its alerts, a snooze."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from roompulse.errors import RecordError
from roompulse.records import RoomId, check_room_id, decode_with

USEFUL, NOISE = VERDICTS = ("useful", "noise")

AlertId = Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
Note = Annotated[str, Meta(max_length=1024)]


class Feedback(Struct, omit_defaults=True, frozen=True):
    """`live.room.feedback/1`: was this alert worth a person's time? Moves the room's own threshold."""

    room_id: RoomId
    alert_id: AlertId
    verdict: str
    note: Note | None = None


class Snooze(Struct, omit_defaults=True, frozen=True):
    """`live.room.snooze/1`: no alert opens in this room before the minute `until`, RFC 3339 with an offset."""

    room_id: RoomId
    until: str
    note: Note | None = None


_feedback_decoder = msgspec.json.Decoder(Feedback)
_snooze_decoder = msgspec.json.Decoder(Snooze)


def decode_feedback(value: bytes) -> Feedback:
    """Decode and check one verdict. Raises RecordError."""
    record = decode_with(_feedback_decoder, value)
    check_room_id(record.room_id)
    if record.verdict not in VERDICTS:
        raise RecordError("invalid", f"verdict: got {record.verdict[:60]!a}: expected {' or '.join(VERDICTS)}")
    return record


def decode_snooze(value: bytes) -> Snooze:
    """Decode and check one snooze; its minute is text still. Raises RecordError."""
    record = decode_with(_snooze_decoder, value)
    check_room_id(record.room_id)
    return record
