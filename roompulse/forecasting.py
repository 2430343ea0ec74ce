"""From the network's raw outputs to forecast quantiles: one conversion for trainer, scorer and golden vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

QUANTILES = (0.1, 0.5, 0.9)
HORIZONS = 10
"""Forecasts are made for minutes +1 to +10."""
OUTPUTS = len(QUANTILES) * HORIZONS


def quantiles_from(raw: NDArray[np.float32], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Raw outputs to counts a minute.

    `raw` is (n, 30), quantile by quantile with ten horizons each, or the same as (n, 3, 10); it is relative to
    `reference` (n,), the log1p of the room's running level. Returns (n, 3, 10): never below zero and sorted along the
    quantiles. Elementwise, so that a row's bits do not depend on the other rows.
    """
    relative = raw.reshape(len(raw), len(QUANTILES), HORIZONS).astype(np.float64)
    counts = np.expm1(reference[:, None, None] + relative)
    np.maximum(counts, 0.0, out=counts)
    counts.sort(axis=1)
    return counts
