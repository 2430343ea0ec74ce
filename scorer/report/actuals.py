"""What came: the targets of a run's rows, kept while it reads them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import repeat
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from roompulse.history import HistoryRow
from roompulse.minutes import ZULU
from roompulse.sessions import Session, all_sessions


@dataclass(slots=True)
class Actuals:
    """Sixteen bytes a row. `offset` is that of the first row, in which the report tells times."""

    offset: int = 0
    rows: int = 0
    _rooms: dict[str, tuple[array[int], array[float]]] = field(default_factory=dict)

    def see(self, rows: Iterable[HistoryRow]) -> None:
        """Note the target of each row, NaN where it was not measured."""
        for minute, record in rows:
            columns = self._rooms.get(record.room_id)
            if columns is None:
                columns = self._rooms[record.room_id] = array("q"), array("d")
            count = record.metrics.watch_ucnt
            columns[0].append(minute.epoch)
            columns[1].append(np.nan if count is None else count)
            if not self.rows:
                self.offset = 0 if minute.offset == ZULU else minute.offset
            self.rows += 1

    @property
    def rooms(self) -> list[str]:
        """Every room, in an order that says nothing of it, so that a part of it is a fair sample."""
        return sorted(self._rooms, key=lambda room: (crc32(room.encode()), room))

    def minutes_of(self, room: str) -> int:
        """How many rows a room had."""
        return len(self._rooms[room][0]) if room in self._rooms else 0

    def sessions(self, rooms: Iterable[str]) -> list[Session]:
        """The sessions of these rooms, by room and time."""
        return all_sessions(
            row for room in rooms if room in self._rooms for row in zip(repeat(room), *self._rooms[room], strict=False)
        )

    def by_minute(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Of all rooms: epoch minutes that have a measured row, the sum of targets, and the rooms measured."""
        parts = [_once(*map(np.asarray, columns)) for columns in self._rooms.values()]
        if not parts:
            return np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64)
        minutes, counts = (np.concatenate([part[at] for part in parts]) for at in range(2))
        known = ~np.isnan(counts)
        every, place = np.unique(minutes[known], return_inverse=True)
        return every, np.bincount(place, counts[known]).astype(np.float64), np.bincount(place)


def _once(minutes: NDArray[np.int64], counts: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Each minute once; the later row wins."""
    every, last = np.unique(minutes[::-1], return_index=True)
    return every, counts[::-1][last]
