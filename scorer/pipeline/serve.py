"""From network to served forecast: the same steps for scorer, backtest and the evaluation of a model."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import QUANTILES, quantiles_from

WIDEN_RATE = 0.02
WIDEN_LIMIT = 1.0
_NOTHING = 1e-6  # counts a minute below this are published as 0
_POWERS = np.append(10.0 ** np.arange(309), np.inf)
_INFINITE = 309
_MISS_LOW, _MISS_HIGH = QUANTILES[0], 1 - QUANTILES[2]


def round4(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to 4 significant digits, as numbers that the model made are published; no negative zero. NaN stays."""
    values, power = _with_power(values)
    up, down = _scales(power)
    digits: NDArray[np.float64] = np.round(values * up / down) * down / up + 0.0
    return digits


def significant_digits(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first 4 digits of each number as a whole number, and the power of ten of the first of them."""
    values, power = _with_power(values)
    up, down = _scales(power)
    return np.round(values * up / down), power


def from_digits(digits: NDArray[np.float64], power: NDArray[np.float64]) -> NDArray[np.float64]:
    """The numbers that `significant_digits` took apart, rounded."""
    up, down = _scales(power)
    values: NDArray[np.float64] = digits * down / up + 0.0
    return values


def _with_power(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    size = np.abs(values)
    nothing = size < _NOTHING
    return np.where(nothing, 0.0, values), np.floor(np.log10(np.where(nothing, 1.0, size)))


def _scales(power: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # Scaling by an exact power of ten and dividing by it again gives the double nearest to the decimal.
    shift = np.where(np.isnan(power), 0.0, np.clip(3 - power, -_INFINITE, _INFINITE)).astype(np.int64)
    return _POWERS[np.maximum(shift, 0)], _POWERS[np.maximum(-shift, 0)]


def rounded(value: float) -> float | None:
    """4 significant digits, no negative zero, None for what is not a number."""
    return float(f"{value:.4g}") + 0.0 if math.isfinite(value) else None


def widened_quantiles(
    outputs: NDArray[np.float32], reference: NDArray[np.float64], widen: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The network's quantiles (n, 3, 10) in counts a minute, with the room's own width.

    `outputs` (n, 30) come from the network, `reference` (n,) is the level they are relative to, `widen` (n, 2) the
    room's log factors on the interval's halves, measured in log1p space so that they fit rooms of any size.
    """
    quantiles = quantiles_from(outputs, reference)
    logs = np.log1p(quantiles)
    factors = np.exp(widen.astype(np.float64))
    served = np.empty_like(quantiles)
    served[:, 1] = quantiles[:, 1]
    served[:, 0] = np.expm1(logs[:, 1] - (logs[:, 1] - logs[:, 0]) * factors[:, 0, None])
    served[:, 2] = np.expm1(logs[:, 1] + (logs[:, 2] - logs[:, 1]) * factors[:, 1, None])
    return np.maximum(served, 0.0)


def calibrate(
    widen: NDArray[np.float32], value: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float32]:
    """One step of adaptive conformal inference (Gibbs and Candes, 2021) on each half of the interval.

    All arguments are (n,) but `widen` (n, 2); NaN in `value` or `low` means that nothing was judged. A miss widens that
    half by (1 - miss rate) of a step, a hit narrows it by the miss rate, so that each half misses 10 % in the long run.
    """
    judged = ~(np.isnan(value) | np.isnan(low))
    missed = np.stack([value < low, value > high], axis=1)
    step = WIDEN_RATE * (missed - np.array([_MISS_LOW, _MISS_HIGH]))
    moved = np.clip(widen + step, -WIDEN_LIMIT, WIDEN_LIMIT)
    return np.where(judged[:, None], moved, widen).astype(np.float32)
