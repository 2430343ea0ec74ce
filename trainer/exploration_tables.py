"""The exploration for people, on standard output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from trainer.calendar_days import DAY_KINDS
from trainer.exploration_text import number, plain, sentences

WIDTH = 120
SHOWN = 24


def show(summary: Mapping[str, Any]) -> None:
    """Print what was found, a table a question."""
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(width=WIDTH, highlight=False)
    for text in sentences(summary):
        console.print(Text(plain(text)), soft_wrap=True)
    gaps, dead = summary["gaps"], summary["dead_streams"]
    _table(console, "longest gaps", ("room", "after", "until", "minutes"), gaps["longest"], gaps["count"])
    columns: tuple[str, ...] = ("room", "start", "minutes", "measured", "above_zero", "dead")
    _table(console, "dead sessions", columns, dead["list"], dead["dead"])
    columns = ("metric", "measured", "zero_share", "mean", "median", "p90", "max")
    _table(console, "metrics, a room-minute", columns, summary["metrics"])
    _table(console, "traffic", ("kind", "channel", "total", "share"), summary["channels"])
    _table(console, "audience a room-minute by hour of the day", ("hour", *DAY_KINDS), _hours(summary["profile"]))
    _table(console, "correlation with the target", ("name", "correlation"), summary["correlations_with_target"])


def _hours(profile: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    hours: dict[int, dict[str, Any]] = {}
    for row in profile:
        if row["days"] in DAY_KINDS:
            hours.setdefault(row["hour"], {"hour": row["hour"]})[row["days"]] = row["mean"]
    return [hours[hour] for hour in sorted(hours)]


def _table(
    console: Console, title: str, columns: Iterable[str], rows: Sequence[Mapping[str, Any]], there_are: int = 0
) -> None:
    if not rows:
        return
    table = Table(title=title, title_justify="left")
    for name in columns:
        right = any(isinstance(row.get(name), int | float) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if right else "left", overflow="fold")
    for row in rows[:SHOWN]:
        table.add_row(*(Text(plain(number(row.get(name)))) for name in columns))
    console.print(table)
    if (more := max(there_are, len(rows)) - SHOWN) > 0:
        console.print(f"{more:,} more: --out DIR writes them all")
