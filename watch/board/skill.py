"""How good the forecasts were, judged by what came after them. The measures are those of the scorer's metrics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watch.board.rooms import Rooms

JUDGED_HORIZONS = (1, 5, 10)
SKILL_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Skill:
    """Of one horizon: forecasts judged, their mean absolute error and that of repeating the last value.

    Errors are in counts a minute; `inside` is the share of counts within the 10-90 % interval, of which an honest one
    holds 80 %. None where nothing was judged.
    """

    horizon: int
    judged: int
    error: float | None
    naive_error: float | None
    inside: float | None


def live_skill(rooms: Rooms, until: int, minutes: int = SKILL_MINUTES) -> list[Skill]:
    """Over all rooms that are kept and the minutes up to `until`."""
    ends = np.arange(until - minutes + 1, until + 1)
    found = []
    for horizon in JUDGED_HORIZONS:
        came, last = rooms.all_came(ends), rooms.all_came(ends - horizon)
        found.append(_judge(horizon, came, last, rooms.all_made(ends - horizon, horizon)))
    return found


def room_skill(rooms: Rooms, room_id: str, until: int, minutes: int = SKILL_MINUTES) -> list[Skill]:
    """The same of one room."""
    ends = np.arange(until - minutes + 1, until + 1)
    came = rooms.came(room_id, ends)
    return [
        _judge(
            horizon, came, rooms.came(room_id, ends - horizon), rooms.fans(room_id, ends - horizon)[:, :, horizon - 1]
        )
        for horizon in JUDGED_HORIZONS
    ]


def _judge(horizon: int, came: NDArray[np.float64], last: NDArray[np.float64], made: NDArray[np.float64]) -> Skill:
    """`made` has the three quantiles as its last axis."""
    low, median, high = (made[..., quantile] for quantile in range(3))
    known = ~(np.isnan(came) | np.isnan(last) | np.isnan(median))
    judged = int(np.count_nonzero(known))
    if not judged:
        return Skill(horizon, 0, None, None, None)
    came = came[known]
    return Skill(
        horizon,
        judged,
        float(np.abs(came - median[known]).mean()),
        float(np.abs(came - last[known]).mean()),
        float(((low[known] <= came) & (came <= high[known])).mean()),
    )
