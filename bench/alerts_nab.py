"""Regime evidence on NAB's real series, by NAB's own scoring, next to the published detectors."""

from __future__ import annotations

import importlib.util
import itertools
import json
import tarfile
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.alerts_river import river_scores
from bench.alerts_series import Floats, Series, Setting, behind_bar, in_units, plain_z, regimes, served, smoothed
from roompulse.errors import InputError
from trainer.default_model import shared_file

SETTING = Setting(bar=2.6, rise=2.6, fading=200.0)
GRID = [Setting(*chosen) for chosen in itertools.product((2.2, 2.6, 3.0), (1.7, 2.6, 3.5), (100.0, 200.0, 400.0))]
PROFILES = {"nab_standard": "standard", "nab_low_fp": "reward_low_FP_rate"}
_SATURATION = 5.0  # digits: NAB's scorer takes scores from 0 to 1


class Nab:
    """The series, their windows and NAB's scorer."""

    def __init__(self) -> None:
        archive = shared_file("nab", "nab_subset.tar.gz")
        with tempfile.TemporaryDirectory() as folder:
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
            self.scorer = _scorer_tool(archive.parents[2] / "tools" / "nab_score.py").NabScorer(folder)
        self.profiles = {"standard": (0.11, 1.0), "reward_low_FP_rate": (0.22, 1.0)}
        self.series = _side_by_side(self.scorer)
        self.peers: dict[str, dict[str, list[float]]] = json.loads(
            (archive.parent / "peer_scores_by_category.json").read_text()
        )
        places: Counter[str] = Counter()
        half = []
        for name in self.scorer.files:
            category = name.split("/")[0]
            half.append(places[category] % 2)
            places[category] += 1
        self.half: NDArray[np.int64] = np.repeat(half, self.scorer.lens)

    def flat(self, scores: Floats) -> Floats:
        """Scores (ticks, n) file after file, from 0 to 1, in the order that they have."""
        joined = np.concatenate([scores[:length, place] for place, length in enumerate(self.scorer.lens)])
        kept = np.maximum(joined, 0.0)
        return np.asarray(kept / (kept + _SATURATION), np.float64)

    def score(self, scores: Floats, profile: str = "standard") -> float:
        """NAB's normalised score of `scores` (ticks, n), with the threshold that NAB's optimiser picks."""
        return float(self.scorer.score(self.flat(scores), profile, detail=False)["ALL"][0])

    def by_category(self, scores: Floats) -> dict[str, float]:
        """The same by category, at the one threshold."""
        found = self.scorer.score(self.flat(scores), "standard")
        return {str(name): float(row[0]) for name, row in found.items() if name not in {"threshold", "REAL"}}

    def on_half(self, flat: Floats, half: int) -> tuple[float, float]:
        """Best raw score on one half of the files, and its threshold."""
        fp, fn = self.profiles["standard"]
        best, threshold = self.scorer.sweep(flat, fp, fn, self.half == half)
        return float(best), float(threshold)

    def split_half(self, candidates: list[Floats]) -> tuple[float, list[int]]:
        """Candidate and threshold chosen on one half, scored on the other, and the reverse, normalised together."""
        fp, fn = self.profiles["standard"]
        chosen, raw, windows = [], 0.0, 0
        for half in (0, 1):
            found = [self.on_half(flat, half) for flat in candidates]
            chosen.append(max(range(len(found)), key=lambda place: found[place][0]))
            threshold = found[chosen[-1]][1]
            scored, _, _, count = self.scorer.at(candidates[chosen[-1]], threshold, fp, fn, self.half == 1 - half)
            raw, windows = raw + scored, windows + count
        return round(100 * (raw + fn * windows) / ((1 + fn) * windows), 2), chosen

    def published(self) -> dict[str, float]:
        """Each published detector over the subset: its category scores, weighted by their windows.

        NAB normalises a sum over windows, so a weighted mean of categories is that of their files together. Their
        thresholds are those optimised for the whole corpus.
        """
        windows = Counter(str(category) for category in self.scorer.win_cat)
        return {
            name: round(sum(by[category][0] * count for category, count in windows.items()) / windows.total(), 1)
            for name, by in self.peers.items()
        }


def nab(*, with_network: bool, with_river: bool, **_: object) -> dict[str, Any]:
    """All figures on NAB."""
    bench = Nab()
    expectations = {"smoothed": smoothed(bench.series.value)}
    if with_network:
        expectations["network"] = in_units(bench.series, served(bench.series))
    found: dict[str, Any] = {"published": bench.published()}
    for name, expected in expectations.items():
        tail = "" if name == "smoothed" else f"_{name}"
        regime = regimes(bench.series, expected)
        shipped = behind_bar(regime, SETTING)
        z = plain_z(bench.series, expected)
        for key, profile in PROFILES.items():
            found[key + tail] = bench.score(shipped, profile)
            found[f"{key}{tail}_plain_z"] = bench.score(z, profile)
        found[f"nab_by_category{tail}"] = bench.by_category(shipped)
        grid = [bench.flat(behind_bar(regime, setting)) for setting in GRID]
        found[f"nab_split_half{tail}"], chosen = bench.split_half(grid)
        found[f"nab_split_half_settings{tail}"] = [asdict(GRID[place]) for place in chosen]
        found[f"nab_split_half{tail}_fixed_setting"] = bench.split_half([bench.flat(shipped)])[0]
        found[f"nab_split_half{tail}_plain_z"] = bench.split_half([bench.flat(z)])[0]
    if with_river:
        for name, scores in river_scores(bench.series, expectations["smoothed"]).items():
            found[f"nab_standard_{name}"] = bench.score(scores)
    return found


def _scorer_tool(path: Path) -> Any:
    found = importlib.util.spec_from_file_location("nab_score", path) if path.exists() else None
    if found is None or found.loader is None:
        raise InputError("not found: NAB's scoring, beside the shared data", file=str(path))
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def _side_by_side(scorer: Any) -> Series:
    shape = int(max(scorer.lens)), len(scorer.files)
    value, hour, tick = np.full(shape, np.nan), np.zeros(shape, np.int64), np.empty(shape[1])
    for place, name in enumerate(scorer.files):
        seconds = scorer.times[name].astype(np.int64)
        value[: len(seconds), place] = scorer.values[name]
        hour[: len(seconds), place] = seconds // 3600 % 24
        tick[place] = np.median(np.diff(seconds)) / 60
    return Series(list(scorer.files), value, hour, tick)
