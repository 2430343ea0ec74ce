"""The event log over confluent-kafka, librdkafka's client: a fraction of kafka-python's cost for each message.

What librdkafka 2.16 leaves to its caller, found by test against Apache Kafka 4.3:

- A position is the last message's offset + 1 there, which stays before markers and aborted records: here the end that
  each partition reports when it has been read up to it counts too.
- A consumer that lost its membership describes itself without a generation, and with that the broker checks nothing: a
  zombie's offsets would be accepted. So positions are sent with the membership as it was when messages were polled.
- That membership is the one told by the last change that was served. The library joins again in the background, while
  messages from before still wait, and with the newest membership a zombie's offsets would be accepted for those.
- It gives nothing, without an error, for as long as the broker is away: here one that gave no sign of life is asked.
- A partition that had an error is told of once, then stands still or goes on behind it: here it is read again from
  where it stood, so that the error comes again and nothing is left out. Messages that came with it are given first.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from roompulse.errors import BrokerError, FencedError, RoomPulseError
from roompulse.kafka_client import REQUEST_TIMEOUT_S
from roompulse.kafka_topics import TopicState, describe_topics
from roompulse.settings import Settings
from scorer.adapters.confluent_client import (
    BATCH_BYTES,
    confluent_errors,
    consumer_config,
    error_of,
    membership_of,
    translated,
)
from scorer.adapters.confluent_messages import NO_PARTITION, NOT_HELD, batches_of
from scorer.adapters.confluent_transactions import ConfluentTransactions
from scorer.ports import Output, Polled

MAX_POLL_INTERVAL_S = 120.0
"""A member that does not poll for so long leaves the group, though its heart still beats."""

COMMITTED_WAIT_S = 30.0

SILENCE_S = 5.0
"""After so long without a message the broker is asked whether it is still there."""

_MOST_AT_ONCE = 1_000_000
"""The library's own limit."""


class ConfluentLog:
    """A member of the group `settings.group_id` that reads `topic`, and writes as `settings.instance`."""

    def __init__(self, settings: Settings, topic: str, batch_bytes: int = BATCH_BYTES) -> None:
        """Connect, and fence an earlier process of the same instance; the group is joined at the first poll.

        No topic that is written to may take less than `batch_bytes` at once (`max.message.bytes`).
        Raises BrokerError within the connect timeout.
        """
        self._settings, self._topic = settings, topic
        self._positions: dict[int, int] = {}
        self._paused: set[int] = set()
        self._lost: set[int] = set()
        self._gained: set[int] = set()
        self._mine: set[int] = set()
        self._troubles: dict[int, KafkaError] = {}
        self._membership: bytes | None = None
        self._heard_at = time.monotonic()
        self._closed = False
        self._transactions = ConfluentTransactions(settings, topic, batch_bytes)
        try:
            self._consumer = Consumer(consumer_config(settings, MAX_POLL_INTERVAL_S))
            self._consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)
        except KafkaException as error:
            self._transactions.close()
            raise translated(f"cannot use Kafka at {settings.bootstrap_servers}", error_of(error)) from error

    def topic_id(self) -> str:
        return self._described().topic_id

    def partition_count(self) -> int:
        return self._described().partitions

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        """As the port says. What is wrong with a partition is raised when nothing that was polled is lost over it."""
        self._transactions.serve()
        if self._troubles:
            self._raise_trouble()
        found = self._take(max_records, timeout_s)
        batches = batches_of(found, self._positions, self._troubles)
        lost, gained = frozenset(self._lost), frozenset(self._gained)
        self._lost, self._gained = set(), set()
        if found or lost or gained:
            self._heard_at = time.monotonic()
        elif time.monotonic() - self._heard_at > SILENCE_S:
            self.bounds(0)
        if self._troubles and not (batches or lost or gained):
            self._raise_trouble()
        return Polled(batches, lost, gained)

    def _take(self, max_records: int, timeout_s: float) -> list[Any]:
        found: list[Any] = []
        try:
            first = self._consumer.poll(timeout_s)
            if first is not None:
                found = [first]
                found += self._consumer.consume(min(max_records - 1, _MOST_AT_ONCE), 0)
        except KafkaException as error:
            self._troubles[NO_PARTITION] = error_of(error)
        return found

    def committed(self, partition: int) -> int | None:
        """As the port says; waits for at most 30 s: in that time a broker ends any transaction that was left open."""
        doing = f"cannot read the committed offset of partition {partition}"
        with confluent_errors(doing):
            (found,) = self._consumer.committed([self._at(partition)], COMMITTED_WAIT_S)
        if found.error is not None:
            raise translated(doing, found.error)
        return None if found.offset < 0 else int(found.offset)

    def bounds(self, partition: int) -> tuple[int, int]:
        doing = f"cannot read the bounds of partition {partition}"
        with confluent_errors(doing):
            bounds = self._consumer.get_watermark_offsets(self._at(partition), REQUEST_TIMEOUT_S)
        if bounds is None:
            raise BrokerError(f"{doing}: no answer for {REQUEST_TIMEOUT_S:g} s")
        self._heard_at = time.monotonic()
        return bounds

    def offset_at(self, partition: int, timestamp_ms: int) -> int:
        doing = f"cannot look up a time in partition {partition}"
        with confluent_errors(doing):
            (found,) = self._consumer.offsets_for_times([self._at(partition, timestamp_ms)], REQUEST_TIMEOUT_S)
        if found.error is not None:
            raise translated(doing, found.error)
        return self.bounds(partition)[1] if found.offset < 0 else int(found.offset)

    def start(self, partition: int, offset: int) -> None:
        if partition not in self._mine:
            raise FencedError(f"partition {partition} is not ours any more")
        at = [self._at(partition, offset)]
        with confluent_errors(f"cannot start partition {partition}"):
            self._move(at)
            (self._consumer.pause if partition in self._paused else self._consumer.resume)(at)
        self._positions[partition] = offset
        self._troubles.pop(partition, None)

    def pause(self, partitions: Iterable[int]) -> None:
        mine = self._mine & set(partitions)
        self._paused |= mine
        with confluent_errors("cannot pause"):
            self._consumer.pause([self._at(partition) for partition in mine])

    def resume(self, partitions: Iterable[int]) -> None:
        mine = self._paused & set(partitions)
        self._paused -= mine
        with confluent_errors("cannot resume"):
            self._consumer.resume([self._at(partition) for partition in mine & self._positions.keys()])

    def begin(self) -> None:
        self._transactions.begin()

    def send(self, outputs: Iterable[Output]) -> None:
        self._transactions.send(outputs)

    def send_positions(self, positions: Mapping[int, int]) -> None:
        if self._membership is None:
            raise FencedError("positions of a consumer that has not joined its group")
        self._transactions.send_positions(positions, self._membership)

    def commit(self) -> None:
        self._transactions.commit()

    def abort(self) -> None:
        self._transactions.abort()

    def close(self) -> None:
        self._transactions.close()
        if not self._closed:
            # From now on the callbacks do nothing: a closing library never answers what they ask. One that fails in it
            # comes as a SystemError now and then; all is committed.
            self._closed = True
            with contextlib.suppress(KafkaException, SystemError):
                self._consumer.close()

    def _move(self, at: list[TopicPartition]) -> None:
        """Taken out and in again: a seek is refused or forgotten while the client looks for an offset."""
        self._consumer.incremental_unassign(at)
        self._consumer.incremental_assign(at)

    def _assigned(self, consumer: Consumer, assigned: list[TopicPartition]) -> None:
        """Hold back what is new until it is started; called for every new generation, also with nothing new."""
        if self._closed:
            return
        for at in assigned:
            at.offset = 0
        consumer.incremental_assign(assigned)
        consumer.pause(assigned)
        self._membership = membership_of(consumer) or self._membership
        partitions = {at.partition for at in assigned}
        self._mine |= partitions
        self._gained |= partitions

    def _revoked(self, consumer: Consumer, revoked: list[TopicPartition]) -> None:
        """Note what is gone."""
        if self._closed:
            return
        self._membership = membership_of(consumer) or self._membership
        partitions = {at.partition for at in revoked}
        self._mine -= partitions
        self._lost |= partitions
        self._gained -= partitions
        self._paused -= partitions
        for partition in partitions:
            self._positions.pop(partition, None)
            self._troubles.pop(partition, None)
        consumer.incremental_unassign(revoked)

    def _raise_trouble(self) -> None:
        """Take up one trouble: raise the error for it, after its partition is set to be read again from where it stood.

        An offset that the topic does hold is none: the error is of another one, asked for before a going back.
        Raises RoomPulseError where the library will never read again: it took a newcomer for us (--static-membership).
        """
        partition, error = self._troubles.popitem()
        if error.fatal() or error.code() == KafkaError._FATAL:
            taken = f"another process runs under the name {self._settings.instance!r} (--instance-id)"
            raise RoomPulseError(f"cannot read any more: {error.name()}: {error.str()}: {taken}")
        position = self._positions.get(partition)
        if position is None:
            raise translated("cannot read", error)
        with confluent_errors(f"cannot read partition {partition}"):
            self._move([self._at(partition, position)])
        if error.code() not in NOT_HELD:
            raise translated(f"cannot read partition {partition}", error)
        first, end = self.bounds(partition)
        if not first <= position <= end:
            held = f"{first} to {end}"
            raise BrokerError(f"partition {partition}: offset {position} is outside what the topic holds, {held}")

    def _described(self) -> TopicState:
        state = describe_topics(self._settings, [self._topic])[0]
        if not state.partitions:
            raise BrokerError(f"topic {self._topic} does not exist")
        return state

    def _at(self, partition: int, offset: int = 0) -> TopicPartition:
        return TopicPartition(self._topic, partition, offset)
