"""The event log over kafka-python: the group's messages and positions; transactions are in the file beside this one.

What kafka-python 3.0 leaves to its caller, found by test against Apache Kafka 4.3:

- A consumer that lost its membership reports "no generation", and with that the broker checks nothing: a zombie's
  offsets would be accepted. So positions are sent with the membership as it was when their messages were polled.
- A join that is answered between two calls of `poll` is thrown away and begun anew, which sets the whole group moving
  again: here a join is waited for, up to 3 s, in one piece.
- A member that was put out still claims its old partitions when it joins again, and gets them while another has them:
  here the claim is dropped with the partitions.
- `poll` gives nothing, without an error, for as long as the broker is away: here a broker that gave no sign of life is
  asked for one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

from kafka import ConsumerRebalanceListener, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError, OffsetOutOfRangeError
from kafka.structs import MemberState

from roompulse.errors import BrokerError, FencedError
from roompulse.kafka_client import REQUEST_TIMEOUT_S, make_consumer
from roompulse.kafka_errors import broker_errors
from roompulse.kafka_topics import TopicState, describe_topics
from roompulse.settings import Settings
from scorer.adapters.kafka_python_transactions import KafkaPythonTransactions
from scorer.ports import Batch, Message, Output, Polled

MAX_POLL_INTERVAL_S = 120.0
"""A member that does not poll for so long leaves the group, though its heart still beats."""

SETTLE_S = 3.0
"""How much longer than asked for a poll may take while the group is being put together, or the broker is away."""

COMMITTED_WAIT_S = 30.0

SILENCE_S = 5.0
"""After so long without a message the broker is asked whether it is still there."""

_fields = itemgetter(3, 4, 6, 7, 8)
"""offset, timestamp, key, value and headers of kafka-python's record."""


class KafkaPythonLog:
    """A member of the group `settings.group_id` that reads `topic`, and writes as `settings.instance`.

    A broker that is away shows as BrokerError: from `poll` after 5 to 20 s, from the reading methods after 10 s (from
    `committed` after 30), from a transaction's methods after 20. What was begun has then to be aborted; everything may
    be tried again. FencedError from `send_positions` need not be the end either: the group may just have moved on, and
    after an abort the next poll tells what is still ours.
    """

    def __init__(self, settings: Settings, topic: str) -> None:
        """Connect, and fence an earlier process of the same instance; the group is joined at the first poll.

        Raises BrokerError within the connect timeout.
        """
        self._settings = settings
        self._topic = topic
        self._positions: dict[int, int] = {}
        self._paused: set[int] = set()
        self._membership: Any = None
        self._heard_at = time.monotonic()
        self._changes = _Changes(CooperativeStickyAssignor())
        self._consumer = make_consumer(
            settings,
            settings.group_id,
            partition_assignment_strategy=[self._changes.assignor],
            max_poll_interval_ms=int(MAX_POLL_INTERVAL_S * 1000),
            group_instance_id=settings.instance if settings.static_membership else None,
        )
        self._changes.consumer = self._consumer
        self._consumer.subscribe([topic], listener=self._changes)
        try:
            self._transactions = KafkaPythonTransactions(settings, topic, self.committed)
        except BrokerError:
            self._consumer.close(autocommit=False)
            raise

    def topic_id(self) -> str:
        return self._described().topic_id

    def partition_count(self) -> int:
        return self._described().partitions

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        """As the port says. Within a transaction it is not called: the positions would belong to another membership."""
        try:
            with broker_errors("cannot read"):
                settled = self._settle()
                records = self._consumer.poll(int(timeout_s * 1000), max_records) if settled else {}
        except BrokerError as error:
            raise self._explained(error) from error
        lost, gained = self._changes.take()
        for partition in lost | gained:
            self._positions.pop(partition, None)
            self._paused.discard(partition)
        membership = self._consumer.group_metadata()
        if membership.state is MemberState.STABLE:
            self._membership = membership
        if records or gained or lost:  # a change that was told must not be lost over a question
            self._heard_at = time.monotonic()
        elif time.monotonic() - self._heard_at > SILENCE_S:
            self.bounds(0)
        return Polled(self._batches(records), lost, gained)

    def committed(self, partition: int) -> int | None:
        """As the port says; waits for at most 30 s: in that time a broker ends any transaction that was left open."""
        with broker_errors(f"cannot read the committed offset of partition {partition}"):
            offset = self._consumer.committed(self._at(partition), timeout_ms=COMMITTED_WAIT_S * 1000)
        return None if offset is None or offset < 0 else int(offset)

    def bounds(self, partition: int) -> tuple[int, int]:
        at = self._at(partition)
        with broker_errors(f"cannot read the bounds of partition {partition}"):
            first = self._consumer.beginning_offsets([at], timeout_ms=REQUEST_TIMEOUT_S * 1000)
            end = self._consumer.end_offsets([at], timeout_ms=REQUEST_TIMEOUT_S * 1000)
        self._heard_at = time.monotonic()
        return int(first[at]), int(end[at])

    def offset_at(self, partition: int, timestamp_ms: int) -> int:
        at = self._at(partition)
        with broker_errors(f"cannot look up a time in partition {partition}"):
            found = self._consumer.offsets_for_times({at: timestamp_ms}, timeout_ms=REQUEST_TIMEOUT_S * 1000)[at]
        return self.bounds(partition)[1] if found is None or found.offset < 0 else int(found.offset)

    def start(self, partition: int, offset: int) -> None:
        at = self._at(partition)
        try:
            self._consumer.seek(at, offset)
            if partition not in self._paused:
                self._consumer.resume(at)
        except (ValueError, KeyError) as error:
            raise FencedError(f"partition {partition} is not ours any more") from error
        self._positions[partition] = offset

    def pause(self, partitions: Iterable[int]) -> None:
        mine = {at.partition for at in self._consumer.assignment()} & set(partitions)
        self._paused |= mine
        self._consumer.pause(*map(self._at, mine))

    def resume(self, partitions: Iterable[int]) -> None:
        mine = self._paused & set(partitions)
        self._paused -= mine
        assigned = {at.partition for at in self._consumer.assignment()}
        self._consumer.resume(*map(self._at, mine & self._positions.keys() & assigned))

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
        with contextlib.suppress(KafkaError):
            self._consumer.close(autocommit=False, timeout_ms=2000)

    def _settle(self) -> bool:
        """Join the group where that is due; False where it takes longer. A membership read then fits no messages."""
        coordinator = self._consumer._coordinator
        return not coordinator.need_rejoin() or (coordinator.poll(SETTLE_S * 1000) and not coordinator.need_rejoin())

    def _batches(self, records: Mapping[TopicPartition, list[Any]]) -> dict[int, Batch]:
        batches = {}
        for at in self._consumer.assignment():
            if (before := self._positions.get(at.partition)) is None:
                continue
            found = records.get(at, ())
            position = found[-1].offset + 1 if found else before
            with contextlib.suppress(KafkaError):  # with the broker away this may fail, and loses nothing
                position = self._consumer.position(at)  # transaction markers take offsets too
            if position != before:
                self._positions[at.partition] = position
                batches[at.partition] = Batch(list(map(Message._make, map(_fields, found))), position)
        return batches

    def _described(self) -> TopicState:
        state = describe_topics(self._settings, [self._topic])[0]
        if not state.partitions:
            raise BrokerError(f"topic {self._topic} does not exist")
        return state

    def _explained(self, error: BrokerError) -> BrokerError:
        """An offset that the topic does not hold, with what it does hold instead."""
        cause = error.__cause__
        if not isinstance(cause, OffsetOutOfRangeError):
            return error
        wrong = {at.partition: offset for at, offset in cause.args[0].items()}
        return BrokerError(
            "; ".join(
                "partition {}: offset {} is outside what the topic holds, {} to {}".format(p, o, *self.bounds(p))
                for p, o in wrong.items()
            )
        )

    def _at(self, partition: int) -> TopicPartition:
        return TopicPartition(self._topic, partition)


class _Changes(ConsumerRebalanceListener):  # type: ignore[misc]
    """What rebalances took and gave since the last look. Called in the client's own thread, during a poll."""

    def __init__(self, assignor: Any) -> None:
        self.assignor = assignor
        self.consumer: Any = None
        self._lost: set[int] = set()
        self._gained: set[int] = set()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Note what is gone."""
        partitions = {at.partition for at in revoked}
        self._lost |= partitions
        self._gained -= partitions

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        """The group put us out: others may have what was ours, so no claim on it is left."""
        self.assignor.member_assignment = None
        self.on_partitions_revoked(lost)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Hold back what is new until it is started; a position keeps the client from looking for one itself."""
        for at in assigned:
            self.consumer.pause(at)
            self.consumer.seek(at, 0)
            self._gained.add(at.partition)

    def take(self) -> tuple[frozenset[int], frozenset[int]]:
        """The partitions lost and gained since the last call."""
        changes = frozenset(self._lost), frozenset(self._gained)
        self._lost, self._gained = set(), set()
        return changes
