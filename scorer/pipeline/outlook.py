"""What a room keeps for its network and what the network makes of it: the one place that knows both kinds.

A step network carries its state from minute to minute, so a minute costs one step. A windowed network reads the room's
last minutes anew each time: those of the target's ring, or of a ring of all series where it was trained on them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roompulse.minutes import ZULU
from roompulse.rooms import SERIES
from scorer.pipeline.decode import Records
from scorer.ports import Forecaster, StepForecaster, WindowForecaster


def note(rooms: NDArray[np.void], minute: NDArray[np.int64], value: NDArray[np.float64], series: object) -> None:
    """Put a minute into the rings of `rooms` (n,), in place.

    `value` (n,) is the target, NaN for a blank; `series` (n, 27) or one number is for all series, where they are kept.
    """
    place = np.arange(len(rooms))
    rooms["ring"][place, minute % rooms["ring"].shape[1]] = value
    if SERIES in (rooms.dtype.names or ()):
        rooms[SERIES][place, minute % rooms[SERIES].shape[1]] = series


def correct_rings(room: NDArray[np.void], record: Records) -> None:
    """Put a corrected minute into the rings of one room, in place; one that the ring of all series no longer holds not.

    The target's ring holds it: what it does not hold is no correction.
    """
    minute = int(record.minute[0])
    room["ring"][0, minute % room["ring"].shape[1]] = record.value[0]
    if SERIES in (room.dtype.names or ()) and int(room["last_minute"][0]) - minute < room[SERIES].shape[1]:
        room[SERIES][0, minute % room[SERIES].shape[1]] = record.series[0]


def pass_blank(rooms: NDArray[np.void], inputs: NDArray[np.float32], forecaster: Forecaster) -> None:
    """Let a minute that never came pass, in place; `inputs` (n, 6) carry the blank flag. A window just has a hole."""
    if not isinstance(forecaster, WindowForecaster):
        _step(rooms, inputs, forecaster)


def _step(rooms: NDArray[np.void], inputs: NDArray[np.float32], forecaster: StepForecaster) -> NDArray[np.float32]:
    """One minute of a step network; rooms may have room for a wider network's state than this one's."""
    units = forecaster.units
    outputs, h, c = forecaster.step(inputs, rooms["h"][:, :units].copy(), rooms["c"][:, :units].copy())
    rooms["h"][:, :units] = h
    rooms["c"][:, :units] = c
    return outputs


def look_ahead(
    rooms: NDArray[np.void],
    records: Records,
    inputs: NDArray[np.float32],
    references: NDArray[np.float64],
    forecaster: Forecaster,
) -> NDArray[np.float32]:
    """The network's outputs (n, 3, 10) relative to `references` (n,), after this minute was noted; moves its state on.

    `inputs` (n, 6) are this minute's features.
    """
    if isinstance(forecaster, WindowForecaster):
        windows = _windows(rooms, records.minute, forecaster.look_back)
        local = records.minute + np.where(records.offset == ZULU, 0, records.offset)
        return forecaster.from_window(windows, local, references)
    return _step(rooms, inputs, forecaster)


def _windows(rooms: NDArray[np.void], minute: NDArray[np.int64], look_back: int) -> NDArray[np.float32]:
    """The minutes up to and including `minute` (n,), oldest first: (n, look_back, series), NaN before the session."""
    ring = rooms[SERIES] if SERIES in (rooms.dtype.names or ()) else rooms["ring"][:, :, None]
    places = (minute[:, None] - np.arange(look_back - 1, -1, -1)) % ring.shape[1]
    return np.take_along_axis(ring, places[:, :, None], axis=1)
