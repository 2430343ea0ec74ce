"""What a person sees of a training: a bar with loss and time left, then a table of errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table

from trainer.fitting import Progress as Report
from trainer.fitting import TrainingSettings
from trainer.work_bar import work_bar

_SMOOTHING = 0.98


@contextmanager
def progress_bar(settings: TrainingSettings, trainings: int = 1) -> Iterator[Report]:
    """Gives the function that `fit` reports to; a bar on a terminal, a plain line now and then elsewhere.

    `trainings` says how many times `fit` will be called.
    """
    total = settings.members * settings.steps * trainings
    done, mean = 0, 0.0
    with work_bar("training", total) as moved:

        def report(member: int, step: int, loss: float) -> None:
            nonlocal done, mean
            done += 1
            mean = loss if done == 1 else _SMOOTHING * mean + (1 - _SMOOTHING) * loss
            text = f"member {member + 1}/{settings.members}, step {step}/{settings.steps}, loss {mean:.4f}"
            moved(text, done, 0.0)

        yield report


def print_results(outcomes: Mapping[str, Mapping[str, Any]]) -> None:
    """The tables on standard output: mean absolute error by forecaster, then the network's coverage."""
    console = Console(width=120)
    for title, outcome in outcomes.items():
        board = outcome.get("leaderboard", {})
        errors = {name: dict(of) for name, of in outcome["mae"].items()}
        for name, measures in board.get("measures", {}).items():
            errors.setdefault(name, {measure: of["mae"] for measure, of in measures.items()})
        names = list(errors["network"])
        table = Table(title=f"{title}: mean absolute error, counts a minute", title_justify="left")
        table.add_column("forecaster")
        for name in names:
            table.add_column(name, justify="right")
        if board:
            for name in ("network less it at +1, %", "on the mean, %", "pinball", "80 % holds"):
                table.add_column(name, justify="right")
        for forecaster, of in sorted(errors.items(), key=lambda item: item[1]["mean"] or 0.0):
            shown = ["-" if of.get(name) is None else f"{of[name]:.4g}" for name in names]
            more = _board_cells(board, forecaster) if board else []
            table.add_row(forecaster, *shown, *more, style="bold" if forecaster == "network" else None)
        console.print(table)
        shares = (f"{name} {share:.1%}" for name, share in outcome["coverage_80"].items() if share is not None)
        text = f"10-90 % interval holds: {', '.join(shares)}; pinball loss {outcome['pinball']:.4g}\n"
        console.print(text, soft_wrap=True)


def _board_cells(board: Mapping[str, Any], forecaster: str) -> list[str]:
    """The difference to the network with its 95 % interval over sessions, pinball loss and coverage."""
    less = board["network_less_rival"].get(forecaster, {})
    cells = [
        "" if less.get(measure) is None else "{:+.1f} ({:+.1f} to {:+.1f})".format(*less[measure])
        for measure in ("+1", "mean")
    ]
    mean = board["measures"][forecaster]["mean"]
    pinball, coverage = mean.get("pinball"), mean.get("coverage_80")
    return [*cells, "" if pinball is None else f"{pinball:.4g}", "" if coverage is None else f"{coverage:.1%}"]
