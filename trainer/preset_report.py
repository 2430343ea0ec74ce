"""`report.html` of a preset: the studies' tables and plots in one file that needs nothing else, not even a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.offline import get_plotlyjs

from roompulse.forecasting import HORIZONS

_SHOWN_MINUTES = 60
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b2733}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{padding:.25rem .8rem;border-bottom:1px solid #d8dee4;"
    "text-align:right}td:first-child,th:first-child{text-align:left}"
)
_PARTS = ("training", "validation", "test")


class Told(NamedTuple):
    """What the tables say."""

    preset: str
    fit: Mapping[str, Mapping[str, float | None]]
    """The studies' figures one step ahead, by part, and by other series."""
    errors: Mapping[str, Mapping[str, float | None]]
    """Mean absolute errors on the test part, by forecaster and horizon."""
    losses: Sequence[float]
    validation_losses: Sequence[float]


class Pictured(NamedTuple):
    """What the plots show of one room."""

    room: str
    minutes: NDArray[np.int64]
    """(n,), local minutes since 1970."""
    actual: NDArray[np.float64]
    forecast: NDArray[np.float64]
    """(n,), made a minute before, the network's own."""
    cuts: tuple[int, int]
    """The local minutes at which validation and test part begin."""
    origin: int
    """The last local minute; the next ten are forecast."""
    quantiles: NDArray[np.float64]
    """(3, 10)."""
    clock: bool
    """The minutes are minutes; otherwise they only number the rows of a series."""


def report_page(told: Told, pictured: Pictured) -> str:
    """The whole page. The same arguments give the same bytes."""
    figures = {
        "loss": _losses(told),
        "fit": _fit(pictured),
        "residuals": _residuals(pictured),
        "histogram": _histogram(pictured),
        "next": _next_minutes(pictured),
    }
    for figure in figures.values():
        figure.update_layout(template="plotly_white", height=420, margin={"t": 60, "b": 40})
    drawn = {
        name: figure.to_html(full_html=False, include_plotlyjs=False, div_id=name) for name, figure in figures.items()
    }
    tables = _table("One step ahead, the network's own forecast: by part of the time, and on other series", told.fit)
    tables += _table(
        "Mean absolute error on the test part, counts a minute; `network` is the median served", told.errors
    )
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(told.preset)}</title>"
        f"<style>{_STYLE}</style><script>{get_plotlyjs()}</script></head><body><h1>{escape(told.preset)}</h1>"
        f"{tables}<p>Plots of {escape(pictured.room)}, {'in its local time' if pictured.clock else 'by row'}.</p>"
        f"{''.join(drawn.values())}</body></html>\n"
    )


def _table(caption: str, rows: Mapping[str, Mapping[str, float | None]]) -> str:
    names = list(next(iter(rows.values())))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr><td>{escape(row)}</td>"
        + "".join(f"<td>{'-' if (value := values[name]) is None else f'{value:.4g}'}</td>" for name in names)
        + "</tr>"
        for row, values in rows.items()
    )
    return f"<h2>{escape(caption)}</h2><table><tr><th></th>{head}</tr>{body}</table>"


def _times(pictured: Pictured, minutes: NDArray[np.int64]) -> list[str] | list[int]:
    if not pictured.clock:
        return list((minutes - pictured.minutes[0]).tolist())
    return [str(time) for time in minutes.astype("datetime64[m]")]


def _losses(told: Told) -> Any:
    epochs = list(range(1, len(told.losses) + 1))
    lines = [
        go.Scatter(x=epochs, y=list(told.losses), name="training"),
        go.Scatter(x=epochs, y=list(told.validation_losses), name="validation"),
    ]
    return go.Figure(lines).update_layout(title="Loss by epoch (mean squared error of scaled counts)", yaxis_type="log")


def _fit(pictured: Pictured) -> Any:
    times = _times(pictured, pictured.minutes)
    lines = [
        go.Scatter(x=times, y=pictured.actual.tolist(), name="actual"),
        go.Scatter(x=times, y=pictured.forecast.tolist(), name="forecast a minute before"),
    ]
    figure = go.Figure(lines).update_layout(title="Fit")
    for cut, part in zip(_times(pictured, np.array(pictured.cuts)), _PARTS[1:], strict=True):
        figure.add_shape(type="line", x0=cut, x1=cut, yref="paper", y0=0, y1=1, line={"dash": "dot"})
        figure.add_annotation(x=cut, yref="paper", y=1, text=part, showarrow=False, xanchor="left")
    return figure


def _residuals(pictured: Pictured) -> Any:
    residual = (pictured.actual - pictured.forecast).tolist()
    points = go.Scatter(x=_times(pictured, pictured.minutes), y=residual, mode="markers", name="residual")
    return go.Figure([points]).update_layout(title="Residuals: actual less forecast, counts a minute")


def _histogram(pictured: Pictured) -> Any:
    residual = pictured.actual - pictured.forecast
    bounds = (-(1 << 62), *pictured.cuts, 1 << 62)
    bars = [
        go.Histogram(
            x=residual[(pictured.minutes >= first) & (pictured.minutes < end)].tolist(), name=part, opacity=0.6
        )
        for part, first, end in zip(_PARTS, bounds[:-1], bounds[1:], strict=True)
    ]
    return go.Figure(bars).update_layout(title="Distribution of the residuals", barmode="overlay")


def _next_minutes(pictured: Pictured) -> Any:
    recent = pictured.minutes > pictured.origin - _SHOWN_MINUTES
    ahead = _times(pictured, pictured.origin + 1 + np.arange(HORIZONS))
    low, median, high = (row.tolist() for row in pictured.quantiles)
    lines = [
        go.Scatter(x=_times(pictured, pictured.minutes[recent]), y=pictured.actual[recent].tolist(), name="actual"),
        go.Scatter(x=ahead, y=high, line={"width": 0}, showlegend=False),
        go.Scatter(x=ahead, y=low, line={"width": 0}, fill="tonexty", name="10 to 90 %"),
        go.Scatter(x=ahead, y=median, name="forecast"),
    ]
    return go.Figure(lines).update_layout(title="The next ten minutes")
