"""The plots that more than one report has, as plain data for plotly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roompulse.report.page import Figure

Floats = NDArray[np.float64]
Estimate = tuple[Floats, Floats, Floats]
"""A figure at several places, and the lower and the upper end of its 95 % interval."""

OWN = "#0b5fa5"
COLOURS = ("#d55e00", "#009e73", "#cc79a7", "#7a6a00", "#56b4e9", "#6b7280", "#8a3f8f", "#b8860b")
"""Okabe and Ito's, darkened where white paper needs it (jfly.uni-koeln.de/color)."""
DASHES = ("dash", "dot", "dashdot", "longdash", "longdashdot")
"""Lines differ on paper too."""
SYMBOLS = ("square", "diamond", "triangle-up", "x", "star")
BAND = "rgba(11,95,165,0.16)"
_GRID = "#e6eaee"


def numbers(values: Floats | Sequence[float], digits: int = 4) -> list[float | None]:
    """Numbers with so many digits, None for NaN: a page is read, not calculated with."""
    return [
        None if not np.isfinite(value) else float(f"{value:.{digits}g}") for value in np.asarray(values, float).tolist()
    ]


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with its title, units included."""
    return {"title": {"text": title}, "gridcolor": _GRID, "zerolinecolor": "#c3cad1", "automargin": True} | more


def layout(x: dict[str, Any], y: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What all plots share."""
    return {
        "xaxis": x,
        "yaxis": y,
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#1b2733"},
        "paper_bgcolor": "#fff",
        "plot_bgcolor": "#fff",
        "margin": {"l": 62, "r": 16, "t": 12, "b": 52},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "hoverlabel": {"align": "left"},
    } | more


def safe(text: str) -> str:
    """Anybody's text, for plotly, which takes some HTML for formatting."""
    return escape(text, quote=False)


def band(x: Sequence[Any], low: Floats, high: Floats, name: str, colour: str = BAND) -> Figure:
    """The area between two lines, in pieces where there are gaps; without a name it is not in the legend."""
    known = np.isfinite(low) & np.isfinite(high)
    across: list[Any] = []
    edge: list[float | None] = []
    for run in np.split(np.arange(len(known)), np.flatnonzero(np.diff(known)) + 1):
        if len(run) and known[run[0]]:
            places = run.tolist()
            across += [*(x[at] for at in places), *(x[at] for at in reversed(places)), None]
            edge += [*numbers(high[run]), *numbers(low[run][::-1]), None]
    return {
        "type": "scatter", "mode": "lines", "x": across, "y": edge, "fill": "toself", "fillcolor": colour,
        "line": {"width": 0}, "hoverinfo": "skip", "name": name, "showlegend": bool(name),
    }  # fmt: skip


def estimates(
    x: Sequence[float],
    series: Mapping[str, Estimate],
    own: str,
    labels: tuple[str, str],
    *,
    only_own: bool = False,
    **more: Any,
) -> Figure:
    """A line with 95 % bars for each name; `own` stands out. `labels` are the axes' titles.

    Bars stand a little beside each other. With `only_own` the others have none: their errors are of the same minutes,
    and what chance may do to a difference is shown elsewhere, in pairs.
    """
    data = []
    others = [name for name in series if name != own]
    for name, (middle, low, high) in series.items():
        number = others.index(name) if name in others else 0
        mine = name == own
        beside = 0.0 if mine or only_own else 0.08 * (number - (len(others) - 1) / 2)
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": safe(name),
                "x": [at + beside for at in x] if beside else list(x),
                "hovertemplate": "%{y:.4g}",
                "y": numbers(middle),
                "error_y": {
                    "visible": mine or not only_own,
                    "type": "data", "symmetric": False, "array": numbers(high - middle),
                    "arrayminus": numbers(middle - low), "thickness": 1, "width": 3,
                },
                "line": {"color": OWN, "width": 3}
                if mine
                else {"color": COLOURS[number % len(COLOURS)], "width": 1.6, "dash": DASHES[number % len(DASHES)]},
                "marker": {"size": 7 if mine else 6, "symbol": "circle" if mine else SYMBOLS[number % len(SYMBOLS)]},
            }
        )  # fmt: skip
    return {"data": data, "layout": layout(axis(labels[0]), axis(labels[1]), **more)}


def shares(
    x: Sequence[float], series: Mapping[str, Estimate], targets: Mapping[str, float], labels: tuple[str, str]
) -> Figure:
    """Observed shares with 95 % bars, each beside the dotted line of what it should be."""
    plot = estimates(x, series, "", labels)
    for number, name in enumerate(series):
        plot["data"].append(
            {
                "type": "scatter", "mode": "lines", "x": [x[0], x[-1]], "y": [targets[name]] * 2, "showlegend": False,
                "hoverinfo": "skip", "line": {"color": COLOURS[number % len(COLOURS)], "dash": "dot", "width": 1.2},
            }
        )  # fmt: skip
    plot["layout"]["yaxis"] |= {"range": [0, 1], "tickformat": ".0%"}
    return plot


def against_diagonal(
    series: Mapping[str, tuple[Floats, Estimate]], labels: tuple[str, str], *, logarithmic: bool = False
) -> Figure:
    """Observed against nominal, with the diagonal on which both are the same."""
    nominal = np.concatenate([x for x, _ in series.values()])
    ends = [float(nominal.min()), float(nominal.max())] if logarithmic else [0.0, 1.0]
    diagonal = {
        "type": "scatter", "mode": "lines", "name": "as it should be", "x": ends, "y": ends,
        "line": {"color": "#8b96a1", "dash": "dot", "width": 1.4}, "hoverinfo": "skip",
    }  # fmt: skip
    data = [diagonal]
    for name, (x, of) in series.items():
        data += estimates(x.tolist(), {name: of}, "", labels)["data"]
    for number, trace in enumerate(data[1:]):
        trace["line"] = {"color": COLOURS[number % len(COLOURS)], "width": 1.8, "dash": ("solid", *DASHES)[number]}
        trace["marker"] = {"size": 7, "symbol": ("circle", *SYMBOLS)[number]}
    ticks = sorted({float(value) for value in nominal})
    kind = (
        {"type": "log", "tickvals": ticks, "ticktext": [f"{100 * tick:g} %" for tick in ticks]}
        if logarithmic
        else {"range": [0, 1], "tickformat": ".0%"}
    )
    return {"data": data, "layout": layout(axis(labels[0], **kind), axis(labels[1], **kind))}


def bars(x: Sequence[str], series: Mapping[str, Estimate], own: str, labels: tuple[str, str]) -> Figure:
    """Bars by class with 95 % intervals, a group for each class."""
    plot = estimates(range(len(x)), series, own, labels, barmode="group", bargap=0.25)
    for trace in plot["data"]:
        colour = trace.pop("line")["color"]
        del trace["mode"]
        trace |= {"type": "bar", "x": list(x), "marker": {"color": colour, "opacity": 0.85}}
    return plot
