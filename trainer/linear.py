"""The linear member: a ridge regression on 16 lags, merged exactly into the network's graph.

Mean-reverting where the LSTM trusts a level, it is the better forecaster of the next minute, the LSTM the better one
further ahead; halfway between them lies a forecast better than both (shares of 0, 0.3, 0.5 and 1 were compared on rooms
held out within the training folds). Forecasts are mixed in log space, where both are linear in their last layer.
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


def with_linear(weights: Weights, training: Sequence[Session], share: float) -> Weights:
    """Weights for `build_served`: the median is `share` of the linear forecast and the rest of the network's.

    The other quantiles keep their distance from the median. The regression's weight on the level and its intercept go
    into skip and bias, its weights on the lags become a layer of their own, (16, 30), the last of the list.
    """
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


def _less_median(part: np.ndarray, share: float) -> np.ndarray:
    """Takes `share` of the median's column from every quantile's; columns are quantile by quantile."""
    median = part[..., HORIZONS : 2 * HORIZONS].astype(np.float64)
    return np.asarray(part.astype(np.float64) - share * np.tile(median, len(QUANTILES)))
