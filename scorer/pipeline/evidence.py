"""Evidence: how unlikely a minute is, given what was expected of it. Pure functions of value, interval and spread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roompulse.rooms import NORMAL_SPREAD
from roompulse.rules import Rules

Floats = NDArray[np.float64]

_HALF_IN_SIGMAS = 1.2816  # a normal's 90 % point: what half of the 10-90 % interval spans
_LEAST_HALF = 0.05  # in log1p space; keeps a degenerate interval from dividing by zero
_LEAST_SPREAD = 0.5  # a calm room is trusted to be up to twice as calm as its interval says
_CLIPPED = 4.0  # so that an anomaly does not teach the room's spread
_SPREAD_RATE = 0.02
_EVIDENCE_LIMIT = 12.0
_SIZE_BOUNDS = np.array([3.0, 20.0])


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


def bar_of(expected: Floats, age: Floats, calm: Floats, bars: Floats, rules: Rules) -> Floats:
    """The evidence that opens an alert, shape (n,), from expected counts, minutes of session and minutes of calm.

    `bars` (n, 3) are the rooms' own, by size.
    """
    base = bars[np.arange(len(expected)), np.searchsorted(_SIZE_BOUNDS, np.nan_to_num(expected), side="right")]
    return base + rules.warm_up * np.exp(-age / 10) + rules.cool_down * np.exp(-calm / 20)
