"""River's online detectors on the same series: what the evidence is compared with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.alerts_series import Floats, Series

_LEARNT = 0.05  # of a series: scales that HalfSpaceTrees needs are taken from here
_SEED = 1

Score = Callable[[Floats, Floats], Floats]


def river_scores(series: Series, expected: Floats) -> dict[str, Floats]:
    """Scores (ticks, n) of each detector; they see the value, or the residual from the smoothed expectation."""
    detectors: dict[str, Score] = {
        "half_space_trees": _half_space_trees,
        "gaussian_scorer": _gaussian,
        "adwin": _adwin,
        "page_hinkley": _page_hinkley,
    }
    found = {}
    for name, score in detectors.items():
        scores = np.zeros(series.value.shape)
        for place, length in enumerate(series.lengths):
            value = series.value[:length, place]
            residual = np.nan_to_num(value - expected[:length, place, 1])
            scores[:length, place] = score(value, residual)
        found[name] = scores
    return found


def _half_space_trees(value: Floats, _: Floats) -> Floats:
    from river.anomaly import HalfSpaceTrees

    start = value[: max(2, int(_LEARNT * len(value)))]
    low, width = float(start.min()), float(np.ptp(start)) or 1.0
    trees = HalfSpaceTrees(n_trees=25, height=8, window_size=250, seed=_SEED)
    scores = np.zeros(len(value))
    for tick, x in enumerate(((value - low) / width / 3 + 1 / 3).clip(0, 1).tolist()):
        scores[tick] = trees.score_one({"x": x})
        trees.learn_one({"x": x})
    return scores


def _gaussian(_: Floats, residual: Floats) -> Floats:
    from river.anomaly import GaussianScorer

    scorer, scores = GaussianScorer(), np.zeros(len(residual))
    for tick, y in enumerate(residual.tolist()):
        probability = scorer.score_one(None, y)
        scores[tick] = -np.log10(max(1.0 - probability, 1e-16))
        scorer.learn_one(None, y)
    return scores


def _adwin(value: Floats, _: Floats) -> Floats:
    from river.drift import ADWIN

    return _drifts(ADWIN(), value)


def _page_hinkley(value: Floats, _: Floats) -> Floats:
    from river.drift import PageHinkley

    return _drifts(PageHinkley(), value)


def _drifts(detector: object, value: Floats) -> Floats:
    """1 where a drift is told. Both need a scale: the spread of the first part."""
    spread = float(np.std(value[: max(2, int(_LEARNT * len(value)))])) or 1.0
    told = np.zeros(len(value))
    for tick, x in enumerate((value / spread).tolist()):
        detector.update(x)  # type: ignore[attr-defined] # river is not typed here
        told[tick] = detector.drift_detected  # type: ignore[attr-defined]
    return told
