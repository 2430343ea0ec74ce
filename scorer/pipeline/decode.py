"""First step: messages of one partition become columns; what cannot be accepted becomes a dead letter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.control import Control, decode_control
from roompulse.errors import RecordError
from roompulse.minutes import QUIET_MINUTES, Minute, parse_clock, parse_minute
from roompulse.records import RoomMinute, decode_clock, decode_minute
from roompulse.topics import (
    CLOCK_HEADER,
    CLOCK_SCHEMA,
    CONTROL_SCHEMA,
    FEEDBACK_SCHEMA,
    MINUTE_SCHEMA,
    SCHEMA_HEADER,
    SNOOZE_SCHEMA,
)
from roompulse.words import NOISE, decode_feedback, decode_snooze
from scorer.ports import Message

MINUTES_AHEAD = 5
"""A minute further ahead of its record's clock is refused, so that one wrong date cannot close every window."""

MINUTE, CLOCK, FEEDBACK, SNOOZE, CONTROL = range(5)
"""What a row of a batch is."""
NO_MINUTE = int(np.iinfo(np.int64).min)
"""The minute of a row that is of no minute: it moves no watermark."""
_OF_NO_MINUTE = Minute(NO_MINUTE, 0)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be accepted, with the reason's code and its explanation."""

    message: Message
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """The messages of one partition as columns, in offset order; each row is one message.

    `kind` (n,) says what each row is: MINUTE, CLOCK, FEEDBACK, SNOOZE or CONTROL. `minute` (n,) epoch minutes
    (NO_MINUTE for what people say of a room and for control records, which stand in `controls` by row), `offset` (n,)
    minutes east of UTC, `rooms` the ids ("" for a clock or control record), `ended` (n,).
    `value` (n,) is a room-minute's target (NaN: not measured), a verdict (1 noise, 0 useful), or the epoch minute that
    a snooze lasts until. Dead letters are no rows; they stand in `dead` by position, where a position counts the
    batch's messages from 0 and `position` (n,) holds that of each row.
    """

    kind: NDArray[np.int8]
    position: NDArray[np.int64]
    rooms: list[str]
    minute: NDArray[np.int64]
    offset: NDArray[np.int16]
    value: NDArray[np.float64]
    ended: NDArray[np.bool_]
    records: list[RoomMinute | None]
    controls: dict[int, Control]
    dead: dict[int, DeadLetter]


@dataclass(frozen=True, slots=True)
class Records:
    """One record for each of n rooms: columns of shape (n,), `series` (n, DRIVERS) for the drivers.

    `category` (n,) is the category's code, 0 where a record says none.
    """

    minute: NDArray[np.int64]
    offset: NDArray[np.int16]
    value: NDArray[np.float64]
    ended: NDArray[np.bool_]
    series: NDArray[np.float64]
    category: NDArray[np.uint32]

    def take(self, rows: NDArray[np.int64]) -> Records:
        """The records at `rows`."""
        return Records(
            self.minute[rows], self.offset[rows], self.value[rows], self.ended[rows], self.series[rows],
            self.category[rows],
        )  # fmt: skip


def decode_messages(
    messages: Sequence[Message], partition: int, partition_of: Callable[[bytes], int] | None
) -> Decoded:
    """Decode every message. `partition_of`, where given, says on which partition a key has to lie."""
    kinds: list[int] = []
    position: list[int] = []
    rooms: list[str] = []
    minutes: list[Minute] = []
    values: list[float] = []
    ended: list[bool] = []
    records: list[RoomMinute | None] = []
    controls: dict[int, Control] = {}
    dead: dict[int, DeadLetter] = {}
    nan = float("nan")
    for number, message in enumerate(messages):
        try:
            schema, clock_ms = _headers(message)
            if schema == CLOCK_SCHEMA:
                minute = _minute(decode_clock(_value(message)).minute, clock_ms, MINUTES_AHEAD + QUIET_MINUTES)
                kind, room, value, end, record = CLOCK, "", nan, False, None
            elif schema == MINUTE_SCHEMA:
                record = decode_minute(_value(message))
                minute = _minute(record.minute, clock_ms, MINUTES_AHEAD)
                room = record.room_id
                _check_key(message.key, room, partition, partition_of)
                target = record.metrics.watch_ucnt
                kind, value, end = MINUTE, nan if target is None else target, record.ended
            elif schema == CONTROL_SCHEMA:
                controls[len(kinds)] = decode_control(_value(message))
                kind, room, value, minute, end, record = CONTROL, "", nan, _OF_NO_MINUTE, False, None
            else:
                kind, room, value = _word(schema, message)
                minute, end, record = _OF_NO_MINUTE, False, None
                _check_key(message.key, room, partition, partition_of)
        except RecordError as error:
            dead[number] = DeadLetter(message, error.reason, str(error))
            continue
        kinds.append(kind)
        position.append(number)
        rooms.append(room)
        minutes.append(minute)
        values.append(value)
        ended.append(end)
        records.append(record)
    when = np.array(minutes, np.int64).reshape(-1, 2)
    return Decoded(
        np.array(kinds, np.int8),
        np.array(position, np.int64),
        rooms,
        when[:, 0],
        when[:, 1].astype(np.int16),
        np.array(values, np.float64),
        np.array(ended, np.bool_),
        records,
        controls,
        dead,
    )


def _headers(message: Message) -> tuple[str, int]:
    """The record's schema and its clock in milliseconds (-1: none)."""
    schema, clock_ms = MINUTE_SCHEMA, message.timestamp_ms
    for name, raw in message.headers:
        if name == SCHEMA_HEADER:
            schema = (raw or b"").decode("utf-8", "replace")  # Kafka has headers without a value
        elif name == CLOCK_HEADER:
            text = (raw or b"").decode("utf-8", "replace")
            try:
                clock_ms = max(parse_clock(text), 0)  # 1970 east of Greenwich is a clock too, not a missing one
            except ValueError as error:
                raise RecordError("clock", f"header clock: got {text[:80]!r}: {error}") from None
    return schema, clock_ms


def _word(schema: str, message: Message) -> tuple[int, str, float]:
    """What people say of a room: its kind, the room, and the row's value."""
    if schema == FEEDBACK_SCHEMA:
        feedback = decode_feedback(_value(message))
        return FEEDBACK, feedback.room_id, float(feedback.verdict == NOISE)
    if schema == SNOOZE_SCHEMA:
        snooze = decode_snooze(_value(message))
        return SNOOZE, snooze.room_id, float(_parsed("until", snooze.until).epoch)
    raise RecordError("schema", f"header schema: got {schema[:80]!r}, expected {MINUTE_SCHEMA}")


def _value(message: Message) -> bytes:
    if message.value is None:
        raise RecordError("malformed", "value: got none, as in a tombstone: expected UTF-8 JSON")
    return message.value


def _parsed(field: str, text: str) -> Minute:
    try:
        return parse_minute(text)
    except ValueError as error:
        raise RecordError("minute", f"{field}: got {text[:80]!a}: {error}") from None


def _minute(text: str, clock_ms: int, ahead: int) -> Minute:
    minute = _parsed("minute", text)
    if clock_ms >= 0 and minute.epoch - clock_ms // 60_000 > ahead:
        raise RecordError(
            "ahead", f"minute: got {text!r}: expected at most {ahead} minutes ahead of the record's clock"
        )
    return minute


def _check_key(key: bytes | None, room: str, partition: int, partition_of: Callable[[bytes], int] | None) -> None:
    expected = room.encode()
    if key != expected:
        shown = "none" if key is None else ascii(key[:80].decode("utf-8", "replace"))
        raise RecordError("key", f"key: got {shown}: expected the room_id {room[:80]!a}")
    if partition_of is not None and (right := partition_of(expected)) != partition:
        raise RecordError("partition", f"key: got partition {partition}: expected {right} for this room_id")
