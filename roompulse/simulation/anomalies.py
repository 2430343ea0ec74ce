"""Surges and slumps that are known to be there, so that detection can be scored against them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.simulation.settings import SimulationSettings

SURGE_FACTORS = (2.0, 5.0)
SLUMP_FACTORS = (0.1, 0.5)
DURATION_MINUTES = (4, 20)
SETTLED_MINUTES = 20
"""Nothing happens earlier in a session: a room has to have a normal before it can leave it."""
PAUSE_MINUTES = 15
"""Between two anomalies of a room."""
CARRIERS = 4
"""Channels that can carry a surge."""


ALL_ROOMS = -1
"""The room number of what happens to all rooms."""


@dataclass(frozen=True, slots=True)
class Label:
    """A surge or slump: room number from 0, first and last epoch minute, and the factor on the mean at its height.

    Kind `fleet` is a move of all rooms together.
    """

    room: int
    kind: str
    first_minute: int
    last_minute: int
    magnitude: float


class Anomalies:
    """The state of every room's surge or slump; arrays have shape (rooms,)."""

    def __init__(self, settings: SimulationSettings, draw: np.random.Generator) -> None:
        count = settings.rooms
        self._draw = draw
        self._surge_chance = settings.surges_per_room_hour / 60
        self._slump_chance = settings.slumps_per_room_hour / 60
        self._longest_ramp = settings.longest_ramp_minutes
        self._height = np.ones(count)
        self._ramp = np.zeros(count, np.int64)
        self._first = np.zeros(count, np.int64)
        self._last = np.full(count, -PAUSE_MINUTES - 1)
        self.carrier = np.zeros(count, np.int64)
        self.factor = np.ones(count)

    def advance(self, epoch: int, seen_minutes: NDArray[np.int64], remaining: NDArray[np.int64]) -> tuple[Label, ...]:
        """One minute on: updates `factor` and `carrier`, returns what begins. `remaining` minutes include this one."""
        draw, count = self._draw, len(self.factor)
        chance = draw.random(count)
        heights = draw.random(count)
        durations = draw.integers(DURATION_MINUTES[0], DURATION_MINUTES[1] + 1, count)
        ramps = draw.integers(0, self._longest_ramp + 1, count)
        carriers = draw.integers(0, CARRIERS, count)
        free = (seen_minutes >= SETTLED_MINUTES) & (epoch > self._last + PAUSE_MINUTES) & (remaining > durations)
        surges = free & (chance < self._surge_chance)
        begins = free & (chance < self._surge_chance + self._slump_chance)
        heights = np.where(surges, _between(SURGE_FACTORS, heights), _between(SLUMP_FACTORS, heights))
        self._height = np.where(begins, heights, self._height)
        # A ramp must leave minutes at full height, or the label would promise more than there is.
        self._ramp = np.where(begins, np.minimum(ramps, (durations - 2) // 2), self._ramp)
        self._first = np.where(begins, epoch, self._first)
        self._last = np.where(begins, epoch + durations - 1, self._last)
        self.carrier = np.where(begins, carriers, self.carrier)
        from_an_end = np.minimum(epoch - self._first, self._last - epoch) + 1
        share = np.clip(from_an_end / (self._ramp + 1), 0.0, 1.0)
        self.factor = np.where(epoch <= self._last, 1 + (self._height - 1) * share, 1.0)
        return tuple(
            Label(
                int(room),
                "surge" if surges[room] else "slump",
                epoch,
                int(self._last[room]),
                round(float(self._height[room]), 3),
            )
            for room in np.flatnonzero(begins)
        )


def _between(bounds: tuple[float, float], share: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.round(bounds[0] + (bounds[1] - bounds[0]) * share, 3)
