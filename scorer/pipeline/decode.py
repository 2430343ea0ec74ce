"""First step: messages of one partition become columns; what cannot be accepted becomes a dead letter."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from roompulse.channels import NO_CHANNELS, Channels
from roompulse.control import Control, decode_control
from roompulse.errors import RecordError
from roompulse.minutes import QUIET_MINUTES, Minute
from roompulse.records import RoomMinute, check_room_id, decode_clock, decode_minute
from roompulse.rooms import DRIVERS
from roompulse.straight import StraightMinute, straight_reader
from roompulse.thresholds import category_code
from roompulse.topics import CLOCK_SCHEMA, CONTROL_SCHEMA, FEEDBACK_SCHEMA, MINUTE_SCHEMA, SNOOZE_SCHEMA
from roompulse.words import NOISE, decode_feedback, decode_snooze
from scorer.pipeline.message import check_key, headers_of, minute_of, parsed_minute, value_of
from scorer.ports import Headers, Message

MINUTES_AHEAD = 5
"""A minute further ahead of its record's clock is refused, so that one wrong date cannot close every window."""

MINUTE, CLOCK, FEEDBACK, SNOOZE, CONTROL = range(5)
"""What a row of a batch is."""
NO_MINUTE = int(np.iinfo(np.int64).min)
"""The minute of a row that is of no minute: it moves no watermark."""
_OF_NO_MINUTE = Minute(NO_MINUTE, 0)
_NAN = float("nan")


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
    a snooze lasts until. `category` (n,) is the place in `categories` of what a room-minute says, which may be None.
    `series` (n, DRIVERS) are those of `channels`. Dead letters are no rows; they stand in `dead` by position, where a
    position counts the batch's `messages` from 0 and `position` (n,) holds that of each row.
    """

    kind: NDArray[np.int8]
    position: NDArray[np.int64]
    rooms: list[str]
    minute: NDArray[np.int64]
    offset: NDArray[np.int16]
    value: NDArray[np.float64]
    ended: NDArray[np.bool_]
    category: NDArray[np.int64]
    categories: list[str | None]
    series: NDArray[np.float64]
    channels: Channels
    controls: dict[int, Control]
    dead: dict[int, DeadLetter]
    messages: Sequence[Message]

    @property
    def records(self) -> list[RoomMinute | None]:
        """The room-minutes in full, read once more; None for other rows."""
        return [
            decode_minute(value_of(self.messages[position])) if kind == MINUTE else None
            for kind, position in zip(self.kind.tolist(), self.position.tolist(), strict=True)
        ]

    def records_at(self, rows: NDArray[np.int64], channels: Channels) -> Records:
        """The room-minutes at `rows` (m,), with the series that a model with these channels knows."""
        codes = np.array([category_code(name) for name in self.categories], np.uint32)
        return Records(
            self.minute[rows], self.offset[rows], self.value[rows], self.ended[rows], self._series_of(channels, rows),
            codes[self.category[rows]],
        )  # fmt: skip

    def _series_of(self, channels: Channels, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        if channels == self.channels:
            return self.series[rows]
        records = self.records
        return channels.columns([record for row in rows.tolist() if (record := records[row]) is not None])


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
    messages: Sequence[Message],
    partition: int,
    partition_of: Callable[[bytes], int] | None,
    channels: Channels = NO_CHANNELS,
    known: Container[str] = frozenset(),
) -> Decoded:
    """Decode every message; `channels` are those that the series hold.

    `partition_of`, where given, says on which partition a key has to lie; rooms that are `known` were asked about.
    """
    read = straight_reader(channels).read
    kinds: list[int] = []
    position: list[int] = []
    rooms: list[str] = []
    epochs: list[int] = []
    offsets: list[int] = []
    values: list[float] = []
    ended: list[bool] = []
    category: list[int] = []
    places: dict[str | None, int] = {None: 0}
    records: list[StraightMinute | RoomMinute | None] = []
    controls: dict[int, Control] = {}
    dead: dict[int, DeadLetter] = {}
    headers: Headers | None = None
    schema, stated_ms = "", None
    for number, message in enumerate(messages):
        record: StraightMinute | RoomMinute | None = None
        room, value, end, place = "", _NAN, False, 0
        try:
            if message.headers != headers:  # most say what those before them said
                schema, stated_ms = headers_of(message.headers)
                headers = message.headers
            clock_ms = message.timestamp_ms if stated_ms is None else stated_ms
            if schema == MINUTE_SCHEMA:
                record = _record(read, message)
                kind, room, end = MINUTE, record.room_id, record.ended
                if (new := room not in known) and type(record) is not RoomMinute:
                    check_room_id(room)
                epoch, offset = minute_of(record.minute, clock_ms, MINUTES_AHEAD)
                check_key(message.key, room, partition, partition_of if new else None)
                if (target := record.metrics.watch_ucnt) is not None:
                    value = target
                place = places.setdefault(record.category, len(places))
            elif schema == CLOCK_SCHEMA:
                kind = CLOCK
                clock = decode_clock(value_of(message))
                epoch, offset = minute_of(clock.minute, clock_ms, MINUTES_AHEAD + QUIET_MINUTES)
            elif schema == CONTROL_SCHEMA:
                kind, (epoch, offset) = CONTROL, _OF_NO_MINUTE
                controls[len(kinds)] = decode_control(value_of(message))
            else:
                kind, room, value = _word(schema, message)
                epoch, offset = _OF_NO_MINUTE
                check_key(message.key, room, partition, partition_of)
        except RecordError as error:
            dead[number] = DeadLetter(message, error.reason, str(error))
            continue
        kinds.append(kind)
        position.append(number)
        rooms.append(room)
        epochs.append(epoch)
        offsets.append(offset)
        values.append(value)
        ended.append(end)
        category.append(place)
        records.append(record)
    return Decoded(
        np.array(kinds, np.int8),
        np.array(position, np.int64),
        rooms,
        np.array(epochs, np.int64),
        np.array(offsets, np.int16),
        np.array(values, np.float64),
        np.array(ended, np.bool_),
        np.array(category, np.int64),
        list(places),
        _series(records, channels),
        channels,
        controls,
        dead,
        messages,
    )


def _record(read: Callable[[bytes], StraightMinute], message: Message) -> StraightMinute | RoomMinute:
    value = value_of(message)
    try:
        if not value.isascii():
            value.decode()  # as `decode_with` does, for fields that nobody looks at
        return read(value)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return decode_minute(value)  # it may name other channels; else this says what is wrong


def _series(records: Sequence[StraightMinute | RoomMinute | None], channels: Channels) -> NDArray[np.float64]:
    """Columns (n, DRIVERS) of all rows, NaN for what is no room-minute."""
    if {RoomMinute, type(None)}.isdisjoint(map(type, records)):
        return straight_reader(channels).columns(cast(Sequence[StraightMinute], records))
    series = np.full((len(records), DRIVERS), np.nan)
    straight = {row: record for row, record in enumerate(records) if isinstance(record, StraightMinute)}
    series[list(straight)] = straight_reader(channels).columns(list(straight.values()))
    if len(straight) < len(records):
        others = {row: record for row, record in enumerate(records) if isinstance(record, RoomMinute)}
        series[list(others)] = channels.columns(list(others.values()))
    return series


def _word(schema: str, message: Message) -> tuple[int, str, float]:
    """What people say of a room: its kind, the room, and the row's value."""
    if schema == FEEDBACK_SCHEMA:
        feedback = decode_feedback(value_of(message))
        return FEEDBACK, feedback.room_id, float(feedback.verdict == NOISE)
    if schema == SNOOZE_SCHEMA:
        snooze = decode_snooze(value_of(message))
        return SNOOZE, snooze.room_id, float(parsed_minute("until", snooze.until).epoch)
    raise RecordError("schema", f"header schema: got {schema[:80]!r}, expected {MINUTE_SCHEMA}")
