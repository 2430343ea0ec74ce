"""What `backtest` does besides scoring, where it is asked: a report, a comparison with another run, a sweep."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from msgspec import to_builtins
from rich.console import Console

from roompulse.history import HistoryRow, say_on_stderr
from roompulse.labels import read_labels
from roompulse.overrides import Overrides
from roompulse.rules import Rules
from roompulse.settings import Settings
from scorer.report.alerts import read_alerts
from scorer.sweep import Swept, Tried, check_files, held, parse_sweep, print_sweep, sweep, tried, write_sweep
from scorer.sweep import as_json as tried_as_json
from scorer.wiring import chosen_overrides

if TYPE_CHECKING:
    from roompulse.report.page import Section
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
    add(
        "--against",
        type=Path,
        metavar="DIR",
        help="an earlier backtest's folder: which alerts are new, gone, earlier, later",
    )
    add(
        "--sweep",
        metavar="NAME=V,V,...",
        help="run again under each value of a setting of the alerts, such as surge_budget=1,2,5,10: alerts per "
        "room-day, and with --labels what is found",
    )


@dataclass(frozen=True, slots=True)
class Looking:
    """What was asked for. Nothing at all costs nothing."""

    args: argparse.Namespace
    overrides: Overrides
    swept: Swept | None = None
    actuals: Actuals | None = None

    @property
    def watching(self) -> list[Watching]:
        """What has to see the rows."""
        return [] if self.actuals is None else [self.actuals]

    def tell(self, folder: Path, ran: Ran, again: Again) -> dict[str, object]:
        """Write what was asked for; returns what the summary says of it. Raises RoomPulseError."""
        if not ran.events or not (self.args.against or self.swept or self.actuals):
            return {}
        told: dict[str, object] = {}
        shown: list[Callable[[], Section]] = []  # sections are made only for a page, which needs plotly
        console = _console()
        if (other := self.args.against) is not None:
            from scorer import against

            changes = against.compare(folder, other)
            if self.args.json:
                told["against"] = against.as_json(changes)
            else:
                against.print_changes(changes, other, console)
            shown.append(lambda: _what_if().against_section(changes, other))
        if (swept := self.swept) is not None:
            found = self._sweep(swept, folder, ran, again)
            if self.args.json:
                told["sweep"] = tried_as_json(swept, found)
            else:
                print_sweep(swept, found, console)
            shown.append(lambda: _what_if().sweep_section(swept, found))
            if self.actuals is None:
                told |= _sweep_page(folder, swept, found, self._title)
        if self.actuals is not None:
            told |= self._report(self.actuals, folder, ran, [make() for make in shown])
        return told

    @property
    def _title(self) -> str:
        return f"Backtest of {', '.join(Path(file).name for file in self.args.files)}"

    def _sweep(self, swept: Swept, folder: Path, ran: Ran, again: Again) -> list[Tried]:
        own = tried(held(swept, self.overrides, ran.rules), folder, ran.summary, as_run=True)
        others = Swept(swept.name, tuple(value for value in swept.values if value != own.value))
        found = sweep(others, self.overrides, folder, lambda *of: again(*of).summary, say_on_stderr)
        found = sorted([own, *found], key=lambda one: one.value)
        write_sweep(folder, swept, found)
        return found

    def _report(self, actuals: Actuals, folder: Path, ran: Ran, more: list[Section]) -> dict[str, object]:
        from scorer.report.write import Account, write_report

        started = time.monotonic()
        say_on_stderr("writing the report")
        labels = () if self.args.labels is None else read_labels(self.args.labels).labelled
        account = Account(self._title, ran.summary, ran.rules, self._settings(ran), labels)
        path = write_report(folder, actuals, account, more)
        return {"report": str(path), "report_seconds": round(time.monotonic() - started, 1)}

    def _settings(self, ran: Ran) -> dict[str, dict[str, object]]:
        """By table: what was given on the command line, what overrides say, and the model's rules."""
        passed_over = {"files", "out", "json", "report"}
        given = {
            name: value
            for name, value in sorted(vars(self.args).items())
            if value not in (None, [], False) and name not in passed_over
        }
        files = {f"file {number}": file for number, file in enumerate(self.args.files, 1)}
        tables: dict[str, dict[str, object]] = {"Options": files | given | {"model": ran.summary["model"]}}
        overridden = to_builtins(self.overrides)
        tables["All rooms: in place of the model's"] = overridden.get("rules", {})
        for kind in ("category", "room"):
            tables |= {f"{kind.capitalize()} {name}": of for name, of in overridden.get(kind, {}).items()}
        return tables | {"The model's rules": to_builtins(ran.rules)}


def looking_of(args: argparse.Namespace, settings: Settings) -> Looking:
    """Read the options. Raises RoomPulseError where something cannot be done."""
    if args.against is not None:
        read_alerts(args.against)
    swept = None if args.sweep is None else parse_sweep(args.sweep)
    if swept is not None:
        check_files(args.files)
    actuals = None
    if args.report:
        from roompulse.report.page import require_plotly
        from scorer.report.actuals import Actuals

        require_plotly()
        actuals = Actuals()
    return Looking(args, chosen_overrides(settings), swept, actuals)


def _sweep_page(folder: Path, swept: Swept, found: Sequence[Tried], title: str) -> dict[str, object]:
    if find_spec("plotly") is None:
        say_on_stderr("the curve needs the extra `report`: pip install 'roompulse[report]'; sweep.json has the figures")
        return {}
    return {"sweep_page": str(_what_if().write_sweep_page(folder, swept, found, f"{title}: sweep of {swept.name}"))}


def _what_if() -> ModuleType:
    from scorer.report import what_if

    return what_if


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=120, highlight=False)
