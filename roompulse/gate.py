"""The gate: a room whose traffic a plain mean forecasts better than the network is served the mean.

On smooth traffic the network may lose to an exponentially weighted mean. Each room compares both by their discounted
error a minute ahead, and uses the mean while the network is clearly worse. The mean's interval comes from quantiles
of its own residuals, followed per horizon by stochastic approximation (Robbins and Monro, 1951).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS, QUANTILES

MEAN_WEIGHT = 0.5
"""Weight of the newest minute in the mean."""
ERROR_WEIGHT = 0.03
WARM_MINUTES = 60
"""Judged minutes of a session before its room may use the mean. With 20 a burst or two closed it in live rooms, where
the mean is worse further ahead; with 60 it leaves those alone and still serves smooth series the mean."""
WORSE, BETTER = 1.15, 1.0
"""The network is left when its error is WORSE times the mean's, and taken again at BETTER times."""
RESIDUAL_RATE = 0.02
_FIRST_HALF = 0.35
_GROWTH = 0.15

GATE_DTYPE = np.dtype(
    [
        ("mean_sum", "<f8"),
        ("mean_weight", "<f8"),
        ("means", "<f4", (HORIZONS,)),  # by origin minute; NaN where none was made
        ("network", "<f4"),  # the network's own median for the next minute
        ("errors", "<f4", (2,)),  # discounted absolute errors a minute ahead: the network's, the mean's
        ("judged", "<i4"),  # minutes of this session in those
        ("closed", "?"),  # the room is served the mean
        ("residuals", "<f4", (2, HORIZONS)),  # lower and upper quantile in log1p space: lasts between sessions
    ]
)

Floats = NDArray[np.float64]


def reset(gate: NDArray[np.void], *, everything: bool = False) -> None:
    """Begin a session, in place; `everything` also forgets what lasts from session to session."""
    for name in ("mean_sum", "mean_weight", "network", "errors", "judged"):
        gate[name] = 0
    gate["closed"] = False
    gate["means"] = np.nan
    if everything:
        half = _FIRST_HALF * np.sqrt(1 + _GROWTH * np.arange(HORIZONS))
        gate["residuals"] = np.stack([-half, half])


def misses(gate: NDArray[np.void], minute: NDArray[np.int64], value: Floats) -> Floats:
    """Absolute errors (n, 2) of the network and of the mean a minute ahead; NaN where either was not to be judged.

    `gate` (n,) as it was before this minute, `minute` (n,) epoch minutes, `value` (n,) NaN where not measured. The
    network's forecast is its last one: the caller knows whether it was made a minute ago.
    """
    last_mean = gate["means"][np.arange(len(gate)), (minute - 1) % HORIZONS].astype(np.float64)
    errors = np.stack([np.abs(value - gate["network"]), np.abs(value - last_mean)], axis=1)
    return np.where(np.isnan(errors).any(axis=1, keepdims=True), np.nan, errors)


def learn(
    gate: NDArray[np.void],
    minute: NDArray[np.int64],
    value: Floats,
    errors: Floats,
    fair: NDArray[np.bool_],
    *,
    plain: bool = False,
) -> None:
    """Compare both forecasts by their errors (n, 2), as `misses` gives them, in place.

    `fair` (n,) says whether the network's last forecast was made a minute ago and no alert is open, for an anomaly
    teaches nothing. `plain` closes every gate.
    """
    judged = fair & ~np.isnan(errors[:, 0])
    moved = (1 - ERROR_WEIGHT) * gate["errors"] + ERROR_WEIGHT * errors
    gate["errors"] = np.where(judged[:, None], moved, gate["errors"])
    gate["judged"] += judged
    network, mean = gate["errors"][:, 0], gate["errors"][:, 1]
    closed = np.where(gate["closed"], network > BETTER * mean, network > WORSE * mean)
    gate["closed"] = (closed & (gate["judged"] >= WARM_MINUTES)) | plain
    _follow_residuals(gate, minute, value, fair)


def judge_anew(gate: NDArray[np.void]) -> None:
    """Forget, in place, how a network did that has been replaced: its errors are not those of the new one."""
    gate["errors"] = 0
    gate["judged"] = 0
    gate["closed"] = False


def _follow_residuals(
    gate: NDArray[np.void], minute: NDArray[np.int64], value: Floats, fair: NDArray[np.bool_]
) -> None:
    """Move the residuals' quantiles towards this minute's residual from the means of one to ten minutes before."""
    origins = (minute[:, None] - 1 - np.arange(HORIZONS)) % HORIZONS
    means = np.take_along_axis(gate["means"], origins, axis=1).astype(np.float64)
    residual = np.log1p(value)[:, None] - np.log1p(means)
    known = fair[:, None] & ~np.isnan(residual)
    for side, share in enumerate((QUANTILES[0], QUANTILES[2])):
        quantile = gate["residuals"][:, side].astype(np.float64)
        moved = quantile + RESIDUAL_RATE * (share - (residual < quantile))
        gate["residuals"][:, side] = np.where(known, moved, quantile)


def take_in(gate: NDArray[np.void], minute: NDArray[np.int64], value: Floats) -> Floats:
    """Take this minute into the mean, in place; returns the mean (n,), 0 before the first value."""
    seen = ~np.isnan(value)
    for name, more in (("mean_sum", np.where(seen, value, 0.0)), ("mean_weight", 1.0)):
        moved = (1 - MEAN_WEIGHT) * gate[name] + MEAN_WEIGHT * more
        gate[name] = np.where(seen, moved, gate[name])
    mean: Floats = np.divide(
        gate["mean_sum"], gate["mean_weight"], out=np.zeros(len(gate)), where=gate["mean_weight"] > 0
    )
    gate["means"][np.arange(len(gate)), minute % HORIZONS] = mean
    return mean


def choose(gate: NDArray[np.void], network: Floats, mean: Floats) -> Floats:
    """The quantiles to serve (n, 3, 10): the network's, or the mean's where the gate is closed; notes the network's."""
    gate["network"] = network[:, 1, 0]
    closed = gate["closed"]
    if not closed.any():
        return network
    logs = np.log1p(mean)[:, None, None] + np.insert(gate["residuals"].astype(np.float64), 1, 0.0, axis=1)
    plain = np.maximum(np.expm1(logs), 0.0)
    plain.sort(axis=1)
    return np.where(closed[:, None, None], plain, network)
