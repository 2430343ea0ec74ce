"""Through which channels people came into one room, minute by minute. Channel names are anybody's text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.channels import CHANNEL_TOTALS

MOST_CHANNELS = 12
"""Channels told apart in a room; the others are summed up."""
OTHER = "other"
NATURAL, PAID = "natural", "paid"
_LEVEL_MINUTES = 10


@dataclass(frozen=True, slots=True)
class Driver:
    """What drove a room's count: a channel's name, whether it is paid, and by how many more than usual it brought."""

    name: str
    kind: str
    more: float


def channel_counts(natural: dict[str, float], paid: dict[str, float]) -> list[tuple[str, float]]:
    """A record's channels with `natural` or `paid` in front of each name, without the platform's totals."""
    return [
        (f"{kind} {name}", count)
        for kind, counts in ((NATURAL, natural), (PAID, paid))
        for name, count in counts.items()
        if name not in CHANNEL_TOTALS
    ]


class Channels:
    """A ring of minutes: a column for each of the first channels seen, the last one for all others."""

    def __init__(self, window: int) -> None:
        self.names: list[str] = []
        """`natural NAME` or `paid NAME`, in the order of their columns."""
        self._window = window
        self._at = np.full(window, -1, np.int64)
        self._counts = np.zeros((window, MOST_CHANNELS + 1), np.float64)

    def take(self, minute: int, channels: Sequence[tuple[str, float]]) -> None:
        """A minute's counts by channel."""
        slot = minute % self._window
        if minute < self._at[slot]:
            return
        self._at[slot] = minute
        self._counts[slot] = 0.0
        for name, count in channels:
            self._counts[slot, self._column(name)] += count

    def counts(self, minutes: NDArray[np.int64]) -> NDArray[np.float64]:
        """(minutes, channels and the others), NaN where no record named channels."""
        slots = minutes % self._window
        known = (self._at[slots] == minutes)[:, None]
        columns = [*range(len(self.names)), MOST_CHANNELS]
        return np.where(known, self._counts[slots][:, columns], np.nan)

    def driver(self, minute: int) -> Driver | None:
        """The channel that brought most more than its mean of the ten minutes before; None where none brought more."""
        counts = self.counts(np.arange(minute - _LEVEL_MINUTES, minute + 1))
        before = counts[:-1][~np.isnan(counts[:-1, 0])]
        if np.isnan(counts[-1, 0]) or not len(before):
            return None
        more = counts[-1] - before.mean(axis=0)
        most = int(np.argmax(more[:-1])) if self.names else -1
        if most < 0 or more[most] <= 0:
            return None
        kind, _, name = self.names[most].partition(" ")
        return Driver(name, kind, float(more[most]))

    def _column(self, name: str) -> int:
        if name in self.names:
            return self.names.index(name)
        if len(self.names) == MOST_CHANNELS:
            return MOST_CHANNELS
        self.names.append(name)
        return len(self.names) - 1
