"""What is told of an alert outside the judging of a new minute: its end with the session, a correction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS
from roompulse.minutes import QUIET_MINUTES
from roompulse.rooms import DRIVERS, KINDS, SLUMP
from scorer.pipeline import judge as alerts
from scorer.pipeline.decode import Records
from scorer.pipeline.evidence import Floats
from scorer.pipeline.outlook import correct_rings


@dataclass(frozen=True, slots=True)
class Told:
    """One alert event of one room, with what it was judged by: what a record on the alert topic is written from."""

    row: int
    kind: int
    event: int
    reason: int
    severity: int
    opened: int
    minute: int
    offset: int
    actual: float
    interval: tuple[float, float, float]
    surprise: float
    series: Floats
    levels: NDArray[np.float32]


def silence_told(rooms: NDArray[np.void], rows: NDArray[np.int64]) -> list[Told]:
    """End the open alerts of silent `rooms` (n,), in place. What is told depends on each room alone."""
    told: list[Told] = []
    end_alerts(rooms, rooms["last_minute"].astype(np.int64) + QUIET_MINUTES - 1, rows, alerts.SILENT, told)
    return told


def end_alerts(
    rooms: NDArray[np.void], minute: NDArray[np.int64], rows: NDArray[np.int64], reason: int, told: list[Told]
) -> None:
    """Resolve whatever is open in `rooms`, in place, dated at `minute` (n,): there is no value to judge any more."""
    ends = rooms["alerts"]["open"].copy()
    for row, kind in np.argwhere(ends).tolist():
        state = rooms["alerts"][row : row + 1, kind]
        interval = alerts.held_interval(state, minute[row : row + 1])[0]
        nothing = np.full(DRIVERS, np.nan)
        told.append(
            Told(
                int(rows[row]),
                kind,
                alerts.RESOLVE,
                reason,
                int(state["severity"][0]),
                int(state["opened"][0]),
                int(minute[row]),
                int(rooms["offset"][row]),
                float("nan"),
                tuple(interval.tolist()),
                0.0,
                nothing,
                nothing.astype(np.float32),
            )
        )
    alerts.close(rooms, ends, minute)


def correct(room: NDArray[np.void], record: Records, row: int, told: list[Told]) -> None:
    """Correct one past minute of `room` (1,), in place: ring and recent values, and the alert that this minute opened.

    Levels, network state and evidence are not rewound. The alert is judged again by the interval that it opened
    against: retracted where the corrected value lies inside, told again with the new value otherwise.
    """
    minute = int(record.minute[0])
    age = int(room["last_minute"][0]) - minute
    correct_rings(room, record)
    recent = room["levels"]["recent"]
    if age < recent.shape[1]:
        recent[0, (minute - int(room["session_start"][0])) % recent.shape[1]] = record.value[0]
    if age >= HORIZONS:
        return
    for kind in range(len(KINDS)):
        state = room["alerts"][:, kind]
        if not state["open"][0] or state["opened"][0] != minute:
            continue
        low, median, high = alerts.held_interval(state, record.minute)[0].tolist()
        value = float(record.value[0])
        outside = value < low if kind == SLUMP else value > high
        if not outside:
            ends = np.zeros((1, len(KINDS)), np.bool_)
            ends[0, kind] = True
            alerts.close(room, ends, room["last_minute"].astype(np.int64))
        told.append(
            Told(
                row,
                kind,
                alerts.UPDATE if outside else alerts.RETRACT,
                alerts.NO_REASON,
                int(state["severity"][0]),
                minute,
                minute,
                int(record.offset[0]),
                value,
                (low, median, high),
                float("nan"),
                record.series[0],
                driver_levels(room)[0],
            )
        )


def driver_levels(rooms: NDArray[np.void]) -> NDArray[np.float32]:
    """Running level of each driver (n, DRIVERS), NaN before its first value."""
    levels = np.full((len(rooms), DRIVERS), np.nan, np.float32)
    np.divide(rooms["driver_sum"], rooms["driver_weight"], out=levels, where=rooms["driver_weight"] > 0)
    return levels
