"""How good the network is on sessions it has not seen, beside the baselines on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from roompulse.features import transform
from roompulse.forecasting import QUANTILES, quantiles_from
from roompulse.model_card import NETWORK
from roompulse.naive import targets_of
from trainer.baselines import Forecaster, origins
from trainer.packing import run
from trainer.sessions import Session

SHOWN_HORIZONS = (1, 5, 10)
SIZES = {"under_3": (0.0, 3.0), "3_to_20": (3.0, 20.0), "over_20": (20.0, np.inf)}
"""Classes of rooms by their session's mean count a minute."""


class Scored(NamedTuple):
    """Forecasts and truth for every minute at which one was made, several sessions one after another."""

    truth: NDArray[np.float64]
    """(n, 10), NaN where unknown."""
    quantiles: NDArray[np.float64]
    """(n, 3, 10), the network's."""
    others: dict[str, NDArray[np.float64]]
    """By baseline, (n, 10)."""
    session: NDArray[np.int64]
    """(n,), which session a row is from."""
    size: NDArray[np.float64]
    """(n,), the mean count a minute of that session."""
    minute: NDArray[np.int64] | None = None
    """(n,), the minute of its session at which a forecast is made, from 0; None where nobody asked."""
    intervals: dict[str, NDArray[np.float64]] | None = None
    """By baseline, (n, 2, 10): 0.1 and 0.9 quantiles; None where nobody asked."""


def score(
    model: bytes,
    units: int,
    rivals: Mapping[str, Forecaster],
    heldout: Sequence[Session],
    spreads: Mapping[str, NDArray[np.float64]] | None = None,
) -> Scored:
    """Forecast every held-out session with the exported network and with the baselines.

    `spreads`, where given, are (2, 10) log distances of the intervals around each baseline's forecast.
    """
    parts = []
    for index, session in enumerate(heldout):
        inputs, references = transform(session.counts[None])
        quantiles = quantiles_from(run(model, inputs, units)[0], references[0])
        made = origins(session)
        rows = int(made.sum())
        others = {name: rival(session)[made] for name, rival in rivals.items()}
        parts.append(
            Scored(
                targets_of(session.counts[None])[0][made],
                quantiles[made],
                others,
                np.full(rows, index),
                np.full(rows, np.nanmean(session.counts)),
                np.flatnonzero(made),
                None if spreads is None else {name: around(others[name], spreads[name]) for name in others},
            )
        )
    return joined(parts)


def joined(parts: Sequence[Scored]) -> Scored:
    """Several scored parts as one, such as the folds of a cross-validation."""
    minutes = [part.minute for part in parts if part.minute is not None]
    offsets = np.cumsum([0, *(part.session.max(initial=-1) + 1 for part in parts)])[: len(parts)]
    return Scored(
        np.concatenate([part.truth for part in parts]),
        np.concatenate([part.quantiles for part in parts]),
        {name: np.concatenate([part.others[name] for part in parts]) for name in parts[0].others},
        np.concatenate([part.session + offset for part, offset in zip(parts, offsets, strict=True)]),
        np.concatenate([part.size for part in parts]),
        np.concatenate(minutes) if len(minutes) == len(parts) else None,
        _joined_intervals(parts),
    )


def around(forecast: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """An interval (n, 2, 10) at the log distances (2, 10) around a forecast (n, 10)."""
    return np.maximum(np.expm1(np.log1p(forecast)[:, None] + spread), 0.0)


def _joined_intervals(parts: Sequence[Scored]) -> dict[str, NDArray[np.float64]] | None:
    found = [part.intervals for part in parts if part.intervals is not None]
    if len(found) < len(parts):
        return None
    return {name: np.concatenate([intervals[name] for intervals in found]) for name in found[0]}


def results(scored: Scored) -> dict[str, Any]:
    """Mean absolute errors by forecaster; the network's pinball loss and the coverage of its 10-90 % interval."""
    medians = {NETWORK: scored.quantiles[:, 1]} | scored.others
    known = ~np.isnan(scored.truth)
    low, high = scored.quantiles[:, 0], scored.quantiles[:, 2]
    inside = (scored.truth >= low) & (scored.truth <= high)
    coverage = {"overall": _share(inside, known)}
    for name, (least, below) in SIZES.items():
        rows = (scored.size >= least) & (scored.size < below)
        coverage[name] = _share(inside[rows], known[rows])
    return {
        "sessions": len(np.unique(scored.session)),
        "forecasts": len(scored.truth),
        "mae": {name: _errors(scored, median) for name, median in medians.items()},
        "pinball": _round(_pinball(scored)),
        "coverage_80": coverage,
    }


def loses_to(outcome: Mapping[str, Any]) -> list[str]:
    """Where the network is not the best: texts such as "+1: smoothing_0.2"."""
    lost = []
    for measure, own in outcome["mae"][NETWORK].items():
        for name, errors in outcome["mae"].items():
            if own is not None and name != NETWORK and errors[measure] < own:
                lost.append(f"{measure}: {name}")
    return lost


def _errors(scored: Scored, median: NDArray[np.float64]) -> dict[str, float | None]:
    error = np.abs(scored.truth - median)
    shown = {f"+{horizon}": _mean(error[:, horizon - 1]) for horizon in SHOWN_HORIZONS}
    relative = [
        np.nanmean(error[rows]) / np.nanmean(scored.truth[rows])
        for rows in (scored.session == index for index in np.unique(scored.session))
        if np.nansum(scored.truth[rows]) > 0
    ]
    return shown | {"mean": _mean(error), "relative": _mean(np.asarray(relative))}


def _pinball(scored: Scored) -> float:
    error = scored.truth[:, None, :] - scored.quantiles
    quantile = np.asarray(QUANTILES)[:, None]
    return float(np.nanmean(np.maximum(quantile * error, (quantile - 1) * error)))


def _share(inside: NDArray[np.bool_], known: NDArray[np.bool_]) -> float | None:
    return _round(float(inside[known].mean())) if known.any() else None


def _mean(values: NDArray[np.float64]) -> float | None:
    return _round(float(np.nanmean(values))) if np.isfinite(values).any() else None


def _round(value: float) -> float:
    return float(f"{value:.4g}")
