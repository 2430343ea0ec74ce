"""The report's sections of a comparison with another run, and of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from roompulse.report.page import Cell, Figure, Section, beside, figure, page, table, text
from roompulse.report.plots import COLOURS, OWN, axis, layout, numbers
from scorer import against
from scorer.grading import AROUND_MINUTES
from scorer.sweep import HEAD, Swept, Tried, cells

MOST_LISTED = 500


def against_section(found: Sequence[against.Change], other: Path) -> Section:
    """Which alerts changed."""
    told = ", ".join(f"{count} {name}" for name, count in against.counts(found).items())
    changed = [change for change in found if change.change != against.SAME]
    about = (
        f"{told}. Two alerts are the same one if they are of one room and kind, and were open at the same time or "
        f"opened within {AROUND_MINUTES} minutes of each other."
    )
    more = f" The first {MOST_LISTED} are listed; {against.FILE} has them all." if len(changed) > MOST_LISTED else ""
    head = ["change", "room", "kind", "opens", "opened then", "minutes later"]
    rows: list[list[str | Cell]] = [
        [change.change, Cell(room, style="room"), *rest, Cell(minutes, change.minutes)]
        for change in changed[:MOST_LISTED]
        for room, *rest, minutes in [against.cells(change)]
    ]
    parts = [text(about + more)] + ([table(head, rows, left=5)] if rows else [])
    return Section(f"Against {other}", parts)


def sweep_section(swept: Swept, found: Sequence[Tried]) -> Section:
    """The curve to choose from, and the rows behind it."""
    last = found[-1]
    about = f"Each point is the whole run with another {swept.name}. n = {last.room_days:.3g} room-days"
    about += f", {last.labels_real} labels." if last.labels_real is not None else "; without labels there is no recall."
    about += " Tables by category or room that name the setting keep their own value."
    figures = [figure(_rates(swept, found), f"Alerts by {swept.name}")]
    if any(one.recall is not None for one in found):
        note = "Up and to the left is better: more is found with fewer alerts to read."
        figures.insert(0, figure(_curve(swept, found), "What is found, against what has to be read", note))
    rows: list[list[str | Cell]] = []
    for one in found:
        first, *rest = cells(one)
        style = "own" if one.as_run else ""
        rows.append([Cell(first, one.value, style), *(Cell(cell, style=style) for cell in rest)])
    head = [name if name != "value" else swept.name for name in HEAD]
    return Section(f"Sweep of {swept.name}", [text(about), beside(figures), table(head, rows)])


def write_sweep_page(folder: Path, swept: Swept, found: Sequence[Tried], title: str) -> Path:
    """Write sweep.html. Raises RoomPulseError without plotly."""
    path = folder / "sweep.html"
    path.write_text(page(title, [], [sweep_section(swept, found)]), encoding="utf-8")
    return path


def _curve(swept: Swept, found: Sequence[Tried]) -> Figure:
    ordered = sorted(found, key=lambda one: one.alerts_per_room_day or 0.0)
    x = numbers([np.nan if one.alerts_per_room_day is None else one.alerts_per_room_day for one in ordered])
    data = []
    for name, values, colour, dash in (
        ("recall", [one.recall for one in ordered], OWN, "solid"),
        ("precision", [one.precision for one in ordered], COLOURS[0], "dash"),
    ):
        data.append(
            {
                "type": "scatter", "mode": "lines+markers+text" if name == "recall" else "lines+markers", "name": name,
                "x": x, "y": numbers([np.nan if value is None else value for value in values]),
                "text": [f"{one.value:g}" for one in ordered], "textposition": "top center",
                "line": {"color": colour, "dash": dash},
                "marker": {"size": 9, "symbol": ["star" if one.as_run else "circle" for one in ordered]},
                "hovertemplate": f"{swept.name} %{{text}}<br>%{{x}} alerts per room-day, {name} %{{y:.0%}}",
            }
        )  # fmt: skip
    y = axis("share", range=[0, 1.05], tickformat=".0%")
    return {"data": data, "layout": layout(axis("alerts per room-day", rangemode="tozero"), y)}


def _rates(swept: Swept, found: Sequence[Tried]) -> Figure:
    ordered = sorted(found, key=lambda one: one.value)
    data = [
        {
            "type": "scatter", "mode": "lines+markers", "name": name, "x": [one.value for one in ordered],
            "y": numbers([count / one.room_days if one.room_days else np.nan for one, count in pairs]),
            "line": {"color": colour, "dash": dash}, "marker": {"symbol": symbol, "size": 8},
        }
        for name, pairs, colour, dash, symbol in (
            ("surges", [(one, one.surges) for one in ordered], "#d98200", "solid", "triangle-up"),
            ("slumps", [(one, one.slumps) for one in ordered], "#2a7fb8", "dash", "triangle-down"),
            ("hotspots", [(one, one.hotspots) for one in ordered], "#b5598e", "dot", "diamond"),
        )
    ]  # fmt: skip
    return {"data": data, "layout": layout(axis(swept.name), axis("alerts per room-day", rangemode="tozero"))}
