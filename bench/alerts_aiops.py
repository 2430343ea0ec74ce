"""The evidence on the AIOps 2018 indicators: F1 with a delay of at most seven minutes, tuned on the development part.

As in that challenge, a labelled segment counts as found, with all its minutes, if an alarm falls into its first eight
minutes (delay 0 to 7), and as missed otherwise; every alarm outside of segments is a false one.
"""

from __future__ import annotations

import csv
import gzip
import itertools
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.alerts_river import river_scores
from bench.alerts_series import Floats, Series, Setting, behind_bar, evidence, plain_z, served, smoothed
from trainer.default_model import shared_file

DELAY = 7
GRID = [Setting(1.0, regime, 99.0, 0.0, 100.0) for regime in (0.0, 0.5, 0.7)] + [
    Setting(1.0, *chosen) for chosen in itertools.product((0.0, 0.5, 0.7), (2.4,), (2.6,), (60.0, 200.0))
]
_LONGEST = 450
"""Minutes that a segment counts at most where settings are chosen: two outages of 6,600 would decide alone."""


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
    false = sum(_false(part, np.array([bar]))[0] for part, bar in zip(tallies, thresholds, strict=True))
    total = sum(int(part.minutes.sum()) for part in tallies)
    return float(2 * hits / (hits + false + total))


def one_threshold(tallies: Sequence[Tally]) -> list[float]:
    """The threshold, the same for all, with the best F1."""
    reached = np.concatenate([part.reached for part in tallies])
    order = np.argsort(-reached)
    hits = np.cumsum(np.concatenate([part.minutes for part in tallies])[order])
    false = sum(_false(part, reached[order]) for part in tallies)
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


class Aiops:
    """The indicators, side by side, with their labels (ticks, n) and the length of each development part."""

    def __init__(self) -> None:
        rows: dict[str, list[tuple[int, float, bool, bool]]] = {}
        with gzip.open(shared_file("aiops_kpi", "aiops_kpi.csv.gz"), "rt", newline="") as file:
            for row in csv.DictReader(file):
                found = int(row["timestamp"]), float(row["value"]), row["label"] == "1", row["split"] == "train"
                rows.setdefault(row["kpi_id"], []).append(found)
        names = sorted(rows)
        shape = max(map(len, rows.values())), len(names)
        value, hour, self.label = np.full(shape, np.nan), np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
        self.development = []
        for place, name in enumerate(names):
            seconds, values, labels, early = map(np.array, zip(*sorted(rows[name]), strict=True))
            value[: len(values), place], self.label[: len(values), place] = values, labels
            hour[: len(values), place] = seconds // 3600 % 24
            self.development.append(int(early.sum()))
        self.series = Series(names, value, hour, np.ones(shape[1]))

    def tallies(self, scores: Floats, part: str) -> list[Tally]:
        """One tally an indicator, of the part `development`, its `first` or `second` half (segments cut short), or
        `test`.
        """
        found = []
        for place, (length, edge) in enumerate(zip(self.series.lengths, self.development, strict=True)):
            begin, end = {
                "development": (0, edge),
                "first": (0, edge // 2),
                "second": (edge // 2, edge),
                "test": (edge, length),
            }[part]
            longest = _LONGEST if part in {"first", "second"} else None
            found.append(tally(scores[begin:end, place], self.label[begin:end, place], longest))
        return found

    def crossed(self, scores: Floats, way: str) -> float:
        """F1 within the development part: thresholds from one half of it on the other, mean of both ways round."""
        halves = [self.tallies(scores, part) for part in ("first", "second")]
        return float(np.mean([f1(halves[1 - half], WAYS[way](halves[half])) for half in (0, 1)]))

    def judged(self, candidates: Sequence[Floats]) -> dict[str, Any]:
        """Candidate, and one threshold or one for each, chosen within the development part; then the test, once."""
        crossed = {(place, way): self.crossed(scores, way) for place, scores in enumerate(candidates) for way in WAYS}
        place, way = max(crossed, key=lambda key: crossed[key])
        development, test = (self.tallies(candidates[place], part) for part in ("development", "test"))
        thresholds = {name: choose(development) for name, choose in WAYS.items()}
        return {
            "dev_f1": f1(development, thresholds[way]),
            "dev_crossed_f1": crossed[place, way],
            "test_f1": f1(test, thresholds[way]),
            "candidate": place,
            "way": way,
            "thresholds": [round(bar, 3) for bar in thresholds[way]],
            "test_f1_by_way": {name: f1(test, bars) for name, bars in thresholds.items()},
            "test_f1_by_indicator": [f1([one], [bar]) for one, bar in zip(test, thresholds[way], strict=True)],
        }


def aiops(*, with_network: bool, with_river: bool, **_: object) -> dict[str, Any]:
    """All figures on the AIOps indicators."""
    bench = Aiops()
    expectations = {"": smoothed(bench.series.value)}
    if with_network:
        expectations["_network"] = served(bench.series)
    found: dict[str, Any] = {}
    for tail, expected in expectations.items():
        spike, regime = evidence(bench.series, expected)
        judged = bench.judged([behind_bar(spike, regime, setting) for setting in GRID])
        judged["setting"] = asdict(GRID[judged.pop("candidate")])
        rivals = {"plain_z": bench.judged([plain_z(bench.series, expected)])}
        if with_river and not tail:
            rivals |= {name: bench.judged([scores]) for name, scores in river_scores(bench.series, expected).items()}
        found |= {f"aiops_{key}{tail}": value for key, value in judged.items()}
        for name, figures in rivals.items():
            found |= {
                f"aiops_{key}{tail}_{name}": figures[key] for key in ("dev_f1", "test_f1", "way", "test_f1_by_way")
            }
    return found


def _false(part: Tally, bars: Floats) -> NDArray[np.int64]:
    return np.asarray(len(part.others) - np.searchsorted(part.others, bars, "left"), np.int64)
