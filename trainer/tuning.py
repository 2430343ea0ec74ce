"""A small search for a preset's hyper-parameters, judged inside the training part alone, in order of time."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import optuna

from roompulse.errors import BundleError
from trainer.compare_parts import Part, expanding
from trainer.compare_training import windowed
from trainer.preset_fitting import EpochReport
from trainer.preset_samples import forecasts
from trainer.presets import PresetSettings

FOLDS = 3
WINDOWS = (10, 20, 30, 60, 100)
WIDTHS = (16, 32, 64)
"""Units of each layer; the number of layers stays the preset's."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """The best settings found and how the search went."""

    settings: PresetSettings
    error: float
    """Mean absolute error over the folds, counts a minute; not that of the test part."""
    trials: list[dict[str, Any]]


def tune(
    settings: PresetSettings, training: Part, trials: int, most: int, until: float, report: EpochReport
) -> Tuned | None:
    """Search with the tree-structured Parzen estimator (Bergstra et al., 2011); None where the time was up before.

    Each trial learns from all before a cut and is judged up to the next one, `FOLDS` times. No trial begins after
    `until` on the monotonic clock. The same seed gives the same search, as far as it comes.
    """
    folds = expanding(training, FOLDS)

    def objective(trial: optuna.Trial) -> float:
        width = trial.suggest_categorical("units", WIDTHS)
        tried = replace(
            settings,
            window=trial.suggest_categorical("window", WINDOWS),
            units=(width,) * len(settings.units),
            dropout=trial.suggest_float("dropout", 0.0, 0.5, step=0.1),
            learning_rate=trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
            best=False,  # or the epoch would be chosen by the minutes that judge
        )
        errors = [_error(tried, learnt, judged, most, report) for learnt, judged in folds]
        trial.set_user_attr("settings", tried)
        return float(np.mean(errors))

    def stop(study: optuna.Study, _: optuna.trial.FrozenTrial) -> None:
        if time.monotonic() >= until:
            study.stop()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=settings.seed))
    if time.monotonic() < until:
        # A learning rate may diverge: that trial has failed, the search has not.
        study.optimize(objective, n_trials=trials, callbacks=[stop], catch=(BundleError,))
    done = [trial for trial in study.trials if trial.state is optuna.trial.TrialState.COMPLETE]
    if not done:
        return None
    found = study.best_trial.user_attrs["settings"]
    told = [{"trial": trial.number, "mae": float(f"{trial.value:.4g}")} | trial.params for trial in done]
    return Tuned(replace(found, best=settings.best), float(f"{study.best_value:.4g}"), told)


def _error(settings: PresetSettings, learnt: Part, judged: Part, most: int, report: EpochReport) -> float:
    specification, network = windowed(settings, learnt, judged, most, report)
    asked = judged.samples(settings.window, most)
    return float(np.nanmean(np.abs(asked.truth() - forecasts(specification, network, asked))))
