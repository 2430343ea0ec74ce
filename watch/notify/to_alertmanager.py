"""Keeps Alertmanager at what is open: read, compare, post, commit, in this order."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from roompulse.stderr_log import fields
from watch.notify.backoff import Backoff
from watch.notify.http_target import Answer, TargetAway
from watch.notify.metrics import ALERTMANAGER, REFUSED, NotifyMetrics
from watch.notify.plan import Due, Plan
from watch.notify.posting import Posting
from watch.notify.reading import Feed, Reading
from watch.notify.standing import Standing
from watch.notify.watchdog import MATCHER, Watchdog

MOST_AT_ONCE = 64
"""Alerts in one request, as Prometheus itself does."""

GATHER_S = 1.0
"""While records keep coming, posts are no closer than this: what opens and ends at once need not be shown."""

POSTING_S = 5.0
"""After so long in a row the group wants to be polled."""

SIGN_OF_LIFE_S = 60.0
"""Where there is nothing to post, an empty request shows as often as this that the way is open."""

_BAD = {400, 413, 422}
_log = logging.getLogger("roompulse.notify")


class Shows(Protocol):
    """An Alertmanager; its methods raise TargetAway."""

    def post(self, postings: Sequence[Posting]) -> Answer:
        """Post alerts."""

    def shown(self, matcher: str = ...) -> list[Posting]:
        """What it shows that matches; by default what this command posts of rooms and fleets."""

    def close(self) -> None:
        """Disconnect."""


class ToAlertmanager:
    """The loop of one target. Records are folded while it is away; the offsets move only once it has taken them."""

    def __init__(
        self,
        feed: Feed,
        target: Shows,
        plan: Plan,
        metrics: NotifyMetrics,
        watchdog: Watchdog | None = None,
    ) -> None:
        self.standing = Standing(ALERTMANAGER)
        self.at_end = False
        """Whether everything there was has been dealt with."""
        self._feed, self._target, self._plan, self._metrics = feed, target, plan, metrics
        self._reading = Reading(ALERTMANAGER, feed, metrics, self.standing)
        self._watchdog = watchdog
        self._backoff = Backoff()
        self._compared = False
        self._tried_at = self._accepted_at = 0.0

    def turn(self, max_wait_s: float) -> None:
        """One round. Never raises for what may pass: the standing and the metrics tell."""
        self.standing.turned()
        self.at_end = False
        read = self._reading.next(max_wait_s)
        if read.lost:
            self._plan.forget(read.lost)
        for told in read.told:
            self._plan.take(told, time.time())
        self._compared = self._compared and not read.taken
        now = time.monotonic()
        if not self._reading.current() or not self._backoff.ready(now):
            return
        if read.told and now - self._tried_at < GATHER_S:
            return
        self._tried_at = now
        try:
            self.at_end = self._post() and not read.told
            self._backoff.worked()
            self.standing.well(ALERTMANAGER)
        except TargetAway as error:
            # What was posted last may have been taken all the same.
            self._compared = False
            self._plan.prune(time.time())
            self._metrics.posted(ALERTMANAGER, ok=False)
            self._backoff.failed(time.monotonic(), error.retry_after_s)
            self.standing.trouble(ALERTMANAGER, str(error))
        self._metrics.shown(self._plan.open_alerts)
        for reason, count in (+self._plan.dropped).items():
            self._metrics.dropped(reason, count)
            _log.info("not posted, %s: %d alerts", reason, count)
        self._plan.dropped.clear()

    def close(self) -> None:
        """Leave the group and disconnect. What is open ends by itself unless another process goes on with it."""
        self._feed.close()
        self._target.close()

    def _post(self) -> bool:
        """Post what is due; False where the time for it was too short. Raises TargetAway."""
        if not self._compared:
            self._plan.found(self._target.shown(), self._reading.mine)
            self._compared = True
        started = time.monotonic()
        for batch in _batches(self._plan.due(time.time())):
            if time.monotonic() - started > POSTING_S:
                return False
            self._deliver(batch)
        if self._watchdog is not None and self._watchdog.is_due(started):
            posting = self._watchdog.look(self._target.shown(MATCHER), time.time())
            if posting is not None:
                self._send([posting])
        if time.monotonic() - self._accepted_at >= SIGN_OF_LIFE_S:
            self._send([])
        self._reading.done()
        return True

    def _deliver(self, batch: Sequence[Due]) -> None:
        answer = self._send([posting for due in batch for posting in due.postings])
        if not answer.accepted and len(batch) > 1:
            # Alertmanager has taken the good ones, and does not say which they were.
            for due in batch:
                self._deliver([due])
            return
        if not answer.accepted:
            named = fields(target=ALERTMANAGER, alert_id=batch[0].alert_id, reason=answer.said)
            _log.error("alertmanager refuses alert %s: %s", batch[0].alert_id, answer.said, extra=named)
            self._metrics.dropped(REFUSED, 1)
        now = time.time()
        for due in batch:
            self._plan.accepted(due, now)

    def _send(self, postings: Sequence[Posting]) -> Answer:
        """Post; the answer is that all was taken, or that something is wrong with it. Raises TargetAway otherwise."""
        answer = self._target.post(postings)
        if not answer.accepted and answer.status not in _BAD:
            raise TargetAway(answer.said, answer.retry_after_s)
        self._metrics.posted(ALERTMANAGER, ok=answer.accepted)
        if answer.accepted:
            self._accepted_at = time.monotonic()
        return answer


def _batches(found: Sequence[Due]) -> Iterator[list[Due]]:
    batch: list[Due] = []
    size = 0
    for due in found:
        if batch and size + len(due.postings) > MOST_AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append(due)
        size += len(due.postings)
    if batch:
        yield batch
