"""The exploration as files: report.html, which needs nothing beside it, and one CSV a table."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from roompulse.errors import RoomPulseError
from roompulse.minutes import format_minute
from roompulse.text_file import refuse_unwritable
from trainer.exploration_plots import Tables, plots
from trainer.exploration_text import sentences

ROWS_IN_REPORT = 50

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0; font-size: 13px } caption { text-align: left; font-weight: 600 }
th, td { border-bottom: 1px solid #ddd; padding: 2px 10px; text-align: left } td { font-variant-numeric: tabular-nums }
"""


def refuse_existing(folder: Path) -> None:
    """Raise RoomPulseError where results would be overwritten, or cannot be written."""
    try:
        taken = folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))
        if not taken:
            refuse_unwritable(folder)
    except OSError as error:
        raise RoomPulseError(f"{folder}: cannot be written: {error.strerror}") from error
    if taken:
        raise RoomPulseError(f"{folder}: exists already; --out takes a new folder, results are never overwritten")


def write(folder: Path, source: str, summary: Mapping[str, Any], tables: Tables) -> None:
    """Write report and tables. The same history gives the same bytes. Raises RoomPulseError."""
    files = {
        "metrics.csv": tables.metrics,
        "channels.csv": tables.channels,
        "gaps.csv": tables.gaps,
        "sessions.csv": tables.sessions,
        "profile.csv": tables.profile,
        "correlations.csv": tables.correlations.rename_axis("name").reset_index(),
    }
    if tables.seasons is not None:
        files["decomposition.csv"] = _with_minutes(tables.seasons.table, tables.offset)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in files.items():
            table.to_csv(folder / name, index=False, float_format="%.10g", lineterminator="\n")
        (folder / "report.html").write_text(_page(source, sentences(summary), tables), encoding="utf-8")
    except OSError as error:
        raise RoomPulseError(f"{folder}: cannot be written: {error.strerror or error}") from error


def _with_minutes(table: pd.DataFrame, offset: int) -> pd.DataFrame:
    minutes = [format_minute(int(epoch), offset) for epoch in table["epoch"]]
    return table.drop(columns="epoch").assign(minute=minutes)[["minute", *table.columns.drop("epoch")]]


def _page(source: str, told: list[str], tables: Tables) -> str:
    parts = [f"<h1>{html.escape(source)}</h1>", *(f"<p>{html.escape(text)}</p>" for text in told)]
    parts += plots(tables)
    dead = tables.sessions[tables.sessions["dead"] != ""]
    for title, table in {
        "Metrics, a room-minute": tables.metrics,
        "Traffic channels": tables.channels,
        "Longest gaps": tables.gaps,
        "Dead sessions": dead,
    }.items():
        if len(table):
            parts.append(_html_table(title, table))
    body = "\n".join(parts)
    head = (
        f'<meta charset="utf-8"><title>RoomPulse: exploration of {html.escape(source)}</title><style>{_STYLE}</style>'
    )
    return f"<!DOCTYPE html>\n<html><head>{head}</head><body>\n{body}\n</body></html>\n"


def _html_table(title: str, table: pd.DataFrame) -> str:
    shown = table.head(ROWS_IN_REPORT)
    more = f", the first {ROWS_IN_REPORT} of {len(table):,}" if len(table) > ROWS_IN_REPORT else ""
    body = shown.to_html(index=False, na_rep="", float_format=lambda value: f"{value:.4g}", escape=True, border=0)
    return body.replace("<thead>", f"<caption>{html.escape(title)}{more}</caption><thead>", 1)
