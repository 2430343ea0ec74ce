"""The network against the plain mean, over a day of event time: who has the smaller error a minute ahead?

Errors are added up in whole sixteenths of a count, so that the sums do not depend on the order of adding.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from roompulse.control import PLAIN, ServeForecast

HOURS = 24
_PARTS = 16

VERDICT = ServeForecast(PLAIN, "the network's error was above the plain mean's over a day")
"""What is asked of a partition whose network has lost."""


class Contest(Struct, frozen=True):
    """The last hours, the newest last: (epoch hour, room-minutes judged, the network's error, the mean's)."""

    hours: tuple[tuple[int, int, int, int], ...] = ()

    def plus(self, hour: int, sums: tuple[int, int, int]) -> Contest:
        """Count sums into an hour; hours that are more than a day before it go."""
        if not sums[0]:
            return self
        kept = tuple(entry for entry in self.hours if hour - entry[0] < HOURS and entry[0] != hour)
        judged, network, mean = next((entry[1:] for entry in self.hours if entry[0] == hour), (0, 0, 0))
        now = (hour, judged + sums[0], network + sums[1], mean + sums[2])
        return Contest(tuple(sorted((*kept, now))))

    @property
    def lost(self) -> bool:
        """Whether the network was the worse over a whole day: one that was judged in each of its hours."""
        network, mean = (sum(entry[column] for entry in self.hours) for column in (2, 3))
        return len(self.hours) == HOURS and network > mean


def sums_of(misses: NDArray[np.float64]) -> tuple[int, int, int]:
    """Room-minutes judged and both error sums of `misses` (n, 2), absolute errors of network and mean, NaN: not judged.

    Errors are in sixteenths of a count.
    """
    judged = misses[~np.isnan(misses[:, 0])]
    network, mean = np.rint(judged * _PARTS).astype(np.int64).sum(axis=0).tolist()
    return len(judged), network, mean


def in_counts(sixteenths: int) -> float:
    """An error sum in counts."""
    return sixteenths / _PARTS
