"""Where a replay's records go: one method to send, one to wait until all of it has arrived."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from roompulse.errors import BrokerError
from roompulse.history import say_on_stderr
from roompulse.kafka_client import DELIVERY_TIMEOUT_S, make_producer
from roompulse.kafka_errors import broker_errors, translated
from roompulse.kafka_topics import ensure_topics
from roompulse.settings import Settings
from roompulse.topics import Topics

Headers = Sequence[tuple[str, bytes]]

_MARK_BYTES = 1_000_000
_MARKS = 32
"""With both: at most about 32 MB are on their way, however fast the rows come."""
_RECORD_OVERHEAD_BYTES = 200


class Publisher(Protocol):
    """A topic that takes records."""

    @property
    def partitions(self) -> int:
        """How many partitions the topic has."""

    def send(self, key: bytes | None, value: bytes, headers: Headers, partition: int | None = None) -> None:
        """Hand one record over, to the partition of its key or to the one given. May wait; raises BrokerError."""

    def flush(self) -> None:
        """Wait until everything sent has arrived. Raises BrokerError when something did not."""


class KafkaPublisher:
    """Sends to one Kafka topic: idempotent, acknowledged by all replicas, partitioned by key with murmur2."""

    def __init__(self, producer: Any, topic: str) -> None:
        """`producer` is a KafkaProducer, `topic` is there already. Raises BrokerError."""
        self._producer = producer
        self._topic = topic
        self._failure: BaseException | None = None
        self._marks: deque[Any] = deque()
        self._bytes_since_mark = 0
        with broker_errors(f"cannot read the partitions of {topic}"):
            self._partitions = len(producer.partitions_for(topic) or ())

    @property
    def partitions(self) -> int:
        """How many partitions the topic has."""
        return self._partitions

    def send(self, key: bytes | None, value: bytes, headers: Headers, partition: int | None = None) -> None:
        """Hand one record over. Waits while too much is on its way. Raises BrokerError when an earlier one failed."""
        with broker_errors(f"cannot send to {self._topic}"):
            future = self._producer.send(self._topic, value, key, list(headers), partition)
        future.add_errback(self._failed)
        self._bytes_since_mark += len(value) + _RECORD_OVERHEAD_BYTES
        if self._bytes_since_mark >= _MARK_BYTES:
            self._bytes_since_mark = 0
            self._marks.append(future)
            if len(self._marks) > _MARKS:
                with broker_errors(f"cannot send to {self._topic}"):
                    self._marks.popleft().get(timeout=2 * DELIVERY_TIMEOUT_S)
        self._check()

    def flush(self) -> None:
        """Wait until everything sent has arrived. Raises BrokerError when something did not."""
        with broker_errors(f"cannot send to {self._topic}"):
            self._producer.flush(timeout=2 * DELIVERY_TIMEOUT_S)
        self._marks.clear()
        self._check()

    def _failed(self, error: BaseException) -> None:
        # Called by the client's own thread; the next call of ours raises it.
        self._failure = self._failure or error

    def _check(self) -> None:
        if self._failure is not None:
            error = translated(f"a record did not reach {self._topic}", self._failure)
            raise error from self._failure


@contextmanager
def kafka_publisher(settings: Settings) -> Iterator[KafkaPublisher]:
    """A publisher to the topic of room-minutes, which is created where it is missing. Raises BrokerError."""
    topics = Topics(settings.topic_prefix)
    report = ensure_topics(settings, topics)
    if report.created:
        say_on_stderr(f"created {', '.join(report.created)} with {report.states[0].partitions} partitions")
    producer = make_producer(settings)
    try:
        publisher = KafkaPublisher(producer, topics.minutes)
        if not publisher.partitions:
            raise BrokerError(f"topic {topics.minutes} has no partitions yet; try again")
        yield publisher
    finally:
        producer.close(timeout=1)
