"""A small history with alerts in it, as a file for a backtest and as records for a topic."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from roompulse.history import HistoryOptions, encode_row, read_history
from roompulse.minutes import QUIET_MINUTES, Minute, format_minute, parse_minute
from roompulse.records import Clock, Metrics, RoomMinute, encode
from roompulse.topics import CLOCK_HEADER, CLOCK_SCHEMA, MINUTE_SCHEMA, SCHEMA_HEADER

ROOMS = ("room 1", "直播间 🎉", "c-3", "r" * 256)
MINUTES = 90


class Sent(NamedTuple):
    """One record for the input topic."""

    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


def write_history(file: Path) -> None:
    """Four rooms over ninety minutes; the second one surges, the third one slumps."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(["room_id", "minute", "watch_ucnt", "natural"])
        for minute in range(MINUTES):
            for number, room in enumerate(ROOMS):
                count = 60 + 40 * number + (7 * minute + 13 * number) % 17
                if number == 1 and 60 <= minute < 70:
                    count *= 5
                if number == 2 and 60 <= minute < 70:
                    count //= 10
                when = f"2024-05-01 {10 + minute // 60}:{minute % 60:02d}"
                lines.writerow([room, when, count, f"{{'搜索': {count // 2}, '关注': {number}}}"])


def falling_fleet(rooms: int = 25, calm: int = 30, fallen: int = 3) -> Iterator[Sent]:
    """Rooms that are steady and then fall together, and a clock that leaves them silent."""
    start = parse_minute("2024-05-01T10:00:00+08:00")
    for step in range(calm + fallen):
        minute = Minute(start.epoch + step, start.offset)
        for room in range(rooms):
            count = (100 + (7 * step + 13 * room) % 17) // (1 if step < calm else 5)
            record = RoomMinute(f"fleet {room}", format_minute(*minute), Metrics(count))
            yield Sent(record.room_id.encode(), encode(record), _headers(MINUTE_SCHEMA, minute))
    over = Minute(start.epoch + calm + fallen + QUIET_MINUTES, start.offset)
    yield Sent(None, encode(Clock(format_minute(*over))), _headers(CLOCK_SCHEMA, over))


def records_of(file: Path) -> Iterator[Sent]:
    """The rows as `produce` sends them."""
    for row in read_history([str(file)], HistoryOptions()):
        key, value = encode_row(row)
        yield Sent(key, value, _headers(MINUTE_SCHEMA, row.minute))


def clock_after(file: Path) -> Sent:
    """What ends the sessions, once for each partition."""
    last = max(row.minute for row in read_history([str(file)], HistoryOptions()))
    over = Minute(last.epoch + QUIET_MINUTES, last.offset)
    return Sent(None, encode(Clock(format_minute(*over))), _headers(CLOCK_SCHEMA, over))


def _headers(schema: str, clock: Minute) -> list[tuple[str, bytes]]:
    return [(SCHEMA_HEADER, schema.encode()), (CLOCK_HEADER, format_minute(*clock).encode())]
