"""A minute of the past comes late or with another value: what that changes in its room, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS
from roompulse.rooms import HOTSPOT, KINDS, SLUMP
from roompulse.rules import Rules
from scorer.pipeline import judge as alerts
from scorer.pipeline.basis import HIGH, LOW, MEDIAN, Flags, held_interval, surprises
from scorer.pipeline.decode import Records
from scorer.pipeline.evidence import Floats
from scorer.pipeline.outlook import correct_rings
from scorer.pipeline.tell import Told, driver_levels

_MOST_INSIDE = 100  # what the count of minutes back inside has room for


def correct(
    room: NDArray[np.void], record: Records, row: int, rules: Rules, thresholds: NDArray[np.void], told: list[Told]
) -> None:
    """Correct one past minute of `room` (1,), in place; `thresholds` (1,) are its own.

    Rings and recent values take the new value; levels, network state and evidence are not rewound. A minute of the last
    ten that belongs to an open alert is judged again by what that alert is measured against: peak and minutes back
    inside are counted anew. Where no minute since the opening lies outside any more the alert is retracted; an update
    is told where this minute, or the peak, was told before as it no longer is.
    """
    minute = int(record.minute[0])
    last = int(room["last_minute"][0])
    age = last - minute
    before = float(room["ring"][0, minute % room["ring"].shape[1]])
    correct_rings(room, record)
    recent = room["levels"]["recent"]
    if age < recent.shape[1]:
        recent[0, (minute - int(room["session_start"][0])) % recent.shape[1]] = record.value[0]
    if age >= HORIZONS:
        return
    for kind in range(len(KINDS)):
        state = room["alerts"][:, kind]
        opened = int(state["opened"][0])
        if not state["open"][0] or opened > minute or opened <= last - room["ring"].shape[1]:
            continue  # the last: nulls have kept it open for longer than the ring reaches
        event = _revise(room, kind, minute, 1 + float(thresholds["hotspot_percent"][0]) / 100, rules)
        if event == alerts.NOTHING:
            continue
        if event == alerts.RETRACT:
            ends = np.zeros((1, len(KINDS)), np.bool_)
            ends[0, kind] = True
            alerts.close(room, ends, room["last_minute"].astype(np.int64))
        interval = held_interval(state, record.minute)
        surprise = surprises(room["spread"], record.value, np.repeat(interval[:, None], len(KINDS), axis=1), rules)
        low, median, high = interval[0].tolist()
        told.append(
            Told(
                row,
                kind,
                event,
                alerts.NO_REASON,
                int(state["severity"][0]),
                opened,
                minute,
                int(record.offset[0]),
                float(record.value[0]),
                (low, median, high),
                float(surprise[0, kind]),
                record.series[0],
                driver_levels(room)[0],
                before,
            )
        )


def _revise(room: NDArray[np.void], kind: int, minute: int, heat: float, rules: Rules) -> int:
    """Count peak and minutes back inside of an open alert anew, in place, and say which event is due."""
    state = room["alerts"][:, kind]
    course = _course(room, kind, heat)
    if not course.outside.any():
        return alerts.RETRACT
    since = course.outside[1:][course.measured[1:]]  # the opening minute does not count among those back inside
    away = np.flatnonzero(since)
    state["inside"] = min(len(since) if len(away) == 0 else len(since) - 1 - int(away[-1]), _MOST_INSIDE)
    state["peak"] = course.peak
    published = float(state["peak_noticed"][0])
    grown = course.peak >= rules.update_growth * published or published >= rules.update_growth * course.peak
    if not grown and minute not in {int(state["opened"][0]), int(state["noticed"][0])}:
        return alerts.NOTHING
    state["peak_noticed"] = course.peak
    return alerts.UPDATE


@dataclass(frozen=True, slots=True)
class _Course:
    """The minutes (m,) from an alert's opening to now, as the ring has them; and the largest deviation among them."""

    measured: Flags
    outside: Flags
    peak: float


def _course(room: NDArray[np.void], kind: int, heat: float) -> _Course:
    state = room["alerts"][:, kind]
    window = room["ring"].shape[1]
    last, opened = int(room["last_minute"][0]), int(state["opened"][0])
    minutes = np.arange(opened, last + 1)
    value: Floats = room["ring"][0, minutes % window].astype(np.float64)
    held = held_interval(np.repeat(state, len(minutes)), minutes)
    if kind == HOTSPOT:
        outside: Flags = value > heat * held[:, MEDIAN]
    else:
        outside = value < held[:, LOW] if kind == SLUMP else value > held[:, HIGH]
    deviation = (value - held[:, MEDIAN]) * (-1 if kind == SLUMP else 1)
    return _Course(~np.isnan(value), outside, max(float(np.nan_to_num(deviation).max()), 0.0))
