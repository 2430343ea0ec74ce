"""Plots as plain SVG: a few kilobytes in a page that needs nothing else, sharp on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 660, 240, 52, 120, 12, 36
COLOURS = ("#0b5fa5", "#c2571a", "#3a7d34", "#8a3f8f", "#6b7280", "#b8860b")
DASHES = ("", "6 3", "2 3", "8 3 2 3", "4 4", "1 2")
"""Lines differ on paper too."""

Floats = NDArray[np.float64]


def lines(
    x: Sequence[float] | NDArray[Any],
    series: Mapping[str, Sequence[float] | Floats],
    labels: tuple[str, str],
    band: tuple[Floats, Floats] | None = None,
) -> str:
    """Lines over a shared axis, each with its name, over an optional band (low, high). NaN breaks a line."""
    across = np.asarray(x, np.float64)
    every = [np.asarray(values, np.float64) for values in series.values()]
    low, high = _limits([*every, *(band or ())])
    parts = [_frame((float(across.min()), float(across.max())), (low, high), labels)]
    if band is not None:
        edge = [*zip(across, band[0], strict=True), *reversed(list(zip(across, band[1], strict=True)))]
        points = " ".join(_point(a, b, across, low, high) for a, b in edge if np.isfinite(b))
        parts.append(f'<polygon points="{points}" fill="#0b5fa5" opacity=".16"/>')
    for index, (name, values) in enumerate(zip(series, every, strict=True)):
        colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
        for run in np.split(np.arange(len(values)), np.flatnonzero(~np.isfinite(values))):
            points = " ".join(_point(across[i], values[i], across, low, high) for i in run if np.isfinite(values[i]))
            parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-dasharray="{dash}"/>')
        y = TOP + 14 + 16 * index
        parts.append(
            f'<line x1="{WIDTH - RIGHT + 8}" x2="{WIDTH - RIGHT + 30}" y1="{y - 4}" y2="{y - 4}" stroke="{colour}" '
            f'stroke-dasharray="{dash}"/><text x="{WIDTH - RIGHT + 34}" y="{y}">{escape(name)}</text>'
        )
    return _svg(parts, HEIGHT)


def ranges(rows: Mapping[str, tuple[float, float, float]], label: str) -> str:
    """One row a name: a dot with its interval (middle, low, high), and a line at zero."""
    least = min(0.0, *(low for _, low, _ in rows.values()))
    most = max(0.0, *(high for _, _, high in rows.values()))
    span = (most - least) or 1.0
    height = 24 * len(rows) + BOTTOM

    def place(value: float) -> float:
        return 150 + (WIDTH - 170) * (value - least) / span

    zero = place(0)
    parts = [f'<line x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{height - BOTTOM}" stroke="#888"/>']
    for index, (name, (middle, low, high)) in enumerate(rows.items()):
        y = 14 + 24 * index
        parts.append(
            f'<text x="144" y="{y + 4}" text-anchor="end">{escape(name)}</text>'
            f'<line x1="{place(low):.1f}" x2="{place(high):.1f}" y1="{y}" y2="{y}" stroke="#0b5fa5"/>'
            f'<circle cx="{place(middle):.1f}" cy="{y}" r="4" fill="#0b5fa5"/>'
        )
    parts.extend(
        f'<text x="{place(value):.1f}" y="{height - 18}" text-anchor="middle">{value:.3g}</text>'
        for value in (least, most)
    )
    parts.append(f'<text x="{WIDTH / 2}" y="{height - 3}" text-anchor="middle">{escape(label)}</text>')
    return _svg(parts, height)


def _svg(parts: Sequence[str], height: int) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" font-size="12">{"".join(parts)}</svg>'


def _limits(values: Sequence[Floats]) -> tuple[float, float]:
    known = np.concatenate([part[np.isfinite(part)] for part in values])
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _point(a: float, b: float, across: Floats, low: float, high: float) -> str:
    span = float(np.ptp(across)) or 1.0
    x = LEFT + (WIDTH - LEFT - RIGHT) * (a - across.min()) / span
    y = TOP + (HEIGHT - TOP - BOTTOM) * (high - b) / (high - low)
    return f"{x:.1f},{y:.1f}"


def _frame(x: tuple[float, float], y: tuple[float, float], labels: tuple[str, str]) -> str:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    return (
        f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#888"/>'
        f'<text x="{LEFT - 4}" y="{TOP + 8}" text-anchor="end">{y[1]:.4g}</text>'
        f'<text x="{LEFT - 4}" y="{bottom}" text-anchor="end">{y[0]:.4g}</text>'
        f'<text x="{LEFT}" y="{bottom + 15}">{x[0]:.4g}</text>'
        f'<text x="{right}" y="{bottom + 15}" text-anchor="end">{x[1]:.4g}</text>'
        f'<text x="{(LEFT + right) / 2}" y="{bottom + 30}" text-anchor="middle">{escape(labels[0])}</text>'
        f'<text x="14" y="{(TOP + bottom) / 2}" text-anchor="middle" transform="rotate(-90 14 {(TOP + bottom) / 2})">'
        f"{escape(labels[1])}</text>"
    )
