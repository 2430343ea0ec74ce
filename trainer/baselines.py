"""What the network has to beat. Each forecasts the median of minutes +1 to +10 from what is known at each minute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # scikit-learn brings it; no types

from roompulse.features import CLIP, transform
from roompulse.naive import NAIVE, flat, targets_of
from trainer.sessions import Session

LAGS = 16
MOST_ROWS = 40_000
"""Ridge and trees learn from a sample where there are more forecasts than this; more change nothing but the time."""

Forecaster = Callable[[Session], NDArray[np.float64]]
"""Gives (minutes, 10) counts, made at each minute of a session."""


def baselines(training: Sequence[Session]) -> dict[str, Forecaster]:
    """The baselines by name; ridge and boosted trees learn from the same sessions as the network."""
    return {
        **{name: _naive(level) for name, level in NAIVE.items()},
        "ridge_16": fit_ridge(training),
        "boosted_trees_16": fit_trees(training),
    }


def _naive(level: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Forecaster:
    return lambda session: flat(level(session.counts))


def origins(session: Session) -> NDArray[np.bool_]:
    """Minutes at which forecasts are made and judged, for everyone alike: every measured one, from the first on."""
    return np.asarray(~np.isnan(session.counts))


def fit_ridge(training: Sequence[Session]) -> Forecaster:
    """Ridge regression on 16 lags of the log ratio to the running level, one for each horizon."""
    return by_horizon(fit_ridges(training))


def fit_ridges(training: Sequence[Session]) -> list[Any]:
    """The ten regressions: 16 lags, oldest first, and the level."""
    X, Y, _ = lag_rows(training)
    return [Ridge(alpha=10.0).fit(X[known], Y[known, h]) for h, known in enumerate(~np.isnan(Y).T)]


def fit_trees(training: Sequence[Session]) -> Forecaster:
    """Histogram gradient boosting (as in LightGBM) on absolute errors, on the same lags, one for each horizon."""
    X, Y, level = lag_rows(training)
    settings = {"loss": "absolute_error", "learning_rate": 0.1, "max_iter": 80, "max_leaf_nodes": 15}
    models = []
    with threadpool_limits(1):  # its threads wait for each other in a busy loop: slow wherever else is work to do
        for horizon, known in enumerate(~np.isnan(Y).T):
            trees = HistGradientBoostingRegressor(**settings, min_samples_leaf=40, early_stopping=False, random_state=0)
            models.append(trees.fit(X[known], Y[known, horizon], sample_weight=level[known]))
    return by_horizon(models)


def by_horizon(models: Sequence[Any]) -> Forecaster:
    """A forecaster from ten regressions of the log ratio."""

    def forecast(session: Session) -> NDArray[np.float64]:
        lags, reference = lags_of(session)
        with threadpool_limits(1):
            ratio = np.stack([model.predict(lags) for model in models], axis=1)
        return np.asarray(np.maximum(np.expm1(reference[:, None] + ratio), 0.0))

    return forecast


def lag_rows(training: Sequence[Session]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Lags (n, 17), log ratios at +1 to +10 (n, 10) and sample weights (n,) of all forecasts in the training part.

    The weight turns an error of the log ratio back into one in counts, damped so that big rooms do not decide alone.
    """
    made = [np.flatnonzero(origins(session)) for session in training]
    ends = np.cumsum([0, *map(len, made)])
    chosen = np.arange(ends[-1])
    if len(chosen) > MOST_ROWS:
        chosen = np.sort(np.random.default_rng(0).choice(chosen, MOST_ROWS, replace=False))
    X, Y, weights = [], [], []
    for session, rows, first, end in zip(training, made, ends[:-1], ends[1:], strict=True):
        # Chosen before they are made: all rows of a long history would be twenty times the history.
        mine = rows[chosen[slice(*np.searchsorted(chosen, [first, end]))] - first]
        lags, reference = lags_of(session)
        X.append(lags[mine])
        Y.append((np.log1p(targets_of(session.counts[None])[0]) - reference[:, None])[mine])
        weights.append(np.exp(0.5 * reference)[mine])
    return np.concatenate(X), np.concatenate(Y), np.concatenate(weights)


def lags_of(session: Session) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """16 log ratios to the running level and the level itself, (minutes, 17), and the level alone, (minutes,)."""
    reference = transform(session.counts[None])[1][0]
    logs = np.pad(np.log1p(session.counts), (LAGS - 1, 0), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(logs, LAGS)
    ratios = np.nan_to_num(np.clip(windows - reference[:, None], -CLIP, CLIP))
    return np.column_stack([ratios, reference]), reference
