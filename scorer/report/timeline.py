"""One room over time: what came, what was expected of it a minute before, fans of ten minutes, alerts as bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS
from roompulse.labels import Labelled
from roompulse.report.page import Figure
from roompulse.report.plots import OWN, Floats, axis, band, layout, numbers, safe
from scorer.report.alerts import Episode
from scorer.report.evaluate import Run

MOST_MINUTES = 1080
"""Of a room: more are not drawn, for the page has to stay small and the minutes to be told apart."""
COLOURS = {"surge": "#e69f00", "slump": "#56b4e9", "hotspot": "#cc79a7"}
SIGNS = {"surge": "triangle-up", "slump": "triangle-down", "hotspot": "diamond"}
MOST_FANS = 8


@dataclass(frozen=True, slots=True)
class Window:
    """Minutes of a room from `first` on: targets (m,), forecasts of each (m, 3), and those made in each (m, 3, 10)."""

    first: int
    counts: Floats
    expected: Floats
    fans: NDArray[np.float32]


def window_of(run: Run, room: str, alerts: Sequence[Episode]) -> Window:
    """The room's minutes, or those of them with the most alerts."""
    places = run.room(room)
    first = run.sessions[places[0]].start
    last = run.sessions[places[-1]].start + len(run.sessions[places[-1]].counts)
    if last - first > MOST_MINUTES:
        starts = sorted({run.sessions[at].start for at in places} | {one.opened - 60 for one in alerts})
        opened = np.array([one.opened for one in alerts])
        held = [int(((opened >= start) & (opened < start + MOST_MINUTES)).sum()) for start in starts]
        first = max(first, starts[int(np.argmax(held))])
        last = min(last, first + MOST_MINUTES)
    length = last - first
    counts, expected = np.full(length, np.nan), np.full((length, 3), np.nan)
    fans = np.full((length, 3, HORIZONS), np.nan, np.float32)
    for at in places:
        session = run.sessions[at]
        low, high = max(session.start, first), min(session.start + len(session.counts), last)
        if low < high:
            here, there = slice(low - first, high - first), slice(low - session.start, high - session.start)
            counts[here], fans[here] = session.counts[there], run.forecasts[at][there]
            expected[here] = run.next_minute(at)[there]
    return Window(first, counts, expected, fans)


def timeline(
    window: Window, offset: int, alerts: Sequence[Episode], labels: Sequence[Labelled]
) -> tuple[Figure, dict[str, Any]]:
    """The plot, and what the page needs to draw the fan of the minute under the pointer."""
    length = len(window.counts)
    at = _clock(window.first + offset + np.arange(length + HORIZONS))
    x = at[:length]
    within = band(x, window.expected[:, 0], window.expected[:, 2], "10-90 % interval, a minute before")
    expected = _line(x, window.expected[:, 1], "expected, a minute before", OWN, width=1.3)
    came = _line(x, window.counts, "came", "#1b2733", width=1.5)
    data = [within, expected, came]
    seen = [one for one in alerts if 0 <= one.opened - window.first < length]
    origins, before = _fans(window, seen)
    data += [trace for one in origins for trace in _fan(window, at, one, before if one == origins[0] else "")]
    data += _openings(window, x, seen)
    data += [_line([], [], "", "#d55e00", width=0, showlegend=False, hoverinfo="skip")]
    data += [
        _line([], [], "", "#d55e00", width=0, fill="tonexty", fillcolor="rgba(213,94,0,0.22)", showlegend=False,
              hoverinfo="skip"),
        _line([], [], "", "#d55e00", width=2, showlegend=False, hoverinfo="skip"),
    ]  # fmt: skip
    shapes = [_shade(one, window, at) for one in seen]
    shapes += [_strip(label, window, at) for label in labels if _overlaps(label, window)]
    plot = {
        "data": data,
        "layout": layout(
            axis("local time", type="date"),
            axis("counts a minute", rangemode="tozero"),
            shapes=shapes,
            hovermode="closest",
        ),
    }
    # Every fan for the page's own code, which draws the one under the pointer.
    made = np.flatnonzero(np.isfinite(window.fans[:, 1, 0])).tolist()
    fans = [[numbers(window.fans[row, quantile], 3) for row in made] for quantile in range(3)]
    more = {"trace": 2, "x": at, "actual": numbers(window.counts), "origin": made, "fan": fans}
    return plot, more


def _line(x: Sequence[str], y: Any, name: str, colour: str, *, width: float, **more: Any) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "x": list(x), "y": numbers(y), "name": name,
        "line": {"color": colour, "width": width},
    } | more  # fmt: skip


def _fans(window: Window, alerts: Sequence[Episode]) -> tuple[list[int], str]:
    """Minutes from whose forecast a fan is drawn: the one before each alert; without any, a few at even distances."""
    name = "ten minutes ahead, before an alert"
    origins = [one.opened - 1 - window.first for one in sorted(alerts, key=lambda one: -one.rank)[:MOST_FANS]]
    if not origins:
        name = "ten minutes ahead"
        step = max(len(window.counts) // 5, 1)
        origins = list(range(step, len(window.counts) - 1, step))
    return [at for at in sorted(origins) if at >= 0 and np.isfinite(window.fans[at, 1, 0])], name


def _fan(window: Window, at: Sequence[str], origin: int, name: str) -> list[dict[str, Any]]:
    x = at[origin : origin + HORIZONS + 1]
    low, middle, high = (np.concatenate([[window.counts[origin]], part]) for part in window.fans[origin])
    common = {"legendgroup": "fan", "hoverinfo": "skip", "showlegend": False}
    return [
        band(x, low, high, "", "rgba(0,158,115,0.20)") | common,
        _line(x, middle, name, "#009e73", width=1.6, **(common | {"showlegend": bool(name)})),
    ]


def _openings(window: Window, x: Sequence[str], alerts: Sequence[Episode]) -> list[dict[str, Any]]:
    traces = []
    for kind, sign in SIGNS.items():
        found = [one for one in alerts if one.alert.kind == kind]
        if found:
            places = [one.opened - window.first for one in found]
            told = (safe(_wrapped(f"{one.severity}: {one.alert.text}")) for one in found)
            traces.append(
                {
                    "type": "scatter", "mode": "markers", "name": f"{kind} opens", "x": [x[at] for at in places],
                    "y": numbers([one.alert.actual if one.alert.actual is not None else np.nan for one in found]),
                    "text": [text.replace("\n", "<br>") for text in told],
                    "hovertemplate": "%{text}<extra></extra>",
                    "marker": {"symbol": sign, "size": 11, "color": COLOURS[kind],
                               "line": {"color": "#1b2733", "width": 1}},
                }
            )  # fmt: skip
    return traces


def _shade(one: Episode, window: Window, at: Sequence[str]) -> dict[str, Any]:
    last = window.first + len(window.counts) - 1 if one.ended is None else one.ended
    return {
        "type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": at[one.opened - window.first],
        "x1": at[min(last - window.first, len(at) - 1)], "fillcolor": COLOURS.get(one.alert.kind, "#888"),
        "opacity": 0.18, "line": {"width": 0}, "layer": "below",
    }  # fmt: skip


def _overlaps(label: Labelled, window: Window) -> bool:
    return label.last_minute >= window.first and label.first_minute < window.first + len(window.counts)


def _strip(label: Labelled, window: Window, at: Sequence[str]) -> dict[str, Any]:
    """A label as a strip along the bottom."""
    first, last = (min(max(end - window.first, 0), len(at) - 1) for end in (label.first_minute, label.last_minute + 1))
    return {
        "type": "rect", "yref": "paper", "y0": 0, "y1": 0.025, "x0": at[first], "x1": at[last],
        "fillcolor": COLOURS.get(label.kind, "#888") if label.real else "#888", "line": {"width": 0},
    }  # fmt: skip


def _clock(epochs: NDArray[np.int64]) -> list[str]:
    """Local minutes as plotly reads dates."""
    return [text.replace("T", " ") for text in np.datetime_as_string(epochs.astype("datetime64[m]"))]


def _wrapped(sentence: str, width: int = 70) -> str:
    lines, rest = [], sentence
    while len(rest) > width:
        cut = rest.rfind(" ", 20, width)
        cut = width if cut < 0 else cut
        lines.append(rest[:cut])
        rest = rest[cut:].lstrip()
    return "\n".join([*lines, rest])
