"""Coverage where counts are small: an interval of 0 to 1 holds whole numbers only, and ties must not decide."""

from __future__ import annotations

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
    below = np.where(actual <= 0, 0.0, _distribution(actual - 0.5, quantiles))
    upto = _distribution(actual + 0.5, quantiles)
    span = upto - below
    inside = np.clip(upto, QUANTILES[0], QUANTILES[2]) - np.clip(below, QUANTILES[0], QUANTILES[2])
    certain = (below >= QUANTILES[0]) & (below <= QUANTILES[2])
    share = np.where(span > 0, inside / np.where(span > 0, span, 1.0), certain)
    return float(share.mean())


def _distribution(at: Floats, quantiles: Floats) -> Floats:
    low, middle, high = (quantiles[:, index] for index in range(3))
    down, up = (np.maximum(half, 1e-9) for half in (middle - low, high - middle))
    lower = QUANTILES[1] - (middle - at) / down * (QUANTILES[1] - QUANTILES[0])
    upper = QUANTILES[1] + (at - middle) / up * (QUANTILES[2] - QUANTILES[1])
    return np.asarray(np.clip(np.where(at < middle, lower, upper), 0.0, 1.0))
