"""The part of a report that says how good the forecasts were: against baselines, intervals, by size and by hour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from roompulse.forecasting import HORIZONS
from roompulse.report.judged import (
    OWN,
    SHOWN,
    SIZES,
    Estimate,
    Judged,
    by_class,
    by_horizon,
    coverage,
    less_rivals,
    reliability,
)
from roompulse.report.page import Cell, Section, beside, figure, table, text
from roompulse.report.plots import against_diagonal, bars, estimates, shares

AHEAD = list(range(1, HORIZONS + 1))
DRAWN = 5
"""Baselines that are drawn: of more, those that come nearest to the model."""
_ERROR = "mean absolute error, counts a minute"


def skill_sections(judged: Judged, note: str = "") -> list[Section]:
    """Error by horizon against every baseline, reliability, error by size of room and by hour."""
    drawn = _nearest(judged)
    return [_errors(judged, drawn, note), _intervals(judged), _places(drawn)]


def verdict(judged: Judged) -> list[str]:
    """What the numbers say, in sentences: the model against each baseline at +1 and over all ten minutes."""
    said = []
    for name, (middle, low, high) in less_rivals(judged).items():
        parts = [_difference(middle[at], low[at], high[at]) for at in (0, HORIZONS)]
        said.append(f"Against {name}: {parts[0]} one minute ahead, {parts[1]} over all ten.")
    return said


def n_told(judged: Judged) -> str:
    """How many forecasts and sessions, and what the intervals are drawn from."""
    sessions = len(np.unique(judged.session))
    return f"n = {len(judged.truth):,} forecasts in {sessions:,} sessions; 95 % intervals by drawing {judged.units[1]}"


def _errors(judged: Judged, drawn: Judged, note: str) -> Section:
    errors, less = by_horizon(judged), less_rivals(judged)
    labels = ("minutes ahead", _ERROR)
    head = ["forecaster", *(f"+{horizon}" for horizon in SHOWN), "mean of ten"]
    head += [f"{OWN} less it at +1, %", "on the mean of ten, %"]
    mean = {name: float(np.mean(of[0])) for name, of in errors.items()}
    rows: list[list[str | Cell]] = []
    for name in sorted(mean, key=lambda name: mean[name]):
        style = "own" if name == OWN else ""
        cells: list[str | Cell] = [Cell(name, style=style)]
        cells += [
            Cell(_range(errors[name], horizon - 1), float(errors[name][0][horizon - 1]), style) for horizon in SHOWN
        ]
        cells.append(Cell(f"{mean[name]:.4g}", mean[name], style))
        cells += [_percent(less.get(name), at) for at in (0, HORIZONS)]
        rows.append(cells)
    kept = {name: errors[name] for name in drawn.errors}
    percent = _taken({name: less[name] for name in drawn.others}, range(HORIZONS))
    difference = estimates(AHEAD, percent, "", ("minutes ahead", f"{OWN} less baseline, % of its error"))
    difference["layout"]["yaxis"] |= {"zerolinecolor": "#1b2733", "zerolinewidth": 1.5}
    parts = [text(*([note] if note else []), n_told(judged) + ".")]
    parts.append(
        beside(
            [
                figure(
                    estimates(AHEAD, kept, OWN, labels, only_own=True),
                    "Error by minutes ahead",
                    f"Bars: 95 % interval of {OWN}; those of the others are in the table.",
                ),
                figure(
                    difference,
                    f"{OWN} against each baseline, on the same minutes",
                    f"Below zero {OWN} is better.",
                ),
            ]
        )
    )
    parts.append(table(head, rows, caption=f"{_ERROR.capitalize()}, and 95 % intervals"))
    return Section("Forecast error", parts)


def _intervals(judged: Judged) -> Section:
    shown = shares(
        AHEAD, coverage(judged), {"inside the interval": 0.8, "below it": 0.1, "above it": 0.1},
        ("minutes ahead", "share of the minutes that came"),
    )  # fmt: skip
    diagonal = against_diagonal(reliability(judged), ("nominal level", "share of what came that lies below it"))
    about = (
        "The forecast gives the 10, 50 and 90 % quantile; other levels are read off a straight line between and beyond "
        "them. A whole number that a level passes through counts on both sides in proportion (randomised probability "
        "integral transform), so that quiet rooms can be judged."
    )
    return Section(
        "Do the intervals hold?",
        [
            text(about, n_told(judged) + "."),
            beside(
                [
                    figure(shown, "The 10-90 % interval by minutes ahead", "Dotted: 80 % inside, 10 % on either side."),
                    figure(diagonal, "Reliability: level against share", "On the dotted line a level is what it says."),
                ]
            ),
        ],
    )


def _places(judged: Judged) -> Section:
    sizes = [(judged.size >= least) & (judged.size < most) for least, most in SIZES.values()]
    by_size, counts = by_class(judged, sizes)
    names = [f"{name}<br>n = {count:,}" for name, count in zip(SIZES, counts, strict=True)]
    present = [at for at, count in enumerate(counts) if count]
    size = bars(
        [names[at] for at in present], _taken(by_size, present), OWN, ("mean counts a minute of the session", _ERROR)
    )
    if len(present) > 1:
        size["layout"]["yaxis"] |= {"type": "log", "dtick": 1}
    figures = [figure(size, "By size of room, mean of ten minutes", "Bars: 95 %. The scale is logarithmic.")]
    hours = [hour for hour in range(24) if (judged.hour == hour).any()]
    if len(hours) > 1:
        by_hour, every = by_class(judged, [judged.hour == hour for hour in range(24)])
        counts = [every[hour] for hour in hours]
        plot = estimates(range(24), by_hour, OWN, ("hour of the local day", _ERROR), only_own=True)
        for trace in plot["data"]:
            trace["text"] = [f"n = {count:,}" for count in every]
            trace["hovertemplate"] = "%{x}:00, %{y:.4g}, %{text}"
        plot["layout"]["xaxis"] |= {"dtick": 2}
        note = f"n by hour from {min(counts):,} to {max(counts):,}; each has other rooms. Bars: 95 % of {OWN}."
        figures.append(figure(plot, "By hour of the day, mean of ten minutes", note))
    return Section("Where it is harder", [beside(figures)])


def _nearest(judged: Judged) -> Judged:
    """Without the baselines that are not drawn: the last value stays, for everybody knows it."""
    if len(judged.others) <= DRAWN:
        return judged
    errors = {name: float(np.nanmean(error)) for name, error in judged.errors.items() if name != OWN}
    ordered = sorted(errors, key=lambda name: (name != "persistence", errors[name]))[:DRAWN]
    others = {name: of for name, of in judged.others.items() if name in ordered}
    return Judged(judged.truth, judged.quantiles, others, judged.session, judged.size, judged.hour)


def _taken(series: dict[str, Estimate], places: Sequence[int]) -> dict[str, Estimate]:
    places = list(places)
    return {name: (middle[places], low[places], high[places]) for name, (middle, low, high) in series.items()}


def _range(estimate: Estimate, at: int) -> str:
    middle, low, high = (float(end[at]) for end in estimate)
    return f"{middle:.4g} ({low:.3g} to {high:.3g})"


def _percent(estimate: Estimate | None, at: int) -> str | Cell:
    if estimate is None:
        return ""
    middle, low, high = (float(end[at]) for end in estimate)
    return Cell(f"{middle:+.1f} ({low:+.1f} to {high:+.1f})", middle)


def _difference(middle: float, low: float, high: float) -> str:
    if low <= 0 <= high:
        return f"no difference that chance could not make ({middle:+.1f} %, {low:+.1f} to {high:+.1f})"
    return f"{abs(middle):.1f} % {'less' if middle < 0 else 'more'} error ({low:+.1f} to {high:+.1f})"
