"""F1 with a delay of at most seven minutes, as in the AIOps 2018 challenge.

A labelled segment counts as found, with all its minutes, if an alarm falls into its first eight minutes (delay 0 to 7),
and as missed otherwise; every alarm outside of segments is a false one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.alerts_series import Floats

DELAY = 7


class Tally(NamedTuple):
    """One indicator's alarms by threshold: each segment's highest score in time (m,), its minutes (m,), and the scores
    of all other minutes, rising.
    """

    reached: Floats
    minutes: NDArray[np.int64]
    others: Floats


def tally(score: Floats, label: NDArray[np.bool_], longest: int | None = None) -> Tally:
    """Segments and false minutes of one indicator, `score` and `label` (ticks,)."""
    edges = np.diff(np.concatenate([[0], label.astype(np.int8), [0]]))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    reached = [score[begin : min(end, begin + DELAY + 1)].max() for begin, end in zip(begins, ends, strict=True)]
    return Tally(np.array(reached), np.minimum(ends - begins, longest or label.size), np.sort(score[~label]))


def f1(tallies: Sequence[Tally], thresholds: Sequence[float]) -> float:
    """F1 over all indicators together, each with its threshold."""
    hits = sum(int(part.minutes[part.reached >= bar].sum()) for part, bar in zip(tallies, thresholds, strict=True))
    false = sum(false_alarms(part, np.array([bar]))[0] for part, bar in zip(tallies, thresholds, strict=True))
    total = sum(int(part.minutes.sum()) for part in tallies)
    return float(2 * hits / (hits + false + total))


def one_threshold(tallies: Sequence[Tally]) -> list[float]:
    """The threshold, the same for all, with the best F1."""
    reached = np.concatenate([part.reached for part in tallies])
    order = np.argsort(-reached)
    hits = np.cumsum(np.concatenate([part.minutes for part in tallies])[order])
    false = sum(false_alarms(part, reached[order]) for part in tallies)
    total = hits[-1]
    return [float(reached[order][np.argmax(2 * hits / (hits + false + total))])] * len(tallies)


def own_thresholds(tallies: Sequence[Tally]) -> list[float]:
    """A threshold for each, with the best F1 over all together: improved one at a time until nothing changes."""
    chosen = one_threshold(tallies)
    for _ in range(10):
        before = list(chosen)
        for place, part in enumerate(tallies):
            tried = [*part.reached.tolist(), float("inf")]
            chosen[place] = max(tried, key=lambda bar: f1(tallies, [*chosen[:place], bar, *chosen[place + 1 :]]))
        if chosen == before:
            break
    return chosen


WAYS = {"one": one_threshold, "own": own_thresholds}


def f1_of(counts: NDArray[np.int64]) -> Floats:
    """F1 of minutes found, false alarms and labelled minutes, (..., 3)."""
    hits, false, total = np.moveaxis(counts, -1, 0)
    return np.asarray(2 * hits / (hits + false + total), np.float64)


def false_alarms(part: Tally, bars: Floats) -> NDArray[np.int64]:
    """How many, at each of `bars`."""
    return np.asarray(len(part.others) - np.searchsorted(part.others, bars, "left"), np.int64)
