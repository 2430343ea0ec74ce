"""Forecasts that need no learning, which every model has to beat, and the truth that all are judged by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from roompulse.features import FEATURES, transform
from roompulse.forecasting import HORIZONS

Floats = NDArray[np.float64]


def targets_of(counts: Floats) -> Floats:
    """(n, minutes) to (n, minutes, 10): what came 1 to 10 minutes after each minute, NaN where unknown."""
    padded = np.pad(counts, ((0, 0), (0, HORIZONS)), constant_values=np.nan)
    return np.lib.stride_tricks.sliding_window_view(padded, HORIZONS, axis=1)[:, 1:]


def last_value(counts: Floats) -> Floats:
    """The last measured count at each minute; sessions start with a measured one."""
    index = np.maximum.accumulate(np.where(np.isnan(counts), 0, np.arange(len(counts))))
    return counts[index]


def smoothed(counts: Floats, alpha: float) -> Floats:
    """Bias-corrected exponentially weighted mean at each minute, held over blanks."""
    total = weight = 0.0
    result = np.empty(len(counts))
    for minute, count in enumerate(counts):
        if not np.isnan(count):
            total = (1 - alpha) * total + alpha * count
            weight = (1 - alpha) * weight + alpha
        result[minute] = total / weight
    return result


def median_20(counts: Floats) -> Floats:
    """The median of the last 20 minutes at each minute."""
    inputs, references = transform(counts[None])
    # The feature is the median relative to the level: one definition serves both.
    ratio = inputs[0, :, FEATURES.index("median")].astype(np.float64)
    return np.asarray(np.expm1(references[0] + ratio))


def flat(level: Floats) -> Floats:
    """The same forecast for all ten minutes: (minutes,) to (minutes, 10)."""
    return np.repeat(level[:, None], HORIZONS, axis=1)


NAIVE: dict[str, Callable[[Floats], Floats]] = {
    "persistence": last_value,
    "median_20": median_20,
    "smoothing_0.2": lambda counts: smoothed(counts, 0.2),
    "smoothing_0.5": lambda counts: smoothed(counts, 0.5),
}
"""By name, the level (minutes,) that is forecast at each minute of a session's counts (minutes,) for the next ten."""
