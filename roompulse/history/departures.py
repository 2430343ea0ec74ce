"""Rows of history, grouped by the minute of event time in which they are due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from roompulse.history.rows import HistoryRow
from roompulse.minutes import Minute

MAX_CHUNK_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Departure:
    """Rows that leave in one minute of event time, in order. A late row's own minute is earlier than that."""

    minute: Minute
    rows: list[HistoryRow]


def departures(rows: Iterable[HistoryRow]) -> Iterator[Departure]:
    """Group rows by the event time at which they leave: the highest minute so far."""
    minute: Minute | None = None
    chunk: list[HistoryRow] = []
    for row in rows:
        if minute is None or row.minute.epoch > minute.epoch or len(chunk) >= MAX_CHUNK_ROWS:
            if minute is not None:
                yield Departure(minute, chunk)
            chunk = []
            if minute is None or row.minute.epoch > minute.epoch:
                minute = row.minute
        chunk.append(row)
    if minute is not None:
        yield Departure(minute, chunk)
