"""Whole rooms through the scorer's waves with nothing written: for trying rules, offline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roompulse.rooms import fresh_rooms
from roompulse.rules import Rules
from roompulse.thresholds import Thresholds
from scorer.pipeline.decode import Records
from scorer.pipeline.tell import Told
from scorer.pipeline.wave import advance
from scorer.ports import Forecaster


class Rehearsal:
    """The state of rooms, known by numbers from 0 up, under one set of rules."""

    def __init__(self, forecaster: Forecaster, rules: Rules, dtype: np.dtype[np.void]) -> None:
        self._forecaster, self._rules = forecaster, rules
        self._thresholds = Thresholds(rules)
        self._rooms = fresh_rooms(0, dtype)

    def advance(self, rooms: NDArray[np.int64], records: Records) -> tuple[list[Told], NDArray[np.float64]]:
        """Advance each of `rooms` (n,), no one twice, by its record.

        Returns what is told of alerts, by places in `rooms`, and what was expected of each minute (n,), NaN where
        nothing was or where the record was no new minute.
        """
        needed = int(rooms.max(initial=-1)) + 1
        if needed > len(self._rooms):
            grown = fresh_rooms(max(needed, 2 * len(self._rooms)), self._rooms.dtype)
            grown[: len(self._rooms)] = self._rooms
            self._rooms = grown
        rows = self._rooms[rooms]
        outcome = advance(rows, records, self._forecaster, self._rules, self._thresholds)
        self._rooms[rooms] = rows
        return outcome.told, outcome.newest[:, 1]
