"""How good forecasts were, with intervals: what every report tells of a model that was held against what came."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from roompulse.counts import shares_below
from roompulse.forecasting import HORIZONS
from roompulse.resampling import Floats, ratio, resampled, totals, units_of

Estimate = tuple[Floats, Floats, Floats]
OWN = "RoomPulse"
SIZES = {"under 3": (0.0, 3.0), "3 to 20": (3.0, 20.0), "over 20": (20.0, np.inf)}
"""Classes of rooms by their session's mean count a minute."""
LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SHOWN = (1, 5, 10)


@dataclass(frozen=True)
class Judged:
    """Forecasts and truth, n rows, several sessions one after another."""

    truth: Floats
    """(n, 10), NaN where unknown."""
    quantiles: Floats
    """(n, 3, 10), the model's."""
    others: dict[str, Floats]
    """By baseline, (n, 10)."""
    session: NDArray[np.int64]
    """(n,), which session a row is from."""
    size: Floats
    """(n,), the mean count a minute of that session."""
    hour: NDArray[np.int64]
    """(n,), the hour of the local day in which the forecast was made; -1 where it is not known."""

    @cached_property
    def units(self) -> tuple[NDArray[np.int64], str]:
        """What is drawn for the intervals, by row, and what it is called."""
        return units_of(self.session)

    @cached_property
    def errors(self) -> dict[str, Floats]:
        """Absolute errors (n, 10) by forecaster, the model's first."""
        medians = {OWN: self.quantiles[:, 1]} | self.others
        return {name: np.abs(self.truth - median) for name, median in medians.items()}


def by_horizon(judged: Judged) -> dict[str, Estimate]:
    """Mean absolute error (10,) by forecaster."""
    known = totals(np.isfinite(judged.truth).astype(float), judged.units[0])
    parts = np.concatenate([known, *(totals(error, judged.units[0]) for error in judged.errors.values())], axis=1)
    estimate = resampled(parts, _means(HORIZONS))
    return _named(judged.errors, estimate)


def less_rivals(judged: Judged) -> dict[str, Estimate]:
    """The model's error less each baseline's in percent of that, (11,): by horizon, then over all ten. Paired."""
    columns = {name: totals(error, judged.units[0]) for name, error in judged.errors.items()}
    parts = np.concatenate([np.column_stack([of, of.sum(axis=1)]) for of in columns.values()], axis=1)

    def percent(sums: Floats) -> Floats:
        own, *others = np.split(sums, len(columns))
        return np.concatenate([100 * (ratio(own, other) - 1) for other in others])

    estimate = resampled(parts, percent)
    return _named([name for name in columns if name != OWN], estimate)


def coverage(judged: Judged) -> dict[str, Estimate]:
    """Shares (10,) by horizon: inside the 10-90 % interval, below it, above it; ties of small counts spread evenly."""
    under = _below(judged, (0.1, 0.9))
    known = np.isfinite(judged.truth)
    flags = np.concatenate([known, under[..., 1] - under[..., 0], under[..., 0], 1 - under[..., 1]], axis=1)
    estimate = resampled(totals(flags, judged.units[0]), _means(HORIZONS))
    return _named(("inside the interval", "below it", "above it"), estimate)


def reliability(judged: Judged) -> dict[str, tuple[Floats, Estimate]]:
    """Nominal levels and the share of what came below each, for the horizons that are shown."""
    found = {}
    for horizon in SHOWN:
        one = Judged(
            judged.truth[:, horizon - 1 : horizon], judged.quantiles[:, :, horizon - 1 : horizon], {}, judged.session,
            judged.size, judged.hour,
        )  # fmt: skip
        under = _below(one, LEVELS)[:, 0]
        known = np.repeat(np.isfinite(one.truth), len(LEVELS), axis=1)
        parts = totals(np.concatenate([known, under], axis=1), judged.units[0])
        found[f"+{horizon} min"] = np.array(LEVELS), resampled(parts, _means(len(LEVELS)))
    return found


def by_class(judged: Judged, classes: list[NDArray[np.bool_]]) -> tuple[dict[str, Estimate], list[int]]:
    """Mean absolute error over all ten minutes in classes of rows, by forecaster; and the forecasts in each."""
    known = np.isfinite(judged.truth).sum(axis=1)
    sums = [known, *(np.nansum(error, axis=1) for error in judged.errors.values())]
    columns = np.stack([np.where(rows, column, 0.0) for column in sums for rows in classes], axis=1)
    count = len(classes)
    estimate = resampled(totals(columns, judged.units[0]), _means(count))
    return _named(judged.errors, estimate), [int((rows & (known > 0)).sum()) for rows in classes]


def _below(judged: Judged, levels: tuple[float, ...]) -> Floats:
    """(n, horizons, levels): what of each count lies below each level, NaN where it is not known."""
    known = np.isfinite(judged.truth)
    found = np.full((*judged.truth.shape, len(levels)), np.nan)
    found[known] = shares_below(judged.truth[known], judged.quantiles.transpose(0, 2, 1)[known], levels)
    return found


def _means(counts: int) -> Callable[[Floats], Floats]:
    """Of totals (k,) whose first `counts` count: what follows, in groups as wide, in shares of those."""

    def means(sums: Floats) -> Floats:
        return ratio(sums[counts:], np.tile(sums[:counts], len(sums) // counts - 1))

    return means


def _named(names: Iterable[str], estimate: Estimate) -> dict[str, Estimate]:
    """An estimate of all names one after another, by name."""
    names = list(names)
    middle, low, high = (np.split(end, len(names)) for end in estimate)
    return {name: (middle[at], low[at], high[at]) for at, name in enumerate(names)}
