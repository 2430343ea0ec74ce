"""What is told of an alert, and its end with the session, which no minute is judged for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.minutes import QUIET_MINUTES
from roompulse.rooms import DRIVERS
from scorer.pipeline import judge as alerts
from scorer.pipeline.basis import held_interval
from scorer.pipeline.decode import Records
from scorer.pipeline.evidence import Floats


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
    before: float | None = None
    """What a corrected minute's value was until now, NaN where there was none; None for what is no correction."""


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
        interval = held_interval(state, minute[row : row + 1])[0]
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


def end_sessions(
    rooms: NDArray[np.void], records: Records, ends: NDArray[np.int64], rows: NDArray[np.int64], told: list[Told]
) -> None:
    """End the sessions at `ends`, places in `rooms`, in place: their records say so."""
    if len(ends) == 0:
        return
    part = rooms[ends]
    part["offset"] = records.offset[ends]
    end_alerts(part, records.minute[ends], rows[ends], alerts.ENDED, told)
    part["over"] = True
    rooms[ends] = part


def driver_levels(rooms: NDArray[np.void]) -> NDArray[np.float32]:
    """Running level of each driver (n, DRIVERS), NaN before its first value."""
    levels = np.full((len(rooms), DRIVERS), np.nan, np.float32)
    np.divide(rooms["driver_sum"], rooms["driver_weight"], out=levels, where=rooms["driver_weight"] > 0)
    return levels
