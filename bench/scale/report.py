"""How a bench ends: a table for people, the rows of docs/performance.md, one JSON object for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.scale.machine import machine, told

PROCESSES = ("scorer", "broker", "redis", "generator")


@dataclass(frozen=True, slots=True)
class Report:
    """What a bench found. `rows` are cells as text; `faults` are checks that failed: with one the figures are void."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    events_per_s: float
    cpu_us_per_event: Mapping[str, float]
    ratio: float | None
    lag_growing: bool | None = None
    delay_p99_s: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    faults: Sequence[str] = ()

    def figures(self) -> dict[str, Any]:
        """For programs: the names that every bench has, then its own."""
        return {
            "events_per_s": round(self.events_per_s, 1),
            "lag_growing": self.lag_growing,
            "delay_p99_s": self.delay_p99_s,
            "cpu_us_per_event": {name: round(cost, 2) for name, cost in self.cpu_us_per_event.items()},
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            **self.more,
            "faults": list(self.faults),
            "machine": machine(),
        }

    def markdown(self) -> str:
        """The rows as they stand in docs/performance.md."""
        return "\n".join(f"| {' | '.join(row)} |" for row in self.rows)


def deliver(report: Report, *, as_json: bool, as_markdown: bool) -> int:
    """Print a report; returns the exit code, 1 where a check failed."""
    if as_markdown:
        print(report.markdown())
    else:
        table = Table(*report.columns, title=report.title, title_justify="left", caption=told(machine()))
        for row in report.rows:
            table.add_row(*row)
        Console(width=None if sys.stdout.isatty() else 160).print(table)
    for fault in report.faults:
        print(f"check failed: {fault}", file=sys.stderr)
    if as_json:
        print(json.dumps(report.figures()))
    return 1 if report.faults else 0


def goal(value: float, limit: float) -> str:
    """A figure beside what it has to keep to, and whether it does."""
    return f"{value:.2f} (at most {limit:g}: {'kept' if value <= limit else 'missed'})"


def costs(found: Mapping[str, float], names: Sequence[str] = PROCESSES) -> str:
    """One cell with the CPU microseconds of these processes; a dash for what did not run."""
    return " / ".join(f"{found[name]:.1f}" if name in found else "-" for name in names)
