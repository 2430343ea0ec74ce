"""What is read of one message before its record: headers, value, minute and key. RecordError says what is wrong."""

from __future__ import annotations

from collections.abc import Callable

from roompulse.errors import RecordError
from roompulse.minutes import Minute, parse_clock, parse_minute
from roompulse.topics import CLOCK_HEADER, MINUTE_SCHEMA, SCHEMA_HEADER
from scorer.ports import Headers, Message

_MINUTE_SCHEMA = MINUTE_SCHEMA.encode()


def headers_of(headers: Headers) -> tuple[str, int | None]:
    """The schema that a record's headers say, and its clock in milliseconds; None: the time that Kafka gave it."""
    schema, clock_ms = MINUTE_SCHEMA, None
    for name, raw in headers:
        if name == SCHEMA_HEADER:
            # Kafka has headers without a value
            schema = MINUTE_SCHEMA if raw == _MINUTE_SCHEMA else (raw or b"").decode("utf-8", "replace")
        elif name == CLOCK_HEADER:
            text = (raw or b"").decode("utf-8", "replace")
            try:
                clock_ms = max(parse_clock(text), 0)  # 1970 east of Greenwich is a clock too, not a missing one
            except ValueError as error:
                raise RecordError("clock", f"header clock: got {text[:80]!r}: {error}") from None
    return schema, clock_ms


def value_of(message: Message) -> bytes:
    """The record's bytes."""
    if message.value is None:
        raise RecordError("malformed", "value: got none, as in a tombstone: expected UTF-8 JSON")
    return message.value


def parsed_minute(field: str, text: str) -> Minute:
    """The minute that a field holds."""
    try:
        return parse_minute(text)
    except ValueError as error:
        raise RecordError("minute", f"{field}: got {text[:80]!a}: {error}") from None


def minute_of(text: str, clock_ms: int, ahead: int) -> Minute:
    """The record's minute, which may be `ahead` minutes ahead of its clock."""
    minute = parsed_minute("minute", text)
    if clock_ms >= 0 and minute.epoch - clock_ms // 60_000 > ahead:
        raise RecordError(
            "ahead", f"minute: got {text!r}: expected at most {ahead} minutes ahead of the record's clock"
        )
    return minute


def check_key(key: bytes | None, room: str, partition: int, partition_of: Callable[[bytes], int] | None) -> None:
    """The key has to be the room's, on the partition where `partition_of`, if given, puts it."""
    expected = room.encode()
    if key != expected:
        shown = "none" if key is None else ascii(key[:80].decode("utf-8", "replace"))
        raise RecordError("key", f"key: got {shown}: expected the room_id {room[:80]!a}")
    if partition_of is not None and (right := partition_of(expected)) != partition:
        raise RecordError("partition", f"key: got partition {partition}: expected {right} for this room_id")
