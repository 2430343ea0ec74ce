"""Evidence: how unlikely a minute is, given what was expected of it. Pure functions of value, interval and spread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roompulse.regimes import NORMAL_SPREAD
from roompulse.rules import BUDGET_KNOTS, Rules, size_of

Floats = NDArray[np.float64]

_HALF_IN_SIGMAS = 1.2816  # a normal's 90 % point: what half of the 10-90 % interval spans
_LEAST_HALF = 0.05  # in log1p space; keeps a degenerate interval from dividing by zero
_LEAST_SPREAD = 0.5  # a calm room is trusted to be up to twice as calm as its interval says
_CLIPPED = 4.0  # so that an anomaly does not teach the room's spread
_SPREAD_RATE = 0.02
_EVIDENCE_LIMIT = 12.0
MINUTES_A_DAY = 1440
_LOG_KNOTS = np.log(BUDGET_KNOTS)


def scaled_residual(value: Floats, interval: Floats, spread: Floats) -> Floats:
    """Residual in standard deviations, shape (n,), from `interval` (n, 3) and the room's own `spread` (n,).

    Measured in log1p space by the half of the interval on its side. NaN where value or interval is.
    """
    low, median, high = (np.log1p(interval[:, index]) for index in range(3))
    residual = np.log1p(value) - median
    half = np.maximum(np.where(residual >= 0, high - median, median - low), _LEAST_HALF)
    return _HALF_IN_SIGMAS * residual / half / np.maximum(spread / NORMAL_SPREAD, _LEAST_SPREAD)


def learned_spread(spread: Floats, value: Floats, interval: Floats) -> Floats:
    """The room's running mean of |z|, one minute on; the arguments are those of `scaled_residual`."""
    z = scaled_residual(value, interval, np.full(len(value), NORMAL_SPREAD))
    return spread + _SPREAD_RATE * (np.minimum(np.abs(z), _CLIPPED) - spread)


def surprise_of(z: Floats, rules: Rules, *, upward: bool) -> Floats:
    """-log10 of the tail probability of `z` (n,) in one direction; 0 on the other side and for NaN."""
    knots, tail = np.array(rules.tail_z), np.array(rules.tail_up if upward else rules.tail_down)
    side = np.where(np.isnan(z), 0.0, z if upward else -z)
    slope = (tail[-1] - tail[-2]) / (knots[-1] - knots[-2])
    surprise = np.interp(side, knots, tail) + slope * np.maximum(side - knots[-1], 0.0)
    return np.where(side > 0, np.minimum(surprise, rules.surprise_limit), 0.0)


def accumulate(evidence: Floats, surprise: Floats, rules: Rules) -> Floats:
    """One step of Page's sequential test (1954): surprise less a drift, summed up, never below zero.

    One very unlikely minute weighs as much as several unlikely ones in a row.
    """
    return np.clip(evidence + surprise - rules.drift, 0.0, _EVIDENCE_LIMIT)


def bar_of(
    expected: Floats, age: Floats, calm: Floats, own: Floats, thresholds: NDArray[np.void], rules: Rules
) -> Floats:
    """The evidence that opens a surge or slump, shape (n, 2).

    From expected counts (n,), minutes of session (n,), minutes of calm (n,), the rooms' `thresholds` (n,) and their
    `own` way (n, 2) from the bar that fits the budget in rooms of their size.
    """
    size = size_of(expected)
    fitting = np.stack(
        [
            fitting_bar(thresholds["surge_bars"], thresholds["surge_budget"], size),
            fitting_bar(thresholds["slump_bars"], thresholds["slump_budget"], size),
        ],
        axis=1,
    )
    fading = rules.warm_up * np.exp(-age / 10) + rules.cool_down * np.exp(-calm / 20)
    return np.maximum(fitting + own, rules.least_bar) + fading[:, None]


def fitting_bar(bars: Floats, budget: Floats, size: NDArray[np.int64]) -> Floats:
    """The bar (n,) that fits a `budget` (n,) of alerts per room-day, from `bars` (n, sizes, knots) and `size` (n,).

    Between the knots straight over the logarithm of the budget, beyond them that of the last.
    """
    place = np.arange(len(size))
    position = np.interp(np.log(budget), _LOG_KNOTS, np.arange(len(_LOG_KNOTS)))
    knot = np.minimum(position.astype(np.int64), len(_LOG_KNOTS) - 2)
    share = position - knot
    fitting: Floats = (1 - share) * bars[place, size, knot] + share * bars[place, size, knot + 1]
    return fitting


def learned_bar(
    own: Floats, opened: NDArray[np.bool_], judged: NDArray[np.bool_], thresholds: NDArray[np.void], rules: Rules
) -> Floats:
    """The rooms' own way (n, 2), one minute on: up by a step with an alert, down so that the budget keeps it level.

    In the long run a room opens as many alerts as its budget says, as in quantile tracking (Angelopoulos, Candes and
    Tibshirani, 2023), within bounds. Minutes that are not `judged` (n,) count for nothing.
    """
    budget = np.stack([thresholds["surge_budget"], thresholds["slump_budget"]], axis=1)
    moved = np.clip(own + rules.own_step * (opened - budget / MINUTES_A_DAY), rules.own_least, rules.own_most)
    return np.where(judged[:, None], moved, own)
