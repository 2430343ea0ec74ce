"""Which rooms a batch touches, in the order in which their rows lie beside each other while it is folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.rooms import FRESH
from scorer.pipeline.decode import Decoded


@dataclass(frozen=True, slots=True)
class Touched:
    """The rooms (m,) of a batch; `place` (n,) says which of them each of its n rows is of, -1 for none.

    The first `routine` rooms are those whose first record is a new minute, in the order of these records. A wave that
    takes each of them once takes rows that lie one after another, and needs no copy of them.
    """

    rooms: list[str]
    place: NDArray[np.int64]
    routine: int


def touched_by(
    decoded: Decoded, held: Mapping[str, int], last_minute: NDArray[np.int32], silent: Sequence[str]
) -> Touched:
    """The rooms of a batch and, after them, those that are `silent`.

    `held` says where a room is among those that are known, `last_minute` which minute is the newest of those.
    """
    numbers: dict[str, int] = {}
    place = np.array([numbers.setdefault(room, len(numbers)) if room else -1 for room in decoded.rooms], np.int64)
    rooms = list(numbers)
    where = np.array([held.get(room, -1) for room in rooms], np.int64)
    last = np.full(len(rooms), FRESH, np.int64)
    last[where >= 0] = last_minute[where[where >= 0]]
    # Numbers count up along the rows: a room's first row is where the highest number so far rises.
    first = np.flatnonzero(np.diff(np.maximum.accumulate(place), prepend=-1))
    is_routine = decoded.minute[first] > last
    if not is_routine.all():
        order = np.argsort(~is_routine, kind="stable")
        numbered = np.empty(len(rooms), np.int64)
        numbered[order] = np.arange(len(rooms))
        place = np.where(place >= 0, numbered[place], -1)  # -1 takes the last number, and lets go of it
        rooms = [rooms[number] for number in order.tolist()]
    return Touched([*rooms, *(room for room in silent if room not in numbers)], place, int(is_routine.sum()))
