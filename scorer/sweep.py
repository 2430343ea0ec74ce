"""`backtest --sweep NAME=V,V,...`: the same files under several values of one setting of the alerts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table
from rich.text import Text

from roompulse.errors import RoomPulseError, UsageError
from roompulse.overrides import Override, Overrides
from roompulse.rules import Rules
from scorer.report.alerts import read_alerts
from scorer.totals import room_days

FILE = "sweep.json"
SWEPT = tuple(name for name in Override.__struct_fields__ if name != "kinds")
"""The settings that are numbers, which may be swept."""
_FIGURES = (
    "precision",
    "recall",
    "median_delay_minutes",
    "labels_found",
    "labels_real",
    "alerts_right",
    "alerts_false",
)
_BULKY = ("forecasts.jsonl", "hotlist.jsonl", "fleet.jsonl")


class Swept(Struct, frozen=True):
    """A setting and the values to try, as `--sweep` names them."""

    name: str
    values: tuple[float, ...]


class Tried(Struct, frozen=True):
    """What one value came to; what needs labels is None without them. `as_run` marks the run itself."""

    value: float
    alerts: int
    surges: int
    slumps: int
    hotspots: int
    room_days: float
    alerts_per_room_day: float | None
    precision: float | None = None
    recall: float | None = None
    median_delay_minutes: float | None = None
    labels_found: int | None = None
    labels_real: int | None = None
    alerts_right: int | None = None
    alerts_false: int | None = None
    as_run: bool = False


def parse_sweep(text: str) -> Swept:
    """Read NAME=V,V,... Raises UsageError with the names that there are, or the value that does not fit."""
    name, equals, rest = text.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or name not in SWEPT:
        raise UsageError(f"--sweep: got {text!r}, expected NAME=V,V,... with one of {', '.join(SWEPT)}")
    values = []
    for part in filter(None, map(str.strip, rest.split(","))):
        try:
            values.append(_value(name, part))
        except (ValueError, msgspec.ValidationError) as error:
            told = str(error).partition(" - at ")[0]
            raise UsageError(f"--sweep: {name}: got {part!r}: {told}") from None
    if not values:
        raise UsageError(f"--sweep: {name}: expected values, separated by commas")
    return Swept(name, tuple(dict.fromkeys(values)))


def check_files(files: Sequence[str]) -> None:
    """Raise UsageError where files cannot be read once more for each value."""
    for file in files:
        if Path(file).exists() and not Path(file).is_file():
            raise UsageError(f"--sweep reads the files once for each value, and {file} is no regular file")


def sweep(
    swept: Swept,
    overrides: Overrides,
    folder: Path,
    again: Callable[[Overrides, Path], Mapping[str, object]],
    say: Callable[[str], None],
) -> list[Tried]:
    """Run each value in a folder below `folder`, of which alerts and summary are kept; write sweep.json.

    `again` scores the files with other overrides into a folder and gives the summary. Raises RoomPulseError.
    """
    found = []
    for number, value in enumerate(swept.values, 1):
        say(f"sweep, {number} of {len(swept.values)}: {swept.name} = {value:g}")
        into = folder / "sweep" / f"{swept.name}={value:g}"
        try:
            into.mkdir(parents=True)
        except OSError as error:
            raise RoomPulseError(f"{into}: cannot be written: {error.strerror or error}") from error
        summary = again(replace(overrides, rules=replace(overrides.rules, **{swept.name: value})), into)
        for name in _BULKY:
            (into / name).unlink(missing_ok=True)
        found.append(tried(value, into, summary))
    return found


def write_sweep(folder: Path, swept: Swept, found: Sequence[Tried]) -> None:
    """Write sweep.json. Raises RoomPulseError."""
    path = folder / FILE
    try:
        path.write_text(json.dumps(as_json(swept, found), indent=1) + "\n")
    except OSError as error:
        raise RoomPulseError(f"{path}: cannot be written: {error.strerror or error}") from error


def tried(value: float, folder: Path, summary: Mapping[str, object], *, as_run: bool = False) -> Tried:
    """What a run with this value came to."""
    kinds = Counter(one.alert.kind for one in read_alerts(folder))
    days = room_days(summary)
    alerts = sum(kinds.values())
    figures: dict[str, Any] = {name: summary.get(name) for name in _FIGURES}
    return Tried(
        value, alerts, kinds["surge"], kinds["slump"], kinds["hotspot"], days, alerts / days if days else None,
        as_run=as_run, **figures,
    )  # fmt: skip


def held(swept: Swept, overrides: Overrides, rules: Rules) -> float:
    """The value that the run itself had for all rooms."""
    own = getattr(overrides.rules, swept.name)
    return float(getattr(rules, swept.name) if own is UNSET else own)


def as_json(swept: Swept, found: Sequence[Tried]) -> dict[str, object]:
    """The setting and a row for each value."""
    return {"setting": swept.name, "rows": [msgspec.to_builtins(one) for one in found]}


def print_sweep(swept: Swept, found: Sequence[Tried], console: Console) -> None:
    """The rows as a table."""
    table = Table(title=Text(f"Sweep of {swept.name}"), title_justify="left")
    for name in HEAD:
        table.add_column(name if name != "value" else swept.name, justify="right")
    for one in found:
        table.add_row(*map(Text, cells(one)), style="bold" if one.as_run else None)
    console.print(table)


HEAD = ("value", "alerts", "per room-day", "surges", "slumps", "hotspots", "recall", "precision", "delay, minutes")


def cells(one: Tried) -> list[str]:
    """A row as text."""
    shares = ["-" if share is None else f"{100 * share:.0f} %" for share in (one.recall, one.precision)]
    delay = "-" if one.median_delay_minutes is None else f"{one.median_delay_minutes:g}"
    rate = "-" if one.alerts_per_room_day is None else f"{one.alerts_per_room_day:.3g}"
    value = f"{one.value:g}" + (" (this run)" if one.as_run else "")
    return [
        value,
        f"{one.alerts:,}",
        rate,
        *(f"{of:,}" for of in (one.surges, one.slumps, one.hotspots)),
        *shares,
        delay,
    ]


def _value(name: str, text: str) -> float:
    number: float = int(text) if text.lstrip("+-").isdigit() else float(text)
    found: float = getattr(msgspec.convert({name: number}, Override), name)
    return found
