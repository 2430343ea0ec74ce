"""Every measure of every forecaster on the same rows: what the card, the report and the benchmark tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from roompulse.counts import randomised_coverage
from roompulse.forecasting import QUANTILES
from roompulse.model_card import NETWORK
from trainer.evaluation import SHOWN_HORIZONS, SIZES, Scored, results

COLD_MINUTES = (1, 2, 5, 10)
"""Minutes of a session at which a room is still new."""
RESAMPLES = 1000
STACKED = "stacked"
BURST_FACTOR, BURST_LEAST = 2.0, 3.0
"""A minute is a burst when it lies above twice the median of the 20 minutes before the forecast, plus three."""

Floats = NDArray[np.float64]


class Forecasts(NamedTuple):
    """One forecaster on all rows: medians (n, 10) and, where it has one, its 80 % interval (n, 2, 10)."""

    median: Floats
    interval: Floats | None


def leaderboard(scored: Scored) -> dict[str, Any]:
    """All measures by forecaster, by size of room, at cold start, calm against bursts; differences with intervals."""
    field = forecasts_of(scored)
    naive = _naive_scale(scored)
    found: dict[str, Any] = {
        "measures": {name: _measures(scored.truth, forecasts, naive) for name, forecasts in field.items()},
        "by_size": {},
        "network_less_rival": {
            name: differences(scored, forecasts.median) for name, forecasts in field.items() if name != NETWORK
        },
    }
    for size, (least, below) in SIZES.items():
        rows = (scored.size >= least) & (scored.size < below)
        found["by_size"][size] = _by_name(scored.truth, field, rows[:, None])
    if scored.minute is not None:
        found["at_minute"] = {
            str(minute): _by_name(scored.truth, field, (scored.minute == minute - 1)[:, None])
            for minute in COLD_MINUTES
        }
    if "median_20" in scored.others:
        burst = scored.truth > BURST_FACTOR * scored.others["median_20"] + BURST_LEAST
        found["bursts"] = _by_name(scored.truth, field, burst)
        found["calm"] = _by_name(scored.truth, field, ~burst)
    return found


def forecasts_of(scored: Scored) -> dict[str, Forecasts]:
    """The network first, then its rivals."""
    intervals = scored.intervals or {}
    field = {NETWORK: Forecasts(scored.quantiles[:, 1], scored.quantiles[:, [0, 2]])}
    return field | {name: Forecasts(median, intervals.get(name)) for name, median in scored.others.items()}


def differences(scored: Scored, rival: Floats) -> dict[str, list[float] | None]:
    """Network's mean absolute error less the rival's, in percent of the rival's, and its 95 % interval.

    By measure: [difference, low, high]. Whole sessions are drawn with replacement (Efron, 1979), for both alike.
    """
    own, other = (np.abs(scored.truth - median) for median in (scored.quantiles[:, 1], rival))
    names, place = np.unique(scored.session, return_inverse=True)
    drawn = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)
    found: dict[str, list[float] | None] = {}
    for measure, part in _parts().items():
        sums = [np.bincount(place, np.nansum(error[:, part], axis=1), len(names)) for error in (own, other)]
        if not sums[1].sum() > 0:
            found[measure] = None
            continue
        mine, theirs = (drawn @ total for total in sums)
        percent = 100 * (mine / np.where(theirs > 0, theirs, np.nan) - 1)
        low, high = np.nanquantile(percent, [0.025, 0.975])
        found[measure] = [_short(100 * (sums[0].sum() / sums[1].sum() - 1)), _short(low), _short(high)]
    return found


def _measures(truth: Floats, forecasts: Forecasts, naive: Floats | None) -> dict[str, dict[str, float | None]]:
    found = {}
    for measure, part in _parts().items():
        actual, median = truth[:, part], forecasts.median[:, part]
        error = actual - median
        about = actual - np.nanmean(actual) if np.isfinite(actual).any() else actual
        spread = np.nansum(about**2)
        of = {
            "mae": _mean(np.abs(error)),
            "rmse": None if (square := _mean(error**2)) is None else _short(square**0.5),
            "r2": _short(1 - np.nansum(error**2) / spread) if spread > 0 else None,
            "mase": None if naive is None else _mean(np.abs(error) / naive[:, None]),
        }
        if forecasts.interval is not None:
            low, high = forecasts.interval[:, 0, part], forecasts.interval[:, 1, part]
            inside = np.where(np.isnan(actual), np.nan, (actual >= low) & (actual <= high))
            of |= {
                "pinball": _mean(pinball(actual, np.stack([low, median, high]))),
                "coverage_80": _mean(inside),
                "width_80": _mean(np.where(np.isnan(actual), np.nan, high - low)),
            }
        found[measure] = of
    return found


def pinball(truth: Floats, quantiles: Floats) -> Floats:
    """Pinball losses (3, ...) of quantiles (3, ...) for truths (...)."""
    share = np.asarray(QUANTILES).reshape(-1, *(1,) * truth.ndim)
    error = truth - quantiles
    return np.asarray(np.maximum(share * error, (share - 1) * error))


def _by_name(truth: Floats, field: Mapping[str, Forecasts], chosen: NDArray[np.bool_]) -> dict[str, Any]:
    """Mean absolute error by forecaster where `chosen` (n, 1 or 10), and how well the network's interval holds there.

    `randomised_coverage` is the measure for quiet rooms.
    """
    actual = np.where(chosen, truth, np.nan)
    found: dict[str, Any] = {name: _mean(np.abs(actual - forecasts.median)) for name, forecasts in field.items()}
    own = field[NETWORK]
    if own.interval is None or not np.isfinite(actual).any():
        return {"forecasts": 0, "mae": found}
    low, high = own.interval[:, 0], own.interval[:, 1]
    known = np.isfinite(actual)
    inside = (actual >= low) & (actual <= high)
    quantiles = np.stack([low, own.median, high], axis=-1)
    return {
        "forecasts": int(known.sum()),
        "mae": found,
        "coverage_80": _short(inside[known].mean()),
        "randomised_coverage_80": _short(randomised_coverage(actual[known], quantiles[known])),
    }


def _naive_scale(scored: Scored) -> Floats | None:
    """(n,): the session's mean absolute change from minute to minute (Hyndman and Koehler, 2006), NaN where it is 0."""
    if "persistence" not in scored.others:
        return None
    change = np.abs(scored.truth[:, 0] - scored.others["persistence"][:, 0])
    known = np.isfinite(change)
    _, place = np.unique(scored.session, return_inverse=True)
    sums = np.bincount(place, np.where(known, change, 0.0))
    counts = np.bincount(place, known)
    return np.asarray(np.where(sums > 0, sums / np.maximum(counts, 1), np.nan)[place])


def _parts() -> dict[str, slice]:
    return {f"+{h}": slice(h - 1, h) for h in SHOWN_HORIZONS} | {"mean": slice(None)}


def _mean(values: Floats) -> float | None:
    return _short(np.nanmean(values)) if np.isfinite(values).any() else None


def _short(value: float | np.floating[Any]) -> float:
    return float(f"{value:.4g}")


def outcome_of(scored: Scored) -> dict[str, Any]:
    """What the card holds of one set of sessions: the errors a network is promoted by, then the leaderboard.

    The stacked ensemble is on the leaderboard alone: a network has to beat each rival, not their sum.
    """
    rivals = {name: forecast for name, forecast in scored.others.items() if name != STACKED}
    return results(scored._replace(others=rivals)) | {"leaderboard": leaderboard(scored)}
