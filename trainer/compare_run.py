"""The loop of a comparison: rivals, then one network after another, as long as there is time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from roompulse.errors import BundleError
from trainer.compare_answers import RIVALS, answers
from trainer.compare_grid import Candidate, shown
from trainer.compare_parts import Parts
from trainer.compare_progress import Done, comparison_bar
from trainer.compare_report import Comparison
from trainer.compare_training import Floats, Judge, Row, field_of, step_quantiles, windowed_quantiles
from trainer.presets import PresetSettings
from trainer.tuning import FOLDS, tune

STUDIED_EPOCHS = 30
USED_UP = "the budget was used up"


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is trained, and until when."""

    steps: int
    most_windows: int
    trials: int
    everyone: bool
    budget_s: float | None
    seed: int


@dataclass(slots=True)
class _Contest:
    """What everyone shares, and who has been judged so far."""

    alone: Parts
    """The target alone."""
    parts: Parts
    judge: Judge
    effort: Effort
    done: Done
    rows: list[Row] = field(default_factory=list)
    medians: dict[str, Floats] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def enter(self, name: str, question: str, quantiles: Floats, seconds: float | None = None) -> None:
        self.rows.append(self.judge.row(name, question, quantiles, seconds))
        self.medians[name] = quantiles[:, 1]

    def parts_for(self, settings: PresetSettings) -> Parts:
        return self.parts if settings.every_series else self.alone

    def train(self, candidate: Candidate, until: float) -> None:
        started = time.monotonic()
        if started >= until:
            self.left_out[candidate.name] = USED_UP
            return
        try:
            quantiles = self._quantiles(candidate)
        except BundleError as error:  # it diverged, or is not what could be served: the others go on
            self.left_out[candidate.name] = str(error)
            return
        self.enter(candidate.name, candidate.question, quantiles, round(time.monotonic() - started, 1))

    def _quantiles(self, candidate: Candidate) -> Floats:
        settings = candidate.settings
        if settings is None:
            part = candidate.work / self.effort.steps

            def step_done(_: int, step: int, loss: float) -> None:
                self.done(f"{candidate.name}, step {step}/{self.effort.steps}, loss {loss:.4g}", part)

            return step_quantiles(self.effort.steps, self.effort.seed, self.alone, self.judge, step_done)
        epochs, each = settings.epochs, candidate.work / settings.epochs

        def epoch_done(epoch: int, loss: float, _: float, best: int) -> None:
            self.done(f"{candidate.name}, epoch {epoch}/{epochs}, loss {loss:.4g}, best epoch {best}", each)

        return windowed_quantiles(settings, self.parts_for(settings), self.judge, epoch_done)


def compare(source: str, parts: Parts, grid: Sequence[Candidate], effort: Effort) -> Comparison:
    """Train and judge everything on the same rows. A network that diverges is left out and named."""
    until = time.monotonic() + (float("inf") if effort.budget_s is None else effort.budget_s)
    alone = parts.target_alone()
    judge, rivals = field_of(alone, effort.most_windows, everyone=effort.everyone)
    base_of = {candidate.name: candidate.preset for candidate in grid}
    tuned = next((candidate for candidate in grid if candidate.settings), None) if effort.trials else None
    work = sum(candidate.work for candidate in grid)
    work += 0.0 if tuned is None else tuned.work * (FOLDS * effort.trials + 1)
    tuning: list[dict[str, Any]] = []
    with comparison_bar(work) as done:
        contest = _Contest(alone, parts, judge, effort, done)
        for name, quantiles in rivals.items():
            contest.enter(name, RIVALS.get(name, "rival"), quantiles)
        for candidate in grid:
            contest.train(candidate, until)
        if tuned is not None:
            best, tuning = _search(contest, tuned, until)
            if best is None:
                contest.left_out[f"{tuned.name} tuned"] = f"{USED_UP}, or every trial diverged"
            else:
                base_of[best.name] = tuned.name
                contest.train(best, float("inf"))  # or the search would have been for nothing

    def difference(name: str, other: str) -> list[float] | None:
        return judge.difference(contest.medians[name], contest.medians[other])

    rows = sorted(contest.rows, key=lambda row: (row.mae is None, row.mae, row.name))
    told = answers(rows, base_of, difference)
    return Comparison(source, parts.rule, rows, told, contest.left_out, _notes(judge, grid, tuning, effort), tuning)


def _search(contest: _Contest, tuned: Candidate, until: float) -> tuple[Candidate | None, list[dict[str, Any]]]:
    settings = tuned.settings
    if settings is None:
        return None, []
    each = tuned.work / settings.epochs

    def report(epoch: int, loss: float, _: float, __: int) -> None:
        contest.done(f"tuning {tuned.name}, epoch {epoch}/{settings.epochs}, loss {loss:.4g}", each)

    training = contest.parts_for(settings).training
    found = tune(settings, training, contest.effort.trials, contest.judge.most, until, report)
    if found is None:
        return None, []
    best = found.settings
    told = ", ".join(f"{name}={shown(getattr(best, name))}" for name in ("window", "units", "dropout"))
    name = f"{tuned.name} tuned ({told}, learning_rate={best.learning_rate:.2g})"
    return Candidate(name, tuned.preset, "tuning", best), found.trials


def _notes(judge: Judge, grid: Sequence[Candidate], tuning: Sequence[object], effort: Effort) -> list[str]:
    sessions = len(set(judge.rows.session.tolist()))
    judged = f"Judged on {len(judge.rows):,} forecasts in {sessions} session{'s' * (sessions != 1)}."
    seeds = "The 95 % intervals say what other rows would change, not what another seed would: each was trained once."
    notes = [f"{judged} {seeds}"]
    epochs = sorted({candidate.settings.epochs for candidate in grid if candidate.settings})
    if epochs:
        few = f" Fewer than the studies' {STUDIED_EPOCHS}: these rank beginnings, not finished networks."
        notes.append(f"Epochs: {', '.join(map(str, epochs))}.{few * (epochs[0] < STUDIED_EPOCHS)}")
    if any(candidate.settings is None for candidate in grid):
        notes.append(f"The step network: one member, {effort.steps} steps (the shipped one: three members, 1,200).")
    if tuning:
        notes.append(f"Tuned by {len(tuning)} trials inside the training part, {FOLDS} expanding windows each.")
    return notes
