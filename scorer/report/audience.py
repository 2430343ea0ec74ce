"""When the audience is there: by hour of working days, weekends and public holidays, and what repeats every day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.holidays import DAYS_OFF, is_holiday
from roompulse.report.page import Figure
from roompulse.report.plots import COLOURS, DASHES, OWN, SYMBOLS, axis, layout, numbers
from roompulse.resampling import Floats, ratio

DAY = 1440
LEAST_MEASURED = 0.5
MOST_POINTS = 3_000
DAY_KINDS = ("working day", "weekend", "public holiday")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Audience:
    """Of all rooms: local minutes since 1970 that were measured (m,), counts, and rooms measured."""

    minute: NDArray[np.int64]
    counts: Floats
    rooms: NDArray[np.int64]

    @property
    def kinds(self) -> NDArray[np.int64]:
        """The kind of day (m,) of each minute: its place in `DAY_KINDS`."""
        days = self.minute // DAY
        return np.where(is_holiday(days), 2, ((days + 3) % 7 >= 5).astype(np.int64))

    @property
    def calendar_ends(self) -> bool:
        """Whether some of it lies in years whose public holidays are not known."""
        return bool(
            len(self.minute) and not DAYS_OFF[0] <= self.minute[0] // DAY <= self.minute[-1] // DAY <= DAYS_OFF[-1]
        )


def by_hour(audience: Audience) -> Figure:
    """Mean a room-minute by hour of the local day, for each kind of day that there is."""
    hours = audience.minute % DAY // 60
    data = []
    for kind, name in enumerate(DAY_KINDS):
        rows = audience.kinds == kind
        if rows.any():
            data.append(_by_hour(hours[rows], audience, rows, name, kind))
    return _hourly(data)


def by_weekday(audience: Audience) -> Figure:
    """The same for each weekday that there is."""
    hours, weekday = audience.minute % DAY // 60, (audience.minute // DAY + 3) % 7
    found = np.unique(weekday).tolist()
    return _hourly(
        [_by_hour(hours[rows], audience, rows, WEEKDAYS[day], day) for day in found for rows in [weekday == day]]
    )


def why_no_season(audience: Audience) -> str | None:
    """Why there is no decomposition; None where there is one."""
    if not len(audience.minute):
        return "nothing was measured"
    length = int(audience.minute[-1] - audience.minute[0]) + 1
    if length < 2 * DAY:
        return f"what repeats every day needs two full days, {2 * DAY:,} minutes; there are {length:,}"
    if len(audience.minute) < LEAST_MEASURED * length:
        return f"{1 - len(audience.minute) / length:.0%} of the {length:,} minutes are missing"
    return None


def decomposed(audience: Audience) -> dict[str, Floats]:
    """Observed, trend, daily season and rest, by minute from the first to the last.

    Additive, by moving averages (Kendall and Stuart 1983, chapter 46): the trend is the centred mean of a day, the
    season the mean of what is left at each minute of the day, less its own mean. Missing minutes are interpolated;
    trend and rest are NaN for half a day at either end.
    """
    first, last = int(audience.minute[0]), int(audience.minute[-1])
    minutes = np.arange(first, last + 1)
    observed = np.interp(minutes, audience.minute, audience.counts)
    sums = np.cumsum(np.concatenate([[0.0], observed]))
    whole = (sums[DAY:] - sums[:-DAY]) / DAY
    trend = np.full(len(minutes), np.nan)
    trend[DAY // 2 : DAY // 2 + len(whole) - 1] = (whole[:-1] + whole[1:]) / 2  # a day is even: two of its means
    left = observed - trend
    known = np.isfinite(left)
    of_day = minutes % DAY
    season = ratio(np.bincount(of_day, np.where(known, left, 0.0), DAY), np.bincount(of_day, known, DAY))
    season = (season - np.nanmean(season))[of_day]
    return {"observed": observed, "trend": trend, "daily season": season, "rest": left - season}


def seasons(audience: Audience) -> Figure:
    """The decomposition, one part below the other."""
    parts = decomposed(audience)
    every = -(-len(parts["observed"]) // MOST_POINTS)
    minutes = np.arange(audience.minute[0], audience.minute[-1] + 1)[::every]
    x = [text.replace("T", " ") for text in np.datetime_as_string(minutes.astype("datetime64[m]"))]
    data, axes = [], {}
    for number, (name, values) in enumerate(parts.items(), 1):
        place = "" if number == 1 else str(number)
        data.append(
            {"type": "scatter", "mode": "lines", "x": x, "y": numbers(_means(values, every)), "yaxis": f"y{place}",
             "line": {"width": 1, "color": OWN}, "showlegend": False}
        )  # fmt: skip
        axes[f"yaxis{place}"] = axis(name, domain=[1 - number / 4 + 0.02, 1 - (number - 1) / 4 - 0.01])
    shared = layout(axis("local time", type="date", anchor="y4"), axes.pop("yaxis"))
    return {"data": data, "layout": shared | axes}


def course(audience: Audience) -> Figure:
    """People entering all rooms, and rooms measured, minute by minute."""
    every = -(-len(audience.minute) // MOST_POINTS)
    gaps = np.flatnonzero(np.diff(audience.minute) > 30 * every) + 1  # a break is left open, not bridged
    minutes = audience.minute[::every].astype("datetime64[m]")
    x = [text.replace("T", " ") for text in np.datetime_as_string(minutes)]
    data = []
    for name, values, place, colour in (
        ("counts a minute", audience.counts, "y", OWN),
        ("rooms measured", audience.rooms.astype(float), "y2", "#8b96a1"),
    ):
        y = numbers(_means(values, every))
        for gap in gaps.tolist():
            y[min(gap // every, len(y) - 1)] = None
        data.append(
            {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "yaxis": place,
             "line": {"width": 1.2, "color": colour, "shape": "linear" if place == "y" else "hv"}}
        )  # fmt: skip
    right = axis("rooms measured", overlaying="y", side="right", tickmode="auto", rangemode="tozero", showgrid=False)
    left = axis("counts a minute", rangemode="tozero")
    return {"data": data[::-1], "layout": layout(axis("local time", type="date"), left, yaxis2=right)}


def _means(values: Floats, every: int) -> Floats:
    """Means of so many neighbours, NaN where one is; the last may have fewer."""
    padded = np.pad(values, (0, -len(values) % every), mode="edge")
    return np.asarray(padded.reshape(-1, every).mean(axis=1))


def _by_hour(hours: NDArray[np.int64], audience: Audience, rows: NDArray[np.bool_], name: str, number: int) -> Figure:
    counts, rooms = np.bincount(hours, audience.counts[rows], 24), np.bincount(hours, audience.rooms[rows], 24)
    return {
        "type": "scatter", "mode": "lines+markers", "name": name, "x": list(range(24)),
        "y": numbers(ratio(counts, rooms)), "text": [f"{count:,.0f} room-minutes" for count in rooms],
        "hovertemplate": "%{x}:00, %{y} a minute<br>%{text}<extra>%{fullData.name}</extra>",
        "line": {"color": (OWN, *COLOURS)[number % 9], "dash": ("solid", *DASHES)[number % 6]},
        "marker": {"symbol": ("circle", *SYMBOLS)[number % 6]},
    }  # fmt: skip


def _hourly(data: list[Figure]) -> Figure:
    x = axis("hour of the local day", dtick=2, range=[-0.5, 23.5])
    return {"data": data, "layout": layout(x, axis("counts a room and minute", rangemode="tozero"), showlegend=True)}
