"""Reads the topics for the board, in a thread of its own: without a group, committed records only."""

from __future__ import annotations

import logging
import threading
import time

from roompulse.errors import BrokerError
from roompulse.kafka_topics import describe_topics
from roompulse.settings import Settings
from roompulse.topics import Topics
from watch.board.state import BoardState
from watch.feed import ALERTS, FLEET, FORECASTS, HOTLIST, MINUTES, Feed, Seen
from watch.kafka_feed import KafkaFeed, Since
from watch.notify.open_now import read_open

POLL_S = 0.5
PAUSE_S = 0.2
"""Between polls, so that records come in batches and an idle page costs next to nothing."""
RETRY_S = 2.0
PROBE_S = 15.0
_CHUNK = 500

_log = logging.getLogger("roompulse.board")


class Reader:
    """Feeds a state. Whoever looks at the state holds `lock`; `trouble` says why there is nothing new, if so."""

    def __init__(self, settings: Settings, history_s: float) -> None:
        """Connects. Raises BrokerError where Kafka cannot be reached or a topic is missing."""
        self.lock = threading.Lock()
        self.trouble = ""
        self.catching_up = True
        self._settings, self._history_s = settings, history_s
        self._stopping = threading.Event()
        self._feed: Feed | None
        self._feed, self.state = self._open()
        self._thread = threading.Thread(target=self._run, name="board-reader", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """Stop reading and disconnect. Does not wait for a broker that does not answer."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2 * POLL_S)

    def _open(self) -> tuple[Feed, BoardState]:
        """A feed from so long ago on, and a state that knows what is open since before that."""
        topics = Topics(self._settings.topic_prefix)
        names = {
            MINUTES: topics.minutes, FORECASTS: topics.forecasts, ALERTS: topics.alerts, HOTLIST: topics.hotlist,
            FLEET: topics.fleet,
        }  # fmt: skip
        now_s = time.time()
        feed = KafkaFeed(self._settings, names, Since(int((now_s - self._history_s) * 1000)))
        try:
            partitions = describe_topics(self._settings, [topics.alerts_open])[0].partitions
            kinds = {topics.alerts_open: ALERTS, topics.fleet: FLEET}
            found = read_open(self._settings, topics, frozenset(range(partitions)))
        except BaseException:
            feed.close()
            raise
        state = BoardState()
        for place, records in found:
            seen = [Seen(kinds[place.topic], record.value, record.timestamp / 1000) for record in records]
            state.take(seen, now_s)
        return feed, state

    def _run(self) -> None:
        heard = time.monotonic()
        while not self._stopping.is_set():
            try:
                if self._feed is None:
                    feed, state = self._open()
                    with self.lock:
                        self._feed, self.state, self.trouble, self.catching_up = feed, state, "", True
                    heard = time.monotonic()
                records = self._feed.poll(POLL_S)
                if records:
                    heard = time.monotonic()
                elif time.monotonic() - heard > PROBE_S:
                    # A broker that is gone shows in no poll; one that is there and has nothing new answers.
                    self._feed.at_end()
                    heard = time.monotonic()
            except BrokerError as error:
                self._lose(error)
                continue
            self._take(records)
            self._stopping.wait(PAUSE_S if not records or not self.catching_up else 0.0)
        if self._feed is not None:
            self._feed.close()

    def _take(self, records: list[Seen]) -> None:
        for start in range(0, len(records), _CHUNK):
            with self.lock:
                self.state.take(records[start : start + _CHUNK], time.time())
        if not records:
            self.catching_up = False

    def _lose(self, error: BrokerError) -> None:
        if not self.trouble:
            _log.warning("%s; trying again every %g s", error, RETRY_S)
        self.trouble = str(error)
        if self._feed is not None:
            try:
                self._feed.close()
            except BrokerError as closing:
                _log.debug("%s", closing)
            self._feed = None
        self._stopping.wait(RETRY_S)
