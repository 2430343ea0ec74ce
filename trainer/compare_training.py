"""One candidate of a comparison from its settings to its row of figures, on the rows that all of them share."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from roompulse import window
from roompulse.features import transform
from roompulse.forecasting import quantiles_from
from roompulse.model_card import NETWORK
from roompulse.window import Network, WindowSpecification
from trainer.baselines import Forecaster, baselines
from trainer.compare_parts import Part, Parts
from trainer.evaluation import Scored, around, results
from trainer.export import export as export_step
from trainer.fitting import Progress, TrainingSettings
from trainer.fitting import fit as fit_step
from trainer.leaderboard import differences, leaderboard
from trainer.packing import run
from trainer.preset_evaluation import residual_quantiles, served
from trainer.preset_fitting import EpochReport, fit
from trainer.preset_network import export, network_of
from trainer.preset_samples import Examples, Samples
from trainer.preset_training import specify
from trainer.presets import PresetSettings
from trainer.rivals import rivals, spreads
from trainer.series import Cuts
from trainer.served_network import served_width

MEASURE = "median_20"
"""Every row's difference is to this one: it needs no training and is known from the studies' data."""
LEAST_SESSIONS, BLOCK_MINUTES = 5, 20
"""Whole sessions are resampled from so many on; of fewer, blocks of so many minutes (Kuensch, 1989)."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """How one forecaster did. Errors are in counts a minute; `mae` is their mean over the ten minutes."""

    name: str
    question: str
    mae: float | None
    mae_1: float | None
    mae_5: float | None
    mae_10: float | None
    relative: float | None
    rmse: float | None
    r2: float | None
    r2_1: float | None
    """A minute ahead, the studies' own measure."""
    coverage_80: float | None
    less_median_20_percent: float | None
    low: float | None
    """95 % interval of that difference, over sessions or blocks of minutes."""
    high: float | None
    seconds: float | None
    """Of wall-clock time for training and export; rivals are fitted together and have none of their own."""


@dataclass(frozen=True, slots=True)
class Judge:
    """The test part's rows and what everyone is measured by."""

    rows: Samples
    """Of windows of one minute; a candidate's own windows are of the same rows."""
    truth: Floats
    """(n, 10), what came after them."""
    part: Part
    most: int
    """Windows at most, evenly spread."""
    simple: dict[str, Floats]
    """Forecasts (n, 10) of persistence, which scales errors, and of what every row's difference is to."""

    def row(self, name: str, question: str, quantiles: Floats, seconds: float | None) -> Row:
        """The figures of quantiles (n, 3, 10)."""
        whole = [session.counts() for session in self.part.sessions]
        sizes = np.array([float(np.nanmean(session.counts)) for session in whole])
        rows, places = self.rows.session.astype(np.int64), self.rows.place.astype(np.int64)
        scored = Scored(self.truth, quantiles, self.simple, rows, sizes[rows], places)
        board = leaderboard(scored)
        measures = board["measures"][NETWORK]
        percent, low, high = self.difference(quantiles[:, 1], self.simple[MEASURE]) or (None, None, None)
        return Row(
            name=name,
            question=question,
            mae=measures["mean"]["mae"],
            mae_1=measures["+1"]["mae"],
            mae_5=measures["+5"]["mae"],
            mae_10=measures["+10"]["mae"],
            relative=results(scored)["mae"][NETWORK]["relative"],
            rmse=measures["mean"]["rmse"],
            r2=measures["mean"]["r2"],
            r2_1=measures["+1"]["r2"],
            coverage_80=measures["mean"].get("coverage_80"),
            less_median_20_percent=percent,
            low=low,
            high=high,
            seconds=seconds,
        )

    def difference(self, own: Floats, other: Floats) -> list[float] | None:
        """Error of forecasts (n, 10) less that of others in percent of it, and its 95 % interval."""
        drawn = self.rows.session.astype(np.int64)
        if len(np.unique(drawn)) < LEAST_SESSIONS:
            drawn = drawn * (1 << 32) + self.rows.place // BLOCK_MINUTES
        scored = Scored(self.truth, np.stack([own] * 3, axis=1), {}, drawn, np.zeros(len(drawn)))
        return differences(scored, other)["mean"]


def at(rows: Samples, forecast: Forecaster, part: Part) -> Floats:
    """A rival's forecasts (n, 10) at these rows, made from whole sessions."""
    made = [forecast(session.counts()) for session in part.sessions]
    pairs = zip(rows.session.tolist(), rows.place.tolist(), strict=True)
    return np.stack([made[session][place] for session, place in pairs])


def field_of(parts: Parts, most: int, *, everyone: bool) -> tuple[Judge, dict[str, Floats]]:
    """Who judges, and quantiles (n, 3, 10) of the rivals by name: the whole field, or the baselines alone."""
    rows = parts.test.samples(1, most)
    learnt = parts.training.counts()
    field = (rivals if everyone else baselines)(learnt)
    found = {}
    for name, spread in spreads(field, learnt).items():
        median = at(rows, field[name], parts.test)
        around_it = around(median, spread)
        found[name] = np.stack([around_it[:, 0], median, around_it[:, 1]], axis=1)
    simple = {name: found[name][:, 1] for name in ("persistence", MEASURE)}
    return Judge(rows, rows.truth(), parts.test, most, simple), found


def windowed(
    settings: PresetSettings, training: Part, validation: Part, most: int, report: EpochReport
) -> tuple[WindowSpecification, Network]:
    """Train a windowed network and export it as it would be served; its residuals are those of the validation part."""
    specification = specify(training.sessions, settings, Cuts(training.end, training.end))
    learnt, checked = (part.samples(settings.window, most) for part in (training, validation))
    examples = Examples.known(specification, checked)
    fitted = fit(settings, Examples.known(specification, learnt), examples, report)
    some = examples.batch(np.arange(min(3, len(examples))))[0]
    network = network_of(export(fitted.model, some, {"features": window.FINGERPRINT}))
    residuals = residual_quantiles(specification, network, checked)
    return msgspec.structs.replace(specification, residuals=residuals), network


def windowed_quantiles(settings: PresetSettings, parts: Parts, judge: Judge, report: EpochReport) -> Floats:
    """Train a windowed network and let it forecast the test part, (n, 3, 10)."""
    specification, network = windowed(settings, parts.training, parts.validation, judge.most, report)
    return served(specification, network, parts.test.samples(settings.window, judge.most))


def step_quantiles(steps: int, seed: int, parts: Parts, judge: Judge, progress: Progress) -> Floats:
    """Train one member of the step network and let it forecast the test part, (n, 3, 10)."""
    weights = fit_step(parts.training.counts(), TrainingSettings(members=1, steps=steps, seed=seed), progress)
    model, units = export_step(weights, {"name": "compared"}), served_width(weights)
    made = []
    for session in judge.part.sessions:
        inputs, references = transform(session.counts().counts[None])
        made.append(quantiles_from(run(model, inputs, units)[0], references[0]))
    return np.stack([made[s][p] for s, p in zip(judge.rows.session, judge.rows.place, strict=True)])
