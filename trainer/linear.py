"""The linear member: a ridge regression on 16 lags, merged exactly into the network's graph.

Mean-reverting where the LSTM trusts a level, it is the better forecaster of the next minute, the LSTM the better one
further ahead, and between them lies a forecast better than both. Shares of 0 to 1 were compared on rooms held out
within the training folds: best was 0.7 at +1, 0.3 at +10. Forecasts are mixed in log space, where both are linear in
their last layer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from roompulse.features import FEATURES
from roompulse.forecasting import HORIZONS, QUANTILES
from trainer.baselines import LAGS, fit_ridges
from trainer.network import Weights
from trainer.sessions import Session

LEVEL_CENTER, LEVEL_SCALE = 2.5, 2.0
"""The feature `level` is (reference - center) / scale."""


def with_linear(weights: Weights, training: Sequence[Session], shares: tuple[float, float]) -> Weights:
    """Weights for `build_served`: the median is a share of the linear forecast and the rest of the network's.

    `shares` are those at +1 and at +10, in between they change evenly. The other quantiles keep their distance from the
    median. The regression's weight on the level and its intercept go into skip and bias, its weights on the lags become
    a layer of their own, (16, 30), the last of the list.
    """
    share = np.linspace(*shares, HORIZONS)
    ridges = fit_ridges(training)
    slopes = share * np.array([ridge.coef_ for ridge in ridges]).T  # (17, 10): lags, then the level
    intercepts = share * np.array([ridge.intercept_ for ridge in ridges])
    kernel, recurrent, bias, head, head_bias, skip = weights
    head, head_bias, skip = (_less_median(part, share) for part in (head, head_bias, skip))
    skip[FEATURES.index("level")] += np.tile(LEVEL_SCALE * slopes[LAGS], len(QUANTILES))
    head_bias += np.tile(intercepts + LEVEL_CENTER * slopes[LAGS], len(QUANTILES))
    lags = np.tile(slopes[:LAGS], (1, len(QUANTILES)))
    mixed = [kernel, recurrent, bias, head, head_bias, skip, lags]
    return [np.asarray(part, np.float32) for part in mixed]


def _less_median(part: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Takes `share` of the median's column from every quantile's; columns are quantile by quantile."""
    median = part[..., HORIZONS : 2 * HORIZONS].astype(np.float64)
    return np.asarray(part.astype(np.float64) - np.tile(share * median, len(QUANTILES)))
