"""A room turns to another network: what the old one remembered is replaced by what the new one would remember.

The network's state is rebuilt from the ring of the session's last minutes. Where the session is no longer than the
ring, that is exactly the state that the new network would have had; otherwise it has seen the last hour of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roompulse.features import fresh_levels, observe
from roompulse.gate import judge_anew
from roompulse.rooms import FRESH
from scorer.ports import Forecaster, WindowForecaster


def adopt(rooms: NDArray[np.void], code: int, forecaster: Forecaster, *, same_channels: bool) -> None:
    """Make `rooms` (n,) rooms of the network with this code, in place.

    Where the channels that are told apart differ, the running levels of the drivers begin anew.
    """
    rooms["model"] = code
    rooms["h"] = 0
    rooms["c"] = 0
    gate = rooms["gate"]
    judge_anew(gate)
    if not same_channels:
        rooms["driver_sum"] = 0
        rooms["driver_weight"] = 0
    running = np.flatnonzero((rooms["session_start"] != FRESH) & ~rooms["over"])
    if len(running) and not isinstance(forecaster, WindowForecaster):
        part = rooms[running]
        _rebuild(part, forecaster)
        rooms[running] = part


def _rebuild(rooms: NDArray[np.void], forecaster: Forecaster) -> None:
    """Let a step network see the ring's minutes again, in place."""
    assert not isinstance(forecaster, WindowForecaster)
    units, window = forecaster.units, rooms["ring"].shape[1]
    levels = fresh_levels(len(rooms))
    h = np.zeros((len(rooms), units), np.float32)
    c = np.zeros((len(rooms), units), np.float32)
    last = rooms["last_minute"].astype(np.int64)
    for back in range(window - 1, -1, -1):
        rows = np.flatnonzero(last - back >= rooms["session_start"])
        if len(rows) == 0:
            continue
        seen = levels[rows]
        values = rooms["ring"][rows, (last[rows] - back) % window].astype(np.float64)
        inputs, _ = observe(seen, values)
        levels[rows] = seen
        _, h[rows], c[rows] = forecaster.step(inputs, h[rows], c[rows])
    rooms["h"][:, :units] = h
    rooms["c"][:, :units] = c
