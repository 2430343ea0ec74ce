"""The hotlist: the rooms furthest above their forecast in one minute of one partition.

A room that was on the last minute's list keeps its place more easily than another takes it, and is measured against the
forecast that was in force when it entered, for newer ones follow what is hot within minutes: so the list stands still
enough to be read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS
from roompulse.rules import Rules
from scorer.pipeline.serve import round4

_MEDIAN = 1


class Hot(Struct, frozen=True, array_like=True):
    """A candidate: what a room did in the minute that is being tallied, and what was expected of it.

    `claim` is the excess, raised for a room that was listed before: what a place on the list goes by. `ahead` is the
    forecast made at the epoch minute `origin` for the ten after it, which the room is held to while it is listed;
    empty where there is none.
    """

    claim: float
    room_id: str
    actual: float
    expected: float
    origin: int
    ahead: tuple[float, ...] = ()

    @property
    def excess(self) -> float:
        """What a place within the list goes by, counts a minute."""
        return self.actual - self.expected


def candidates(
    minute: int,
    actual: NDArray[np.float64],
    newest: NDArray[np.float64],
    forecasts: NDArray[np.float32],
    rooms: Sequence[str],
    listed: Sequence[Hot],
    rules: Rules,
) -> list[Hot]:
    """The rooms with the largest claims among those with a positive excess, as many as the list is long.

    `actual` and `newest`, the newest forecast's median, are (n,), beside their room ids; NaN is no candidate.
    `forecasts` (n, 3, 10) are those made a minute ago, NaN for none. `listed` is the last minute's list.
    """
    expected, pull, origin = newest.copy(), np.ones(len(newest)), np.full(len(newest), minute - 1)
    names = {hot.room_id for hot in listed}
    where = {room: row for row, room in enumerate(rooms) if room in names}
    held: dict[int, Hot] = {}
    for hot in listed:
        row = where.get(hot.room_id, -1)
        if row < 0 or math.isnan(newest[row]):
            continue
        pull[row] = 1 / rules.hotlist_leave
        if hot.ahead and minute - hot.origin < rules.level_minutes:
            held[row], origin[row] = hot, hot.origin
            expected[row] = hot.ahead[min(minute - hot.origin, HORIZONS) - 1]
    claim = (actual - expected) * pull
    found = np.flatnonzero(claim > 0)
    if len(found) > rules.hotlist_size:
        # All that tie with the last place are kept for `merge`, which orders them by name.
        least = np.partition(claim[found], -rules.hotlist_size)[-rules.hotlist_size]
        found = found[claim[found] >= least]
    medians = round4(forecasts[found, _MEDIAN].astype(np.float64)).tolist()
    return [
        Hot(
            float(claim[row]),
            rooms[row],
            float(actual[row]),
            float(expected[row]),
            int(origin[row]),
            held[row].ahead if row in held else () if math.isnan(ahead[0]) else tuple(ahead),
        )
        for row, ahead in zip(found.tolist(), medians, strict=True)
    ]


def merge(tally: Iterable[Hot], more: Iterable[Hot], size: int) -> tuple[Hot, ...]:
    """The `size` largest claims of both, ties by name: the same whatever order they came in."""
    return tuple(sorted([*tally, *more], key=lambda hot: (-hot.claim, hot.room_id))[:size])


def ranked(tally: Iterable[Hot]) -> list[Hot]:
    """The list as it is written: hottest first, ties by name."""
    return sorted(tally, key=lambda hot: (-hot.excess, hot.room_id))
