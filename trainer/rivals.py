"""The wider field: every method of the two reference studies and a few more, all on the same rows as the network.

Those of `baselines` are the measure that every network is held against; these are for the leaderboard of the step
network. Fitted ones learn from the same sessions, by room, as the network does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from river.time_series import HoltWinters
from scipy.optimize import nnls  # type: ignore[import-untyped]  # scikit-learn brings it; no types
from sklearn.ensemble import RandomForestRegressor
from sklearn.svm import SVR

from roompulse.forecasting import HORIZONS, QUANTILES
from roompulse.naive import flat, last_value, targets_of
from trainer.baselines import (
    Forecaster,
    baselines,
    by_horizon,
    fit_ridge,
    lag_rows,
    lags_of,
    origins,
)
from trainer.sessions import Session

SVR_ROWS, FOREST_ROWS = 1_000, 10_000
"""Support vectors cost the square of their number, and a forest learns nothing from more."""
SPREAD_SESSIONS = 24
"""Intervals of rivals come from their residuals in at most this many training sessions."""
_HOLT = {"alpha": 0.2, "beta": 0.3}
"""The best of five on training rooms; none was good, since a trend held for ten minutes overshoots."""

Floats = NDArray[np.float64]


def rivals(training: Sequence[Session]) -> dict[str, Forecaster]:
    """Baselines and the wider field by name, fitted on `training`."""
    found = baselines(training)
    for minutes in (5, 10, 20):
        found[f"mean_{minutes}"] = _window(np.nanmean, minutes)
    for minutes in (5, 10):
        found[f"median_{minutes}"] = _window(np.nanmedian, minutes)
    found["holt_online"] = _holt
    learners: dict[str, Callable[[Sequence[Session]], Forecaster]] = {
        "ridge_16": fit_ridge, "forest_16": fit_forest, "lightgbm_16": fit_lightgbm
    }  # fmt: skip
    found |= {name: fit(training) for name, fit in learners.items() if name not in found}
    found["svr_16"] = fit_svr(training)
    return found | {"stacked": fit_stacked(training, learners, {name: found[name] for name in learners})}


def spreads(field: Mapping[str, Forecaster], training: Sequence[Session]) -> dict[str, Floats]:
    """By rival, (2, 10): the 0.1 and 0.9 quantiles of log1p(actual) - log1p(forecast) over training sessions.

    For fitted rivals these are residuals of what they learnt from, so a little too narrow.
    """
    chosen = training[:: max(1, len(training) // SPREAD_SESSIONS)]
    result = {}
    for name, forecast in field.items():
        residuals = [
            (np.log1p(targets_of(session.counts[None])[0]) - np.log1p(forecast(session)))[origins(session)]
            for session in chosen
        ]
        result[name] = np.nanquantile(np.concatenate(residuals), [QUANTILES[0], QUANTILES[2]], axis=0)
    return result


def fit_svr(training: Sequence[Session]) -> Forecaster:
    """Support vector regression with radial basis functions on the lags, one for each horizon."""
    X, Y, _ = _some(lag_rows(training), SVR_ROWS)
    return by_horizon([SVR(C=1.0, epsilon=0.1).fit(X[known], Y[known, h]) for h, known in enumerate(~np.isnan(Y).T)])


def fit_forest(training: Sequence[Session]) -> Forecaster:
    """A random forest on the lags, all ten horizons at once."""
    X, Y, _ = _some(lag_rows(training), FOREST_ROWS)
    known = ~np.isnan(Y).any(axis=1)
    if not known.any():  # no session has eleven minutes in a row: each horizon's mean must do
        Y, known = np.where(np.isnan(Y), 0.0, Y), np.ones(len(Y), np.bool_)
    forest = RandomForestRegressor(60, min_samples_leaf=20, max_features=0.5, random_state=0).fit(X[known], Y[known])

    def forecast(session: Session) -> Floats:
        lags, reference = lags_of(session)
        return np.asarray(np.maximum(np.expm1(reference[:, None] + forest.predict(lags)), 0.0))

    return forecast


def fit_lightgbm(training: Sequence[Session]) -> Forecaster:
    """Gradient-boosted trees of LightGBM (Ke et al., 2017) on absolute errors of the lags, one for each horizon."""
    X, Y, level = lag_rows(training)
    models = []
    for horizon, known in enumerate(~np.isnan(Y).T):
        trees = lightgbm.LGBMRegressor(
            objective="l1", n_estimators=80, num_leaves=15, min_child_samples=40, random_state=0, n_jobs=1,
            deterministic=True, force_row_wise=True, verbose=-1,
        )  # fmt: skip
        models.append(trees.fit(X[known], Y[known, horizon], sample_weight=level[known]).booster_)
    return by_horizon(models)


def fit_stacked(
    training: Sequence[Session],
    learners: Mapping[str, Callable[[Sequence[Session]], Forecaster]],
    fitted: Mapping[str, Forecaster],
) -> Forecaster:
    """A weighted mean of the fitted rivals' log forecasts (stacking: Wolpert, 1992).

    The weights, not negative, are least squares on forecasts for rooms that the rival did not see: two halves by room.
    """
    rooms = sorted({session.room for session in training})
    halves = [[s for s in training if rooms.index(s.room) % 2 == side] for side in (0, 1)]
    parts: list[Floats] = []
    truths: list[Floats] = []
    for learnt, judged in (halves, halves[::-1]):
        if learnt and judged:
            field = [learners[name](learnt) for name in fitted]
            for session in judged:
                made, level = origins(session), lags_of(session)[1][:, None]
                parts.append(np.stack([np.log1p(rival(session)) - level for rival in field], axis=-1)[made])
                truths.append((np.log1p(targets_of(session.counts[None])[0]) - level)[made])
    shares = np.full((HORIZONS, len(fitted)), 1 / len(fitted))
    if parts:
        X, Y = np.concatenate(parts), np.concatenate(truths)
        for horizon, known in enumerate(~np.isnan(Y).T):
            shares[horizon] = nnls(X[known, horizon], Y[known, horizon])[0]

    def forecast(session: Session) -> Floats:
        level = lags_of(session)[1][:, None]
        ratios = np.stack([np.log1p(rival(session)) - level for rival in fitted.values()], axis=-1)
        return np.asarray(np.maximum(np.expm1(level + (ratios * shares).sum(axis=-1)), 0.0))

    return forecast


def _some(rows: tuple[Floats, Floats, Floats], most: int) -> tuple[Floats, Floats, Floats]:
    count = len(rows[0])
    if count <= most:
        return rows
    chosen = np.sort(np.random.default_rng(0).choice(count, most, replace=False))
    X, Y, weight = (part[chosen] for part in rows)
    return X, Y, weight


def _window(statistic: Callable[..., Any], minutes: int) -> Forecaster:
    """The mean or median of the last minutes that were measured; of a window of blanks the last value before it."""

    def forecast(session: Session) -> Floats:
        padded = np.pad(session.counts, (minutes - 1, 0), constant_values=np.nan)
        windows = np.lib.stride_tricks.sliding_window_view(padded, minutes)
        level = last_value(session.counts)
        some = ~np.isnan(windows).all(axis=1)
        level[some] = statistic(windows[some], axis=1)
        return flat(level)

    return forecast


def _holt(session: Session) -> Floats:
    """Holt's linear trend (1957), learning online minute by minute; a blank teaches it nothing."""
    model = HoltWinters(**_HOLT)
    held = last_value(session.counts)
    result = flat(held)
    learnt = 0
    for minute, count in enumerate(session.counts.tolist()):
        if not np.isnan(count):
            model.learn_one(count)
            learnt += 1
        if learnt > 1:
            result[minute] = np.maximum(model.forecast(horizon=HORIZONS), 0.0)
    return result
