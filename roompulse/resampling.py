"""Confidence intervals without a distribution: whole units are drawn with replacement (Efron, 1979)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 400
BLOCK = 20
"""Rows of a session that count as one unit where there are too few sessions."""
LEAST_SESSIONS = 5


def units_of(session: NDArray[np.int64]) -> tuple[NDArray[np.int64], str]:
    """The unit (n,), from 0, that each row belongs to, and what a unit is.

    Minutes of a session are alike, so sessions are drawn; with fewer than five of them, blocks of 20 rows.
    """
    names, place = np.unique(session, return_inverse=True)
    if len(names) >= LEAST_SESSIONS:
        return place, "sessions"
    first = np.searchsorted(session[(order := np.argsort(session, kind="stable"))], names)
    rank = np.empty(len(session), np.int64)
    rank[order] = np.arange(len(session)) - first[place[order]]
    _, units = np.unique(place * (1 << 40) + rank // BLOCK, return_inverse=True)
    return units, f"blocks of {BLOCK} minutes"


def totals(values: Floats, units: NDArray[np.int64]) -> Floats:
    """Column sums (units, k) of values (n, k) by unit, NaN left out."""
    count = int(units.max(initial=-1)) + 1
    return np.stack([np.bincount(units, column, count) for column in np.nan_to_num(values).T], axis=1)


def resampled(parts: Floats, statistic: Callable[[Floats], Floats]) -> tuple[Floats, Floats, Floats]:
    """A statistic of column totals, and its 95 % interval over other draws of the same units.

    `parts` (units, k) are the units' totals; `statistic` takes totals (k,) and gives (m,), NaN where it has no value.
    """
    rng = np.random.default_rng(0)
    count = len(parts)
    drawn = (np.bincount(rng.integers(count, size=count), minlength=count) for _ in range(RESAMPLES))
    found = np.array([statistic((times[:, None] * parts).sum(axis=0)) for times in drawn])
    middle = statistic(parts.sum(axis=0))
    low, high = np.full((2, *middle.shape), np.nan)
    known = np.isfinite(found).any(axis=0)
    low[known], high[known] = np.nanquantile(found[:, known], [0.025, 0.975], axis=0)
    return middle, low, high


def ratio(over: NDArray[Any], under: NDArray[Any]) -> Floats:
    """Elementwise, NaN where there is nothing below."""
    return np.asarray(np.divide(over, under, out=np.full(np.shape(over), np.nan), where=under > 0))
