"""What the hotspot study leaves behind: a table in the terminal, hotspots.csv and one self-contained report.html."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.table import Table

from roompulse.errors import RoomPulseError
from trainer.hotspots_study import Compared
from trainer.svg import lines

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b2733}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{padding:.2rem .8rem;border-bottom:1px solid #d8dee4;"
    "text-align:right}svg{max-width:100%}figure{margin:1rem 0;break-inside:avoid}"
)
_HEAD = ("index", "date", "actual", "predicted", "deviation", "")


def print_hotspots(table: Sequence[Compared], title: str) -> None:
    """The hotspots on standard output."""
    shown = Table(title=title, title_justify="left")
    for name in _HEAD:
        shown.add_column(name, justify="right")
    for row in table:
        if row.hotspot:
            shown.add_row(*_cells(row))
    Console(width=100, markup=False, highlight=False).print(shown)


def write_study(
    folder: Path, title: str, table: Sequence[Compared], losses: Sequence[float], threshold: float, told: Sequence[str]
) -> None:
    """Write all compared rows as hotspots.csv, and report.html: both or nothing. The same arguments, the same bytes.

    Raises RoomPulseError where they cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Compared)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) | {"hotspot": int(row.hotspot)} for row in table)
    files = {"hotspots.csv": text.getvalue(), "report.html": _page(title, table, losses, threshold, told)}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as made:
            partial = Path(made) / "whole"
            partial.mkdir()
            for name, content in files.items():
                (partial / name).write_text(content, encoding="utf-8")
            partial.rename(folder)
    except OSError as error:
        raise RoomPulseError(f"{folder}: cannot be written: {error.strerror or error}") from error


def _cells(row: Compared) -> list[str]:
    deviation = "-" if row.deviation_percent is None else f"{row.deviation_percent:.4g} %"
    return [str(row.index), row.date or "-", f"{row.actual:,}", f"{row.predicted:,}", deviation, row.direction or "-"]


def _page(title: str, table: Sequence[Compared], losses: Sequence[float], threshold: float, told: Sequence[str]) -> str:
    across = np.arange(len(table))
    deviations = np.array([np.nan if row.deviation_percent is None else row.deviation_percent for row in table])
    plots: Mapping[str, str] = {
        "Actual and predicted": lines(
            across,
            {
                "actual": np.array([row.actual for row in table], np.float64),
                "predicted": np.array([row.predicted for row in table], np.float64),
            },
            ("row, as they lie in the file", "value"),
        ),
        "Deviation and threshold, percent of the actual value": lines(
            across,
            {"deviation": deviations, "threshold": np.full(len(table), threshold)},
            ("row, as they lie in the file", "percent"),
        ),
        "Loss by epoch, mean squared error of the scaled series": lines(
            np.arange(1, len(losses) + 1), {"training": np.array(losses)}, ("epoch", "loss")
        ),
    }
    drawn = "".join(f"<figure><figcaption>{escape(name)}</figcaption>{plot}</figure>" for name, plot in plots.items())
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(row))}</tr>" for row in table if row.hotspot
    )
    head = "".join(f"<th>{name}</th>" for name in _HEAD)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1>{''.join(f'<p>{escape(line)}</p>' for line in told)}{drawn}"
        f"<h2>Hotspots</h2><table><tr>{head}</tr>{body}</table></html>\n"
    )
