"""Delivers every event to the webhook, in order for each room: read, deliver, commit."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Protocol

from roompulse.stderr_log import fields
from roompulse.topics import Topics
from watch.notify.backoff import Backoff
from watch.notify.events import event_body, event_id, lane, signed_headers
from watch.notify.http_target import Answer, TargetAway
from watch.notify.metrics import REFUSED, WEBHOOK, NotifyMetrics
from watch.notify.plan import OLD
from watch.notify.reading import Feed, Reading
from watch.notify.records import Told
from watch.notify.standing import Standing

CONNECTIONS = 4
MOST_AT_ONCE = 64
DELIVERING_S = 5.0
"""After so long in a row the group wants to be polled, however slowly the receiver answers."""

_log = logging.getLogger("roompulse.notify")


class Takes(Protocol):
    """A receiver; `post` raises TargetAway."""

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post one event."""

    def close(self) -> None:
        """Disconnect."""


def too_old(told: Told, now: float, max_age_s: float) -> bool:
    """Whether an event is not news any more.

    An end is news however late it is delivered, for the receiver may hold the alert open; unless it was old when it was
    written, as in a replay.
    """
    return (told.written_s if told.ended else now) - told.minute_s > max_age_s


class ToWebhook:
    """The loop of one target. Nothing is read while events wait, so memory is bounded however long it is away."""

    def __init__(
        self,
        feed: Feed,
        connect: Callable[[], Takes],
        secret: bytes,
        topics: Topics,
        max_age_s: float,
        metrics: NotifyMetrics,
    ) -> None:
        self.standing = Standing(WEBHOOK)
        self.at_end = False
        """Whether everything there was has been dealt with."""
        self._feed, self._secret, self._topics, self._metrics = feed, secret, topics, metrics
        self._max_age_s = max_age_s
        self._reading = Reading(WEBHOOK, feed, metrics, self.standing)
        self._backoff = Backoff()
        self._waiting: list[Told] = []
        self._targets: SimpleQueue[Takes] = SimpleQueue()
        for _ in range(CONNECTIONS):
            self._targets.put(connect())
        self._pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="webhook")

    def turn(self, max_wait_s: float) -> None:
        """One round. Never raises for what may pass: the standing and the metrics tell."""
        self.standing.turned()
        ready = self._backoff.ready(time.monotonic())
        paused = bool(self._waiting)
        read = self._reading.next(0.0 if paused and ready else max_wait_s, paused=paused)
        if read.lost:
            self._waiting = [told for told in self._waiting if told.partition not in read.lost]
        self._waiting += read.told
        if self._waiting and ready:
            self._deliver()
        if not self._waiting:
            self._reading.done()
        self.at_end = not self._waiting and not read.told and self._reading.current()

    def close(self) -> None:
        """Leave the group and disconnect."""
        self._feed.close()
        self._pool.shutdown()
        while not self._targets.empty():
            self._targets.get().close()

    def _deliver(self) -> None:
        """Deliver the first of those that wait; rooms at the same time, a room's events one after the other."""
        now = time.time()
        batch = self._waiting[:MOST_AT_ONCE]
        lanes: dict[str, list[int]] = defaultdict(list)
        for place, told in enumerate(batch):
            if not too_old(told, now, self._max_age_s):
                lanes[lane(told)].append(place)
        old = len(batch) - sum(map(len, lanes.values()))
        if old:
            self._metrics.dropped(OLD, old)
            _log.info("not posted to the webhook, %s: %d events", OLD, old)
        deadline = time.monotonic() + DELIVERING_S
        outcomes = list(
            self._pool.map(lambda places: self._in_order([batch[place] for place in places], deadline), lanes.values())
        )
        left = {place for places, (done, _) in zip(lanes.values(), outcomes, strict=True) for place in places[done:]}
        self._waiting = [batch[place] for place in sorted(left)] + self._waiting[MOST_AT_ONCE:]
        troubles = [trouble for _, trouble in outcomes if trouble is not None]
        if troubles:
            asked_s = max(trouble.retry_after_s for trouble in troubles)
            self._backoff.failed(time.monotonic(), asked_s)
            self.standing.trouble(WEBHOOK, str(troubles[0]))
        elif outcomes:
            self._backoff.worked()
            self.standing.well(WEBHOOK)

    def _in_order(self, events: Sequence[Told], deadline: float) -> tuple[int, TargetAway | None]:
        """Deliver one room's events; returns how many are dealt with, and what stopped it if not the time."""
        target = self._targets.get()
        try:
            for done, told in enumerate(events):
                if time.monotonic() > deadline:
                    return done, None
                try:
                    self._post(target, told)
                except TargetAway as error:
                    self._metrics.posted(WEBHOOK, ok=False)
                    return done, error
            return len(events), None
        finally:
            self._targets.put(target)

    def _post(self, target: Takes, told: Told) -> None:
        identity, body = event_id(told), event_body(told, self._topics)
        answer = target.post("", body, signed_headers(identity, body, self._secret, time.time()))
        if answer.worth_a_retry:
            raise TargetAway(answer.said, answer.retry_after_s)
        self._metrics.posted(WEBHOOK, ok=answer.accepted)
        if not answer.accepted:
            named = fields(target=WEBHOOK, event_id=identity, reason=answer.said)
            _log.error("the webhook refuses event %s: %s", ascii(identity), answer.said, extra=named)
            self._metrics.dropped(REFUSED, 1)
