"""What Kafka holds and how far a group has come, asked from outside, without joining the group."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined] # exported, but not by name

from roompulse.errors import BrokerError

ANSWER_S = 60.0
TRY_S = 3.0
JOIN_S = 180.0

Answer = TypeVar("Answer")


class GroupProbe:
    """Positions of one group on one topic, summed over its partitions; to be used as a context."""

    def __init__(self, bootstrap_servers: str, group: str, topic: str, partitions: int) -> None:
        self._group = group
        self._at = [TopicPartition(topic, partition) for partition in range(partitions)]
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._admin  # the library ends a client that nobody holds

    def committed(self) -> int:
        """Events that the group has committed. The topic must hold no transaction: its markers would count too."""
        wanted = [ConsumerGroupTopicPartitions(self._group, self._at)]
        ask = self._admin.list_consumer_group_offsets
        found = _answer(lambda: [ask(wanted, request_timeout=TRY_S)[self._group]])[0]
        return sum(max(at.offset, 0) for at in found.topic_partitions)

    def end(self) -> int:
        """Events on the topic."""
        ask, level = self._admin.list_offsets, IsolationLevel.READ_UNCOMMITTED
        wanted = {at: OffsetSpec.latest() for at in self._at}  # type: ignore[no-untyped-call]
        found = _answer(lambda: list(ask(wanted, isolation_level=level, request_timeout=TRY_S).values()))
        return sum(at.offset for at in found)

    def wait_for_members(self, members: int) -> None:
        """Until so many members share all partitions. Raises BrokerError."""
        deadline, ask = time.monotonic() + JOIN_S, self._admin.describe_consumer_groups
        while time.monotonic() < deadline:
            found = _answer(lambda: [ask([self._group], request_timeout=TRY_S)[self._group]])[0]
            shares = [len(member.assignment.topic_partitions) for member in found.members if member.assignment]
            if len(shares) == members and all(shares) and sum(shares) == len(self._at):
                return
            time.sleep(0.2)
        raise BrokerError(f"{members} scorers did not share the partitions within {JOIN_S:g} s")


def _answer(ask: Callable[[], list[Future[Answer]]]) -> list[Answer]:
    """Ask until there is an answer: a broker that has just made a topic or a group does not know it everywhere yet.

    Raises BrokerError with the last refusal.
    """
    deadline = time.monotonic() + ANSWER_S
    while True:
        try:
            return [future.result(2 * TRY_S) for future in ask()]
        except (KafkaException, TimeoutError) as error:
            if time.monotonic() > deadline:
                raise BrokerError(f"the broker does not answer: {error!r}") from error
            time.sleep(0.2)


def count_committed(bootstrap_servers: str, topic: str, partitions: Sequence[int]) -> int:
    """Records of a topic that a reader of committed records sees, by reading all of them."""
    consumer = committed_reader(bootstrap_servers)
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    unread, records = set(partitions), 0
    while unread:
        for message in consumer.consume(10_000, 1.0):
            trouble = message.error()
            if trouble is None:
                records += 1
            elif trouble.code() == KafkaError._PARTITION_EOF:
                unread.discard(message.partition())
            else:
                raise KafkaException(trouble)
    consumer.close()
    return records


def committed_reader(bootstrap_servers: str, **more: Any) -> Consumer:
    """A consumer outside of any group that sees committed records only and says where a partition ends."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "bench-reader",  # never joined: partitions are assigned by hand
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 50,
            "check.crcs": True,
        }
        | more
    )
