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
from watch.feed import ALERTS, FLEET, FORECASTS, HOTLIST, MINUTES, Seen
from watch.kafka_feed import KafkaFeed, Since
from watch.notify.open_now import read_open

POLL_S = 0.05
PAUSE_S = 0.2
"""Between rounds, so that records come in batches and an idle page costs next to nothing."""
RETRY_S = 2.0
PROBE_S = 15.0
CLOSE_S = 1.0
_CHUNK = 500
_NEAR_RECORDS = 1000

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
        self._feeds: list[KafkaFeed] = []
        self.state = self._open()
        self._thread = threading.Thread(target=self._run, name="board-reader", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """Stop reading and disconnect. Does not wait for a broker that does not answer."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)

    def _open(self) -> BoardState:
        """Feeds from so long ago on, and a state that knows what is open since before that."""
        topics = Topics(self._settings.topic_prefix)
        now_s = time.time()
        since = Since(int((now_s - self._history_s) * 1000))
        # The few records come first: alerts and hot rooms are there while the many are still being read.
        few = {ALERTS: topics.alerts, HOTLIST: topics.hotlist, FLEET: topics.fleet}
        try:
            for names in (few, {MINUTES: topics.minutes}, {FORECASTS: topics.forecasts}):
                self._feeds.append(KafkaFeed(self._settings, names, since))
            partitions = describe_topics(self._settings, [topics.alerts_open])[0].partitions
            found = read_open(self._settings, topics, frozenset(range(partitions)))
        except BrokerError:
            self._close_feeds()
            raise
        kinds = {topics.alerts_open: ALERTS, topics.fleet: FLEET}
        state = BoardState()
        for place, records in found:
            state.take([Seen(kinds[place.topic], record.value, None) for record in records], now_s)
        return state

    def _run(self) -> None:
        heard = time.monotonic()
        while not self._stopping.is_set():
            try:
                if not self._feeds:
                    state = self._open()
                    with self.lock:
                        self.state, self.trouble, self.catching_up = state, "", True
                    heard = time.monotonic()
                if self._turn():
                    heard = time.monotonic()
                elif time.monotonic() - heard > PROBE_S:
                    # A broker that is gone shows in no poll; one that is there and has nothing new answers.
                    self._feeds[0].behind()
                    heard = time.monotonic()
            except BrokerError as error:
                self._lose(error)
        self._close_feeds()

    def _turn(self) -> bool:
        """Take in what has come. Whether there was anything."""
        found = False
        for feed in self._feeds:
            records = feed.poll(POLL_S)
            found = found or bool(records)
            for start in range(0, len(records), _CHUNK):
                with self.lock:
                    self.state.take(records[start : start + _CHUNK], time.time())
        if self.catching_up:
            # Where records keep coming, the very end is never reached.
            self.catching_up = any(feed.behind() > _NEAR_RECORDS for feed in self._feeds)
        else:
            self._stopping.wait(PAUSE_S)
        return found

    def _lose(self, error: BrokerError) -> None:
        if not self.trouble:
            _log.warning("%s; trying again every %g s", error, RETRY_S)
        self.trouble = str(error)
        self._close_feeds()
        self._stopping.wait(RETRY_S)

    def _close_feeds(self) -> None:
        feeds, self._feeds = self._feeds, []
        for feed in feeds:
            try:
                feed.close()
            except BrokerError as closing:
                _log.debug("%s", closing)
