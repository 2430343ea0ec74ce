"""A comparison as a table in the terminal, as CSV, and as one page that needs nothing else."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from html import escape
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from rich.console import Console
from rich.table import Table

from roompulse.errors import RoomPulseError
from trainer.compare_answers import ASKED
from trainer.compare_training import Row

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:80rem;margin:2rem auto;padding:0 1rem;color:#1b2733}"
    "table{border-collapse:collapse;font-size:14px}td,th{padding:.2rem .7rem;border-bottom:1px solid #d8dee4;"
    "text-align:right}td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}"
)
_SHOWN = {
    "mae": "mean +1..+10", "mae_1": "+1", "mae_5": "+5", "mae_10": "+10", "relative": "relative",
    "r2_1": "R2 at +1", "coverage_80": "80 % holds", "less_median_20_percent": "less median-20, %",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared, by least error first, and what it says."""

    source: str
    rule: str
    rows: list[Row]
    answers: list[str]
    left_out: dict[str, str]
    """By candidate, why it has no row."""
    notes: list[str]
    tuning: list[dict[str, Any]]


def print_comparison(compared: Comparison) -> None:
    """The table on standard output, then the answers."""
    console = Console(width=150)
    title = f"{compared.source}: mean absolute error, counts a minute"
    table = Table(title=title, title_justify="left")
    for name in ("forecaster", "question"):
        table.add_column(name)
    for name in _SHOWN.values():
        table.add_column(name, justify="right")
    for row in compared.rows:
        table.add_row(row.name, ASKED[row.question], *_cells(row))
    console.print(table)
    for line in _lines(compared):
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def write_comparison(folder: Path, compared: Comparison) -> None:
    """Write compare.csv, tuning.csv where there was a search, and report.html. Raises RoomPulseError."""
    files = {"compare.csv": _csv([asdict(row) for row in compared.rows], [item.name for item in fields(Row)])}
    if compared.tuning:
        files["tuning.csv"] = _csv(compared.tuning, list(compared.tuning[0]))
    files["report.html"] = _page(compared)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise RoomPulseError(f"{folder}: cannot be written: {error.strerror or error}") from error


def _lines(compared: Comparison) -> list[str]:
    left = [f"Left out: {name}: {reason}" for name, reason in compared.left_out.items()]
    return [f"Split by {compared.rule}.", *compared.answers, *compared.notes, *left]


def _cells(row: Row) -> list[str]:
    cells = []
    for name in _SHOWN:
        value = getattr(row, name)
        if value is None:
            cells.append("-")
        elif name == "coverage_80":
            cells.append(f"{value:.1%}")
        elif name == "less_median_20_percent":
            cells.append(f"{value:+.1f} ({row.low:+.1f} to {row.high:+.1f})")
        else:
            cells.append(f"{value:.4g}")
    return cells


def _csv(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _page(compared: Comparison) -> str:
    shown = compared.rows[::-1]  # a bar chart begins at the bottom
    bars = [
        go.Bar(y=[row.name for row in shown], x=[getattr(row, name) for row in shown], name=title, orientation="h")
        for name, title in _SHOWN.items()
        if name.startswith("mae")
    ]
    figure = go.Figure(bars).update_layout(
        template="plotly_white", height=200 + 55 * len(shown), title="Mean absolute error, counts a minute",
        yaxis={"automargin": True},
    )  # fmt: skip
    head = "".join(f"<th>{escape(name)}</th>" for name in ("forecaster", "question", *_SHOWN.values()))
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in (row.name, ASKED[row.question], *_cells(row))) + "</tr>"
        for row in compared.rows
    )
    told = "".join(f"<p>{escape(line)}</p>" for line in _lines(compared))
    drawn = figure.to_html(full_html=False, include_plotlyjs=False, div_id="errors")
    title = f"Compared on {escape(compared.source)}"
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}</title><style>{_STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head><body><h1>{title}</h1>{told}<table><tr>{head}</tr>{body}</table>"
        f"{drawn}</body></html>\n"
    )
