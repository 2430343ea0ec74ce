"""The room state: one numpy structured record per room, the same in memory and in the checkpoint."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roompulse.features import LEVEL_DTYPE
from roompulse.forecasting import HORIZONS, QUANTILES
from roompulse.gate import GATE_DTYPE
from roompulse.gate import reset as reset_gate
from roompulse.records import METRICS
from roompulse.regimes import NORMAL_SPREAD, REGIME_DTYPE, fresh_regimes

MAX_CHANNELS_TOLD_APART = 16
DRIVERS = len(METRICS) + MAX_CHANNELS_TOLD_APART + 1
"""Series that can drive an alert: the metrics, the vocabulary's channels, and all other channels together."""

SURGE, SLUMP, HOTSPOT = 0, 1, 2
KINDS = ("surge", "slump", "hotspot")
SEVERITIES = ("info", "warning", "critical")

ALERT_DTYPE = np.dtype(
    [
        ("open", "?"),
        ("severity", "i1"),  # as last published
        ("inside", "i1"),  # minutes in a row back inside the frozen interval
        ("opened", "<i4"),  # epoch minute
        ("origin", "<i4"),  # epoch minute at which the frozen forecast was made
        ("noticed", "<i4"),  # epoch minute of the last record about it
        ("peak", "<f4"),  # largest absolute deviation so far, counts a minute
        ("peak_noticed", "<f4"),  # the peak as last published
        ("frozen", "<f4", (len(QUANTILES), HORIZONS)),  # the forecast it is measured against while open
    ]
)


SERIES = "series"
"""The ring of all series, which only a network that reads them gives a room."""


def room_dtype(units: int, window_minutes: int, series_minutes: int = 0) -> np.dtype[np.void]:
    """The record of one room for a network of `units` state values and a ring of `window_minutes`.

    With `series_minutes` it has a ring of that many minutes of all metrics and channels too, the target first.
    Counts are per minute; NaN stands for "never came" and "not measured". Rings are addressed by epoch minute modulo
    their length.
    """
    every: list[Any] = [(SERIES, "<f4", (series_minutes, DRIVERS))] if series_minutes else []
    return np.dtype(
        [
            ("last_minute", "<i4"),  # epoch minute of the newest record
            ("session_start", "<i4"),  # epoch minute; a new room has none: FRESH
            ("offset", "<i2"),  # minutes east of UTC as the room writes its times
            ("over", "?"),  # the session has ended; the next record begins another
            ("model", "<u4"),  # code of the network whose state this is; 0 before the first record
            ("levels", LEVEL_DTYPE),
            ("h", "<f4", (units,)),
            ("c", "<f4", (units,)),
            ("ring", "<f4", (window_minutes,)),
            ("forecasts", "<f4", (HORIZONS, len(QUANTILES), HORIZONS)),  # by origin minute
            ("gate", GATE_DTYPE),
            ("widen", "<f4", (2,)),  # log factors on the interval's lower and upper half: lasts between sessions
            ("threshold_shift", "<f4"),  # what feedback has added to the bar, digits: lasts between sessions
            ("snoozed_until", "<i4"),  # epoch minute from which alerts may open again: lasts between sessions
            ("category", "<u4"),  # its code, as the newest record that had one said; 0 for none: lasts between sessions
            ("spread", "<f4"),  # running mean of |z|: lasts between sessions
            ("evidence", "<f4", (2,)),  # accumulated surprise upward and downward
            ("suspected", "<i4", (2,)),  # epoch minute of the forecast that it is accumulated against, while above 0
            ("own_bar", "<f4", (2,)),  # the room's own way from the bar it began with: lasts between sessions
            ("regime", REGIME_DTYPE),
            ("hot_minutes", "<i4"),  # minutes in a row above the forecast of ten minutes before
            ("hot_actual", "<f4"),  # sums over those minutes
            ("hot_expected", "<f4"),
            ("hot_high", "<f4"),
            ("calm_since", "<i4"),  # epoch minute at which the last alert ended
            ("driver_sum", "<f4", (DRIVERS,)),
            ("driver_weight", "<f4", (DRIVERS,)),
            ("alerts", ALERT_DTYPE, (len(KINDS),)),
            *every,
        ]
    )


FRESH = int(np.iinfo(np.int32).min)
"""`session_start` of a room that has not been seen."""

FORGET_MINUTES = 7 * 1440
"""A room idle for this long in event time is forgotten; it comes back as one that nobody has seen."""
_GRACE_MINUTES = 60

LAYOUT_VERSION = 3
"""Counts up when what is saved beside the rows changes: 2 brought the fleet's memory, 3 what is followed."""


def layout_of(dtype: np.dtype[np.void]) -> str:
    """Names a layout; a checkpoint written in another one cannot be read and is rebuilt from the topic."""
    return hashlib.sha256(f"{LAYOUT_VERSION} {dtype.descr}".encode()).hexdigest()[:16]


def shape_of(dtype: np.dtype[np.void]) -> tuple[int, int, int]:
    """What `room_dtype` was given: state values, minutes of the target's ring, minutes of the ring of all series."""
    series = dtype[SERIES].shape[0] if SERIES in (dtype.names or ()) else 0
    return dtype["h"].shape[0], dtype["ring"].shape[0], series


def room_for(*dtypes: np.dtype[np.void]) -> np.dtype[np.void]:
    """The smallest layout in which the rooms of all these have room."""
    units, window, series = (max(sizes) for sizes in zip(*map(shape_of, dtypes), strict=True))
    return room_dtype(units, window, series)


def widened(rooms: NDArray[np.void], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """`rooms` (n,) in a layout that has room for theirs, with rings of the same minutes and nothing in what is new."""
    if rooms.dtype == dtype:
        return rooms
    wide = fresh_rooms(len(rooms), dtype)
    place, last = np.arange(len(rooms)), rooms["last_minute"].astype(np.int64)
    for name in rooms.dtype.names or ():
        if name in {"h", "c"}:
            wide[name][:, : rooms[name].shape[1]] = rooms[name]
        elif name in {"ring", SERIES}:
            old, new = rooms[name].shape[1], wide[name].shape[1]
            for back in range(old):
                wide[name][place, (last - back) % new] = rooms[name][place, (last - back) % old]
        else:
            wide[name] = rooms[name]
    return wide


def rows_at(rooms: NDArray[np.void], places: NDArray[np.int64]) -> NDArray[np.void]:
    """Copies of the rooms at `places` (n,). As plain bytes: numpy copies records field by field, in thrice the time."""
    return _plain(rooms).take(places).view(rooms.dtype)


def put_rows(rooms: NDArray[np.void], places: NDArray[np.int64] | slice, rows: NDArray[np.void]) -> None:
    """Put `rows` (n,) into the rooms at `places` (n,), in place."""
    _plain(rooms)[places] = _plain(rows)


def _plain(rooms: NDArray[np.void]) -> NDArray[np.void]:
    return rooms.view(f"V{rooms.dtype.itemsize}")


def fresh_rooms(count: int, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """Records of rooms that nobody has seen."""
    rooms = np.empty(count, dtype)
    _plain(rooms)[:] = _plain(_fresh_room(dtype))
    return rooms


@lru_cache
def _fresh_room(dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """One room to be copied, which is a tenth of the work of making it."""
    room = np.zeros(1, dtype)
    for name in ("session_start", "last_minute", "calm_since"):
        room[name] = FRESH
    room["spread"] = NORMAL_SPREAD
    reset_gate(room["gate"], everything=True)
    start_session(room)
    return room


def start_session(rooms: NDArray[np.void]) -> None:
    """Reset, in place, all that belongs to one session; what lasts from session to session stays."""
    rooms["over"] = False
    rooms["levels"] = np.zeros((), LEVEL_DTYPE)
    rooms["levels"]["recent"] = np.nan
    for name in ("h", "c", "evidence", "hot_minutes", "hot_actual", "hot_expected", "hot_high"):
        rooms[name] = 0
    for name in {"ring", "forecasts", SERIES}.intersection(rooms.dtype.names or ()):
        rooms[name] = np.nan
    reset_gate(rooms["gate"])
    rooms["regime"] = fresh_regimes(1)
    rooms["driver_sum"] = 0
    rooms["driver_weight"] = 0
    rooms["alerts"] = np.zeros((), ALERT_DTYPE)


def idle_at(last_minute: NDArray[np.int32], watermark: int) -> NDArray[np.int64]:
    """Places of the rooms, by their last minutes (n,), that the full hour before `watermark` lets go of.

    By the hour, so that it does not matter how the log is cut into batches; with an hour's grace, so that a room which
    lags behind the others comes back as new or not by its own records alone.
    """
    hour = watermark // 60 * 60
    return np.flatnonzero(hour - last_minute.astype(np.int64) >= FORGET_MINUTES + _GRACE_MINUTES)
