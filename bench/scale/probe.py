"""What Kafka holds and how far a group has come, asked from outside, without joining the group."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from kafka.errors import KafkaError as AdminError

from roompulse.errors import BrokerError
from roompulse.kafka_client import make_admin
from roompulse.settings import Settings

ANSWER_S = 60.0
TRY_S = 3.0
JOIN_S = 180.0

Answer = TypeVar("Answer")


class GroupProbe:
    """Positions of one group on one topic, summed over its partitions; to be used as a context.

    A consumer asks, and is closed: the library's admin client, left to the garbage collector once its broker is gone,
    kept the whole process from ending (confluent-kafka 2.16).
    """

    def __init__(self, bootstrap_servers: str, group: str, topic: str, partitions: int) -> None:
        self._servers, self._group = bootstrap_servers, group
        self._at = [TopicPartition(topic, partition) for partition in range(partitions)]
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": group,  # to ask for its positions; nothing is subscribed, so it is never joined
                "enable.auto.commit": False,
                "isolation.level": "read_uncommitted",  # or an answer would wait for the open transaction
                "log_level": 3,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def committed(self) -> int:
        """Events that the group has committed. The topic must hold no transaction: its markers would count too."""
        found = _answer(lambda: self._consumer.committed(self._at, TRY_S))
        return sum(max(at.offset, 0) for at in found)

    def end(self) -> int:
        """Events on the topic."""
        return sum(map(self._end_of, self._at))

    def _end_of(self, at: TopicPartition) -> int:
        bounds = _answer(lambda: self._consumer.get_watermark_offsets(at, TRY_S))
        return bounds[1]

    def wait_for_members(self, members: int) -> None:
        """Until so many members share all partitions. Raises BrokerError."""
        deadline = time.monotonic() + JOIN_S
        with make_admin(Settings(bootstrap_servers=self._servers)) as admin:
            while time.monotonic() < deadline:
                shares = _answer(lambda: _shares(admin.describe_groups([self._group])[self._group]))
                if len(shares) == members and all(shares) and sum(shares) == len(self._at):
                    return
                time.sleep(0.2)
        raise BrokerError(f"{members} scorers did not share the partitions within {JOIN_S:g} s")


def _shares(group: dict[str, Any]) -> list[int]:
    """How many partitions each member has."""
    held = [(member["member_assignment"] or {}).get("assigned_partitions", ()) for member in group["members"]]
    return [sum(len(topic["partitions"]) for topic in topics) for topics in held]


def _answer(ask: Callable[[], Answer | None]) -> Answer:
    """Ask until there is an answer: a broker that has just made a topic or a group does not know it everywhere yet.

    Raises BrokerError with the last refusal.
    """
    deadline = time.monotonic() + ANSWER_S
    while True:
        refusal: Exception | None = None
        try:
            found = ask()
            if found is not None:
                return found
        except (KafkaException, AdminError) as error:
            refusal = error
        if time.monotonic() > deadline:
            raise BrokerError(f"the broker does not answer: {refusal!r}") from refusal
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
