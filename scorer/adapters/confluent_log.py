"""The event log over confluent-kafka, librdkafka's client: a fraction of kafka-python's cost for each message.

What librdkafka 2.16 leaves to its caller, found by test against Apache Kafka 4.3:

- A position is the last message's offset + 1 there, which stays before markers and aborted records: here the end that
  each partition reports when it has been read up to it counts too.
- A consumer that lost its membership describes itself without a generation, and with that the broker checks nothing: a
  zombie's offsets would be accepted. So positions are sent with the membership as it was when messages were polled.
- It gives nothing, without an error, for as long as the broker is away: here one that gave no sign of life is asked.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from roompulse.errors import BrokerError, FencedError
from roompulse.kafka_client import REQUEST_TIMEOUT_S
from roompulse.kafka_topics import TopicState, describe_topics
from roompulse.settings import Settings
from scorer.adapters.confluent_client import consumer_config, error_of, translated
from scorer.adapters.confluent_transactions import ConfluentTransactions
from scorer.ports import Batch, Message, Output, Polled

MAX_POLL_INTERVAL_S = 120.0
"""A member that does not poll for so long leaves the group, though its heart still beats."""

COMMITTED_WAIT_S = 30.0

SILENCE_S = 5.0
"""After so long without a message the broker is asked whether it is still there."""


class ConfluentLog:
    """A member of the group `settings.group_id` that reads `topic`, and writes as `settings.instance`."""

    def __init__(self, settings: Settings, topic: str) -> None:
        """Connect, and fence an earlier process of the same instance; the group is joined at the first poll.

        Raises BrokerError within the connect timeout.
        """
        self._settings, self._topic = settings, topic
        self._positions: dict[int, int] = {}
        self._paused: set[int] = set()
        self._lost: set[int] = set()
        self._gained: set[int] = set()
        self._mine: set[int] = set()
        self._membership: bytes | None = None
        self._heard_at = time.monotonic()
        self._transactions = ConfluentTransactions(settings, topic)
        self._consumer = Consumer(consumer_config(settings, MAX_POLL_INTERVAL_S))
        self._consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)
        self._closed = False

    def topic_id(self) -> str:
        return self._described().topic_id

    def partition_count(self) -> int:
        return self._described().partitions

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        try:
            first = self._consumer.poll(timeout_s)
            found = [] if first is None else [first, *self._consumer.consume(max_records - 1, 0)]
        except KafkaException as error:
            raise translated("cannot read", error_of(error)) from error
        lost, gained = frozenset(self._lost), frozenset(self._gained)
        self._lost, self._gained = set(), set()
        if found or gained:
            self._heard_at = time.monotonic()
        elif time.monotonic() - self._heard_at > SILENCE_S:
            self.bounds(0)
        self._membership = membership_of(self._consumer) or self._membership
        return Polled(self._batches(found), lost, gained)

    def committed(self, partition: int) -> int | None:
        """As the port says; waits for at most 30 s: in that time a broker ends any transaction that was left open."""
        try:
            (found,) = self._consumer.committed([self._at(partition)], COMMITTED_WAIT_S)
        except KafkaException as error:
            doing = f"cannot read the committed offset of partition {partition}"
            raise translated(doing, error_of(error)) from error
        if found.error is not None:
            raise translated(f"cannot read the committed offset of partition {partition}", found.error)
        return None if found.offset < 0 else int(found.offset)

    def bounds(self, partition: int) -> tuple[int, int]:
        try:
            bounds = self._consumer.get_watermark_offsets(self._at(partition), REQUEST_TIMEOUT_S)
        except KafkaException as error:
            raise translated(f"cannot read the bounds of partition {partition}", error_of(error)) from error
        if bounds is None:
            raise BrokerError(f"cannot read the bounds of partition {partition}: no answer for {REQUEST_TIMEOUT_S:g} s")
        self._heard_at = time.monotonic()
        return bounds

    def offset_at(self, partition: int, timestamp_ms: int) -> int:
        try:
            (found,) = self._consumer.offsets_for_times([self._at(partition, timestamp_ms)], REQUEST_TIMEOUT_S)
        except KafkaException as error:
            raise translated(f"cannot look up a time in partition {partition}", error_of(error)) from error
        if found.error is not None:
            raise translated(f"cannot look up a time in partition {partition}", found.error)
        return self.bounds(partition)[1] if found.offset < 0 else int(found.offset)

    def start(self, partition: int, offset: int) -> None:
        if partition not in self._mine:
            raise FencedError(f"partition {partition} is not ours any more")
        try:
            # Taken out and in again at the offset: a seek is refused while the client has not begun to fetch.
            self._consumer.incremental_unassign([self._at(partition)])
            self._consumer.incremental_assign([self._at(partition, offset)])
            (self._consumer.pause if partition in self._paused else self._consumer.resume)([self._at(partition)])
        except KafkaException as error:
            raise translated(f"cannot start partition {partition}", error_of(error)) from error
        self._positions[partition] = offset

    def pause(self, partitions: Iterable[int]) -> None:
        mine = self._mine & set(partitions)
        self._paused |= mine
        self._consumer.pause([self._at(partition) for partition in mine])

    def resume(self, partitions: Iterable[int]) -> None:
        mine = self._paused & set(partitions)
        self._paused -= mine
        self._consumer.resume([self._at(partition) for partition in mine & self._positions.keys() & self._mine])

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
            self._closed = True
            with contextlib.suppress(KafkaException):
                self._consumer.close()

    def _assigned(self, consumer: Consumer, assigned: list[TopicPartition]) -> None:
        """Hold back what is new until it is started."""
        for at in assigned:
            at.offset = 0
        consumer.incremental_assign(assigned)
        consumer.pause(assigned)
        partitions = {at.partition for at in assigned}
        self._mine |= partitions
        self._gained |= partitions

    def _revoked(self, consumer: Consumer, revoked: list[TopicPartition]) -> None:
        """Note what is gone."""
        partitions = {at.partition for at in revoked}
        self._mine -= partitions
        self._lost |= partitions
        self._gained -= partitions
        for partition in partitions:
            self._positions.pop(partition, None)
            self._paused.discard(partition)
        consumer.incremental_unassign(revoked)

    def _batches(self, found: Iterable[Any]) -> dict[int, Batch]:
        messages: dict[int, list[Message]] = {}
        reached: dict[int, int] = {}
        for record in found:
            partition, offset, error = record.partition(), record.offset(), record.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    reached[partition] = offset
                    continue
                if partition in self._positions:  # before its start nobody asked for an offset of it
                    raise self._explained(partition, error)
                continue
            if offset >= self._positions.get(partition, 1 << 62):
                headers = record.headers() or ()
                messages.setdefault(partition, []).append(
                    Message(offset, record.timestamp()[1], record.key(), record.value(), headers)
                )
                reached[partition] = offset + 1
        batches = {}
        for partition, position in reached.items():
            if position > self._positions.get(partition, 1 << 62):
                self._positions[partition] = position
                batches[partition] = Batch(messages.get(partition, []), position)
        return batches

    def _explained(self, partition: int, error: KafkaError) -> BrokerError:
        """An offset that the topic does not hold, with what it does hold instead."""
        if error.code() not in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:
            return translated("cannot read", error)
        first, end = self.bounds(partition)
        wrong = self._positions.get(partition)
        return BrokerError(f"partition {partition}: offset {wrong} is outside what the topic holds, {first} to {end}")

    def _described(self) -> TopicState:
        state = describe_topics(self._settings, [self._topic])[0]
        if not state.partitions:
            raise BrokerError(f"topic {self._topic} does not exist")
        return state

    def _at(self, partition: int, offset: int = 0) -> TopicPartition:
        return TopicPartition(self._topic, partition, offset)


def membership_of(consumer: Consumer) -> bytes | None:
    """What describes a consumer as a member of its group; None while it takes itself for none.

    The generation stands behind a mark of seven letters; one that was put out has none, or no name.
    """
    membership: bytes = consumer.consumer_group_metadata()
    generation = int.from_bytes(membership[7:11], sys.byteorder, signed=True)
    return membership if generation >= 0 and consumer.memberid() else None
