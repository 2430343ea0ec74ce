"""Online tails: how rare a value is in the life of its own series, from two figures learned for each feature.

Above the 99 % quantile an exponential tail is assumed (peaks over threshold, Pickands 1975, with shape 0): -log10 of
the tail probability is two digits and a term linear in the excess. Quantile and mean excess are learned by stochastic
approximation (Robbins and Monro 1951), in steps of the mean excess, so that no unit matters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHARE_ABOVE = 0.01
DIGITS_LIMIT = 6.0
YOUNG_TICKS = 20
"""Ticks of a feature before it can be evidence: until then its mean size stands in for the quantile."""

_DIGITS_AT_QUANTILE = 2.0  # -log10 of SHARE_ABOVE
_LN10 = 2.302585092994046
_QUANTILE_STEP = 5.0  # mean excesses
_EXCESS_CLIPPED = 5.0  # mean excesses: so that an anomaly does not teach the tail
_EXCESS_RATE = 0.01
_LEAST_EXCESS = 0.02  # of the quantile
_YOUNG_QUANTILE, _YOUNG_EXCESS = 4.0, 1.5  # times the mean size
_TINY = 1e-12


def digits_of(size: Floats, quantile: Floats, excess: Floats, age: Floats) -> Floats:
    """-log10 of the tail probability of features of `size` >= 0, from 0 to DIGITS_LIMIT; all of one shape.

    Below the 99 % quantile the digits grow in proportion, and a feature younger than YOUNG_TICKS has none.
    """
    above = _DIGITS_AT_QUANTILE + (size - quantile) / (_LN10 * np.maximum(excess, _TINY))
    below = _DIGITS_AT_QUANTILE * size / np.maximum(quantile, _TINY)
    digits = np.minimum(np.where(size > quantile, above, below), DIGITS_LIMIT)
    return np.where(age >= YOUNG_TICKS, digits, 0.0)


def learned_tail(
    size: Floats, quantile: Floats, excess: Floats, age: Floats, quantile_rate: float
) -> tuple[Floats, Floats]:
    """Quantile and mean excess, one tick on; the arguments are those of `digits_of`."""
    since = np.maximum(age, 0.0)
    over = size - quantile
    above = over > 0
    step = np.maximum(quantile_rate, 1.0 / (since + 100.0)) * (_QUANTILE_STEP * excess)
    rate = np.where(above, np.maximum(_EXCESS_RATE, 1.0 / (since / 20.0 + 20.0)), 0.0)
    next_quantile = np.maximum(quantile + step * (above - SHARE_ABOVE), SHARE_ABOVE * excess)
    next_excess = excess + rate * (np.minimum(over, _EXCESS_CLIPPED * excess) - excess)
    next_excess = np.maximum(next_excess, _LEAST_EXCESS * quantile)
    young = age < YOUNG_TICKS
    if young.any():
        first = quantile + (_YOUNG_QUANTILE * size - quantile) / (since + 1.0)
        next_quantile = np.where(young, first, next_quantile)
        next_excess = np.where(young, _YOUNG_EXCESS / _YOUNG_QUANTILE * first, next_excess)
    return next_quantile, next_excess
