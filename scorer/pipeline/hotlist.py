"""The hotlist: the rooms furthest above their forecast in one minute of one partition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray


class Hot(Struct, frozen=True, array_like=True):
    """A candidate: what a room did in the minute that is being tallied, and what was expected of it."""

    excess: float
    room_id: str
    actual: float
    expected: float


def candidates(
    actual: NDArray[np.float64], expected: NDArray[np.float64], rooms: Sequence[str], size: int
) -> list[Hot]:
    """The `size` rooms with the largest positive excess; arrays (n,) beside their room ids. NaN is no candidate."""
    excess = actual - expected
    found = np.flatnonzero(excess > 0)
    if len(found) > size:
        # All that tie with the last place are kept for `merge`, which orders them by name.
        least = np.partition(excess[found], -size)[-size]
        found = found[excess[found] >= least]
    return [Hot(float(excess[row]), rooms[row], float(actual[row]), float(expected[row])) for row in found.tolist()]


def merge(tally: Iterable[Hot], more: Iterable[Hot], size: int) -> tuple[Hot, ...]:
    """The `size` hottest of both, by excess and then by name: the same whatever order they came in."""
    return tuple(sorted([*tally, *more], key=lambda hot: (-hot.excess, hot.room_id))[:size])
