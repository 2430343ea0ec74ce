"""Coverage where counts are small: an interval of 0 to 1 holds whole numbers only, and ties must not decide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import QUANTILES

Floats = NDArray[np.float64]


def randomised_coverage(actual: Floats, quantiles: Floats) -> float:
    """Share of counts (n,) in the 10-90 % interval by the randomised probability integral transform.

    After Smith (1985) and Czado, Gneiting and Held (2009): a count y is spread evenly over F(y - 1) to F(y), and what
    of that lies between 0.1 and 0.9 counts. Its mean over the draws is taken, so nothing is random. F runs straight
    through the three quantiles (n, 3), continued at either end with the slope of its half, with steps at y + 1/2.
    """
    low, high = shares_below(actual, quantiles, (QUANTILES[0], QUANTILES[2])).mean(axis=0)
    return float(high - low)


def shares_below(actual: Floats, quantiles: Floats, levels: Sequence[float]) -> Floats:
    """What of each count (n,) lies below the forecast's quantile at each level: (n, levels), each from 0 to 1.

    In the mean over n it should be the level. As in `randomised_coverage`.
    """
    below = np.where(actual <= 0, 0.0, _distribution(actual - 0.5, quantiles))[:, None]
    span = _distribution(actual + 0.5, quantiles)[:, None] - below
    level = np.asarray(levels)
    share = np.clip((level - below) / np.where(span > 0, span, 1.0), 0.0, 1.0)
    return np.asarray(np.where(span > 0, share, below < level))


def _distribution(at: Floats, quantiles: Floats) -> Floats:
    low, middle, high = (quantiles[:, index] for index in range(3))
    down, up = (np.maximum(half, 1e-9) for half in (middle - low, high - middle))
    lower = QUANTILES[1] - (middle - at) / down * (QUANTILES[1] - QUANTILES[0])
    upper = QUANTILES[1] + (at - middle) / up * (QUANTILES[2] - QUANTILES[1])
    return np.asarray(np.clip(np.where(at < middle, lower, upper), 0.0, 1.0))
