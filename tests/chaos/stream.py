"""The input of every trial: the same records in the same order on the same partitions, in slices.

Rooms that surge and slump, a fleet that falls together, the same record twice, minutes corrected later, minutes that
come out of order, and records that nobody can read between good ones. A producer that delivers twice or out of order
leaves just such a log; what it does not do is change the log from one trial to the next.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from roompulse.minutes import QUIET_MINUTES, Minute, format_minute, parse_minute
from roompulse.records import Clock, Metrics, RoomMinute, encode
from roompulse.topics import CLOCK_HEADER, CLOCK_SCHEMA, MINUTE_SCHEMA, SCHEMA_HEADER
from tests.journeys.bad_records import BAD

PARTITIONS = 3
SLICES = 24
MINUTES = 84
ROOMS = 5
"""Of each partition; they run through all minutes."""
FLEET = 25
"""Rooms of partition 0 that fall together in the last minutes."""
FLEET_FROM, FALLEN = 50, 3
SHORT_POISON = 1000


class Record(NamedTuple):
    """One record and the partition on which it lies."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


@cache
def slices() -> tuple[tuple[Record, ...], ...]:
    """All records, cut into SLICES parts; the last one ends with the clocks that close every session."""
    records = list(_records())
    size = -(-len(records) // SLICES)
    return tuple(tuple(records[start : start + size]) for start in range(0, len(records), size))


def _records() -> Iterator[Record]:
    chance = random.Random(20240501)
    start = parse_minute("2024-05-01T10:00:00+08:00")
    poisons = _poisons()
    for step in range(MINUTES):
        now = Minute(start.epoch + step, start.offset)
        batch = [_minute(partition, room, step, now) for partition in range(PARTITIONS) for room in range(ROOMS)]
        if step >= FLEET_FROM and step < FLEET_FROM + 33:
            batch += [_fleet(room, step, now) for room in range(FLEET)]
        before = Minute(now.epoch - 1, now.offset)
        for record in batch:
            partition, room = record.partition, int(record.key.rpartition(b" ")[2]) if record.key else 0
            what = chance.random()
            if what < 0.04:
                yield from (record, record)
            elif what < 0.08 and step:  # the minute before is corrected, or comes only now
                yield from (record, _minute(partition, room % ROOMS, step - 1, before, factor=2))
            elif what < 0.11 and step:
                yield from (_minute(partition, 90 + room, step - 1, before), record)
            elif what < 0.14:
                yield from (record, next(poisons)._replace(partition=partition))
            else:
                yield record
    over = Minute(start.epoch + MINUTES + QUIET_MINUTES, start.offset)
    for partition in range(PARTITIONS):
        yield Record(partition, None, encode(Clock(format_minute(*over))), _headers(CLOCK_SCHEMA, over))


def _minute(partition: int, room: int, step: int, now: Minute, factor: int = 1) -> Record:
    count = factor * (60 + 30 * room + (7 * step + 13 * room + 5 * partition) % 17)
    if room == 1 and 64 <= step < 72:
        count *= 5
    if room == 2 and 62 <= step < 76:
        count //= 10
    return _encoded(partition, f"p{partition} {room}", count, now)


def _fleet(room: int, step: int, now: Minute) -> Record:
    calm = step < FLEET_FROM + 33 - FALLEN
    return _encoded(0, f"fleet {room}", (100 + (7 * step + 13 * room) % 17) // (1 if calm else 5), now)


def _encoded(partition: int, name: str, count: int, now: Minute) -> Record:
    record = RoomMinute(name, format_minute(*now), Metrics(count))
    return Record(partition, record.room_id.encode(), encode(record), _headers(MINUTE_SCHEMA, now))


def _headers(schema: str, clock: Minute) -> list[tuple[str, bytes]]:
    return [(SCHEMA_HEADER, schema.encode()), (CLOCK_HEADER, format_minute(*clock).encode())]


def _poisons() -> Iterator[Record]:
    """Bad records for ever, in turn: the short ones whose dead letter does not depend on Kafka's clock or partition."""
    bad = [b for b in BAD if b.headers and len(b.value or b"") < SHORT_POISON and len(b.key or b"") < SHORT_POISON]
    while True:
        for poison in bad:
            if poison.name != "the wrong partition":
                yield Record(0, poison.key, poison.value, [(name, value or b"") for name, value in poison.headers])
