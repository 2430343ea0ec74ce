"""The one way in which both targets read: what Kafka's troubles and its lag mean for them."""

from __future__ import annotations

import logging
import time
from typing import Protocol

from roompulse.errors import BrokerError
from watch.notify.group_feed import Read
from watch.notify.metrics import UNREADABLE, NotifyMetrics
from watch.notify.standing import Standing

LAG_S = 5.0
"""How often the ends of the topics are asked for: the lag, and a sign of life from a Kafka that has nothing new."""

KAFKA, PARTITIONS = "Kafka", "partitions"
_log = logging.getLogger("roompulse.notify")


class Feed(Protocol):
    """What is read from; its methods raise BrokerError."""

    def poll(self, max_wait_s: float) -> Read:
        """The next records."""

    def behind(self) -> bool:
        """Whether what was read is older than the takeover."""

    def commit(self) -> None:
        """Everything polled is dealt with."""

    def lag(self) -> int:
        """Records that are not."""

    def pause(self) -> None:
        """Give none until `resume`."""

    def resume(self) -> None:
        """Undo `pause`."""

    def close(self) -> None:
        """Leave."""


class Reading:
    """Reads for one target. Kafka's troubles are noted, not raised: what is held is posted all the same."""

    def __init__(self, target: str, feed: Feed, metrics: NotifyMetrics, standing: Standing) -> None:
        self._target, self._feed, self._metrics, self._standing = target, feed, metrics, standing
        self._looked_at = 0.0
        self.mine: frozenset[int] = frozenset()
        """The partitions that are this process's now."""

    def next(self, max_wait_s: float, *, paused: bool = False) -> Read:
        """The next records; nothing where Kafka is away, or while `paused`: then only the group's life goes on."""
        if self.mine:
            self._measure()
        try:
            (self._feed.pause if paused else self._feed.resume)()
            read = self._feed.poll(max_wait_s)
        except BrokerError as error:
            self._standing.trouble(KAFKA, str(error))
            time.sleep(max_wait_s)
            return Read([])
        self.mine = (self.mine - read.lost) | read.taken
        if read.taken:
            _log.info("%s: partitions %s taken over", self._target, ", ".join(map(str, sorted(read.taken))))
        if read.unreadable:
            self._metrics.dropped(UNREADABLE, len(read.unreadable))
            _log.warning("left out %d records that no scorer wrote; %s", len(read.unreadable), read.unreadable[0])
        if self.mine:
            self._standing.well(PARTITIONS)
        else:
            self._standing.trouble(PARTITIONS, "no partition is assigned yet", loud=False)
        return read

    def current(self) -> bool:
        """Whether what has been read says how things are now."""
        try:
            return bool(self.mine) and not self._feed.behind()
        except BrokerError as error:
            self._standing.trouble(KAFKA, str(error))
            return False

    def done(self) -> None:
        """Everything read is dealt with: the group may go on from here."""
        try:
            self._feed.commit()
        except BrokerError as error:
            self._standing.trouble(KAFKA, str(error))

    def _measure(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < LAG_S:
            return
        try:
            self._metrics.lag(self._target, self._feed.lag())
        except BrokerError as error:
            self._standing.trouble(KAFKA, str(error))
        else:
            self._standing.well(KAFKA)
        self._looked_at = time.monotonic()
