"""The rooms' evidence on the AIOps 2018 indicators: F1 with a delay of at most seven minutes, tuned on development."""

from __future__ import annotations

import csv
import gzip
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.alerts_delay import WAYS, Tally, f1, f1_of, false_alarms, tally
from bench.alerts_river import river_scores
from bench.alerts_series import (
    Floats,
    Series,
    Setting,
    as_counts,
    behind_bar,
    in_units,
    plain_z,
    served,
    smoothed,
    smoothed_counts,
    spikes,
)
from roompulse.rules import Rules
from trainer.default_model import shared_file

GRID = [Setting(bar, 12.0, 10.0) for bar in np.round(np.arange(3.0, 6.01, 0.2), 1).tolist()]
"""After an alarm the bar rises by the most that evidence can be: for some ten ticks there is no second one."""
_LONGEST = 450
"""Minutes that a segment counts at most where anything is chosen: two outages of 6,600 would decide alone."""


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
        """One tally an indicator, of the part `development`, the same with long segments `cut` short, its `first` or
        `second` half (cut as well), or `test`.
        """
        found = []
        for place, (length, edge) in enumerate(zip(self.series.lengths, self.development, strict=True)):
            begin, end = {
                "development": (0, edge),
                "cut": (0, edge),
                "first": (0, edge // 2),
                "second": (edge // 2, edge),
                "test": (edge, length),
            }[part]
            longest = _LONGEST if part in {"cut", "first", "second"} else None
            found.append(tally(scores[begin:end, place], self.label[begin:end, place], longest))
        return found

    def counted(self, scores: Floats, bar: float, part: str) -> NDArray[np.int64]:
        """Minutes found, false alarms and labelled minutes of each indicator, (n, 3), with one bar."""
        tallies = self.tallies(scores, part)
        hits = [part.minutes[part.reached >= bar].sum() for part in tallies]
        false = [false_alarms(part, np.array([bar]))[0] for part in tallies]
        return np.array([hits, false, [part.minutes.sum() for part in tallies]]).T

    def chosen(self, spike: Floats) -> tuple[Setting, dict[str, float]]:
        """The setting, with one bar for all indicators, that the development part prefers, and what it is worth there.

        `crossed` chooses on one half of the part for the other, `left_out` on five indicators for the sixth.
        """
        parts = ("development", "cut", "first", "second")
        scores = (behind_bar(spike, setting) for setting in GRID)
        counts = np.array(
            [
                [self.counted(found, setting.bar, part) for part in parts]
                for found, setting in zip(scores, GRID, strict=True)
            ]
        )
        development, cut, first, second = counts.transpose(1, 0, 2, 3)
        best = int(f1_of(cut.sum(1)).argmax())
        crossed = [
            f1_of(judged.sum(1))[f1_of(taught.sum(1)).argmax()] for taught, judged in ((first, second), (second, first))
        ]
        left_out = [
            cut[f1_of(np.delete(cut, one, axis=1).sum(1)).argmax(), one] for one in range(len(self.series.names))
        ]
        return GRID[best], {
            "dev_f1": float(f1_of(development[best].sum(0))),
            "dev_cut_f1": float(f1_of(cut[best].sum(0))),
            "dev_crossed_f1": float(np.mean(crossed)),
            "dev_left_out_f1": float(f1_of(np.sum(left_out, axis=0))),
        }

    def judged(self, spike: Floats) -> dict[str, Any]:
        """What the development part chooses; then the test, once."""
        setting, found = self.chosen(spike)
        test = self.counted(behind_bar(spike, setting), setting.bar, "test")
        return found | {
            "setting": asdict(setting),
            "test_f1": float(f1_of(test.sum(0))),
            "test_f1_by_indicator": f1_of(test).tolist(),
        }

    def rival(self, scores: Floats) -> dict[str, Any]:
        """A rival's scores with one threshold, or one for each indicator, as its development part prefers."""
        halves = [self.tallies(scores, part) for part in ("first", "second")]
        crossed = {
            way: float(np.mean([f1(halves[1 - half], choose(halves[half])) for half in (0, 1)]))
            for way, choose in WAYS.items()
        }
        way = max(crossed, key=lambda key: crossed[key])
        development, cut, test = (self.tallies(scores, part) for part in ("development", "cut", "test"))
        bars = {name: choose(development) for name, choose in WAYS.items()}
        return {
            "dev_f1": f1(development, bars[way]),
            "dev_cut_f1": f1(cut, WAYS[way](cut)),
            "dev_crossed_f1": crossed[way],
            "way": way,
            "test_f1": f1(test, bars[way]),
            "test_f1_by_way": {name: f1(test, chosen) for name, chosen in bars.items()},
        }


def aiops(*, with_network: bool, with_river: bool, **_: object) -> dict[str, Any]:
    """All figures on the AIOps indicators."""
    bench = Aiops()
    counts, rules = as_counts(bench.series), Rules()
    expectations = {"": smoothed_counts(counts)}
    if with_network:
        expectations["_network"] = served(bench.series)
    found: dict[str, Any] = {}
    for tail, expected in expectations.items():
        own_units = in_units(bench.series, expected)
        judged = bench.judged(spikes(counts, expected, rules))
        rivals = {"plain_z": plain_z(bench.series, own_units)}
        if not tail:
            rivals["plain_z_of_values"] = plain_z(bench.series, smoothed(bench.series.value))
            rivals |= river_scores(bench.series, own_units) if with_river else {}
        found |= _named(judged, f"aiops_{{}}{tail}")
        for name, scores in rivals.items():
            found |= _named(bench.rival(scores), f"aiops_{{}}{tail}_{name}")
    return found


def _named(figures: dict[str, Any], pattern: str) -> dict[str, Any]:
    return {pattern.format(key): value for key, value in figures.items()}
