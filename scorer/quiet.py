"""Partitions that nothing comes to any more: their newest minute would stay open, and so would the alerts of its rooms.

A clock record moves such a partition's watermark on by the quiet time. It is a record like any other: whoever reads the
log later obeys it at the same place. One is enough, until a room's minute moves the watermark again.
"""

from __future__ import annotations

import time
from collections.abc import Container

from roompulse.errors import BrokerError
from roompulse.minutes import QUIET_MINUTES
from scorer.partitions import Partitions
from scorer.ports import Output


class QuietPartitions:
    """Since when each partition has been quiet, by this process's own clock."""

    def __init__(self, after_s: float) -> None:
        """Never says anything where `after_s` is 0."""
        self._after_s = after_s
        self._since: dict[int, float] = {}

    def begin_anew(self) -> None:
        """Nothing was to be heard for a while because nobody could hear: that is no quiet."""
        self._since.clear()

    def clocks(self, mine: Partitions, heard: Container[int]) -> list[Output]:
        """The clock records that are due; `heard` are the partitions that gave something just now."""
        now = time.monotonic()
        due: list[Output] = []
        for partition in mine if self._after_s else ():
            since = self._since.setdefault(partition, now)
            if partition in heard or now - since >= self._after_s:
                self._since[partition] = now
            if partition not in heard and now - since >= self._after_s:
                due += self._due(mine, partition)
        for partition in self._since.keys() - set(mine):
            del self._since[partition]
        return due

    def _due(self, mine: Partitions, partition: int) -> list[Output]:
        """Its clock record; none where one moved it last, or where there is more to be read first."""
        fold = mine[partition].fold
        try:
            quiet = mine.reads(partition) and not fold.head.clocked and not mine.behind(partition)
        except BrokerError:
            return []  # it is away, as the next poll will say
        clock = fold.clock_in(QUIET_MINUTES) if quiet else None
        return [] if clock is None else [clock]
