"""The plots of the exploration's report, as parts of one page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from trainer.calendar_days import DAY_KINDS
from trainer.seasons import Seasons

MAX_POINTS = 20_000
"""Longer series are drawn as means of neighbouring minutes; the CSV tables have every minute."""
_LAYOUT = {"template": "plotly_white", "margin": {"l": 60, "r": 20, "t": 50, "b": 40}}


@dataclass(frozen=True, slots=True)
class Tables:
    """What the summary was made of."""

    metrics: pd.DataFrame
    channels: pd.DataFrame
    gaps: pd.DataFrame
    sessions: pd.DataFrame
    profile: pd.DataFrame
    correlations: pd.DataFrame
    audience: pd.Series[float]
    """The target of all rooms together, by minute since 1970."""
    seasons: Seasons | None
    offset: int
    """Minutes east of UTC in which times are told."""


def plots(tables: Tables) -> Iterator[str]:
    """HTML of each plot that there is data for; the first one brings the library along."""
    figures = []
    if len(audience := tables.audience):
        epochs = np.arange(audience.index[0], audience.index[-1] + 1) if _dense(audience) else audience.index.to_numpy()
        figures.append(_audience(epochs + tables.offset, audience.reindex(epochs).to_numpy()))
    figures += [_profile(tables.profile)] if len(tables.profile) else []
    figures += [_channels(tables.channels)] if len(tables.channels) else []
    figures += [_correlations(tables.correlations)] if len(tables.correlations) > 1 else []
    figures += [_seasons(tables.seasons, tables.offset)] if tables.seasons is not None else []
    for number, figure in enumerate(figures):
        figure.update_layout(**_LAYOUT)
        yield figure.to_html(full_html=False, include_plotlyjs=number == 0, div_id=f"plot-{number}")


def _dense(audience: pd.Series[float]) -> bool:
    """Whether gaps can be drawn as gaps without drawing next to nothing else."""
    return bool(audience.index[-1] - audience.index[0] < 20 * len(audience))


def _audience(epochs: NDArray[Any], values: NDArray[Any]) -> go.Figure:
    minutes, means = _thinned(epochs, values)
    figure = go.Figure(go.Scatter(x=minutes, y=means, mode="lines", line={"width": 1}))
    figure.update_layout(title="audience of all rooms, a minute")
    return figure


def _thinned(epochs: NDArray[Any], values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    every = -(-len(epochs) // MAX_POINTS)
    length = len(epochs) // every * every
    parts = pd.DataFrame(values[:length].reshape(-1, every))
    return epochs[:length:every].astype("datetime64[m]"), parts.mean(axis=1).to_numpy()  # mean of what there is


def _profile(profile: pd.DataFrame) -> go.Figure:
    figure = go.Figure()
    for kind in DAY_KINDS:
        rows = profile[profile["days"] == kind]
        if len(rows):
            figure.add_scatter(x=rows["hour"], y=rows["mean"], name=kind, mode="lines+markers")
    figure.update_layout(
        title="audience a room-minute by hour of the local day", xaxis={"dtick": 2, "range": [-0.5, 23.5]}
    )
    return figure


def _channels(channels: pd.DataFrame) -> go.Figure:
    rows = channels[channels["channel"] != "*"]
    figure = go.Figure(go.Bar(x=rows["total"], y=rows["kind"] + " " + rows["channel"], orientation="h"))
    figure.update_layout(title="traffic by channel", yaxis={"autorange": "reversed", "automargin": True})
    figure.update_layout(height=200 + 18 * len(rows))
    return figure


def _correlations(correlations: pd.DataFrame) -> go.Figure:
    names = list(correlations)
    scale = {"colorscale": "RdBu", "zmin": -1, "zmax": 1, "reversescale": True}
    figure = go.Figure(go.Heatmap(z=correlations.to_numpy(), x=names, y=names, **scale))
    figure.update_layout(
        title="correlations over all room-minutes", yaxis={"autorange": "reversed", "automargin": True}
    )
    figure.update_layout(height=300 + 18 * len(names))
    return figure


def _seasons(seasons: Seasons, offset: int) -> go.Figure:
    names = ["observed", "trend", "seasonal", "residual"]
    figure = make_subplots(rows=4, shared_xaxes=True, subplot_titles=names, vertical_spacing=0.05)
    for row, name in enumerate(names, 1):
        minutes, values = _thinned(seasons.table["epoch"].to_numpy() + offset, seasons.table[name].to_numpy())
        figure.add_scatter(x=minutes, y=values, mode="lines", line={"width": 1}, showlegend=False, row=row, col=1)
    figure.update_layout(title=f"seasonal decomposition, period {seasons.period:,} minutes", height=800)
    return figure
