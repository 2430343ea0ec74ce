"""What `backtest` does besides scoring, where it is asked: a report, a comparison with another run, a sweep."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import to_builtins

from roompulse.history import HistoryRow, say_on_stderr
from roompulse.labels import read_labels
from roompulse.overrides import Overrides
from roompulse.rules import Rules
from roompulse.settings import Settings
from scorer.wiring import chosen_overrides

if TYPE_CHECKING:
    from scorer.report.actuals import Actuals


class Watching(Protocol):
    """Sees every row that a run reads."""

    def see(self, rows: Iterable[HistoryRow]) -> None:
        """Take note of some."""
        ...


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run came to: the summary that its file holds, what the clock said, and the rules of its bundle."""

    summary: dict[str, object]
    timing: Mapping[str, object]
    events: int
    rules: Rules


Again = Callable[[Overrides, Path], Ran]
"""Scores the same files with other settings into a folder."""


def add_looking_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument_group("looking at it").add_argument
    add("--report", action="store_true", help="write report.html: rooms, alerts, errors, intervals (extra `report`)")


@dataclass(frozen=True, slots=True)
class Looking:
    """What was asked for. Nothing at all costs nothing."""

    args: argparse.Namespace
    overrides: Overrides
    actuals: Actuals | None = None
    watching: Sequence[Watching] = field(default_factory=list)

    def tell(self, folder: Path, ran: Ran, again: Again) -> dict[str, object]:
        """Write what was asked for; returns what the summary says of it. Raises RoomPulseError."""
        told: dict[str, object] = {}
        if self.actuals is not None and ran.events:
            from scorer.report.write import Account, write_report

            started = time.monotonic()
            say_on_stderr("writing the report")
            labels = () if self.args.labels is None else read_labels(self.args.labels).labelled
            account = Account(
                f"Backtest of {', '.join(self.args.files)}", ran.summary, ran.rules, self._settings(ran), labels
            )
            told["report"] = str(write_report(folder, self.actuals, account))
            told["report_seconds"] = round(time.monotonic() - started, 1)
        return told

    def _settings(self, ran: Ran) -> dict[str, dict[str, object]]:
        """By table: what was given on the command line, what overrides say, and the model's rules."""
        given = {
            name: value
            for name, value in sorted(vars(self.args).items())
            if value not in (None, [], False) and name not in {"files", "out", "json", "report"}
        }
        tables: dict[str, dict[str, object]] = {"Options": given | {"model": ran.summary["model"]}}
        held = to_builtins(self.overrides)
        tables["All rooms: in place of the model's"] = held.get("rules", {})
        for kind in ("category", "room"):
            tables |= {f"{kind.capitalize()} {name}": of for name, of in held.get(kind, {}).items()}
        return tables | {"The model's rules": to_builtins(ran.rules)}


def looking_of(args: argparse.Namespace, settings: Settings) -> Looking:
    """Read the options. Raises RoomPulseError where something cannot be done."""
    overrides = chosen_overrides(settings)
    if not args.report:
        return Looking(args, overrides)
    from roompulse.report.page import require_plotly
    from scorer.report.actuals import Actuals

    require_plotly()
    actuals = Actuals()
    return Looking(args, overrides, actuals, [actuals])
