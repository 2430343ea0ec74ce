"""The event logs that the contract is held against: each makes logs, and plays the world around them.

Another client behind the same port is one more class here, and one more name in `WORLDS`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, MemberToRemove
from kafka.structs import MemberState

from roompulse.kafka_client import make_consumer, make_producer
from roompulse.settings import Settings
from scorer.adapters.confluent_client import membership_of
from scorer.adapters.confluent_log import ConfluentLog
from scorer.adapters.kafka_python_log import KafkaPythonLog
from scorer.adapters.memory_log import MemoryLog, MemoryTopic
from scorer.ports import EventLog, Headers, Output

PARTITIONS = 2
OUT = "out"
DEADLINE_S = 60.0
MEGABYTE = 1024 * 1024


class World(Protocol):
    """One input topic with two partitions, one output topic, one group; new for every test."""

    markers: bool
    """Whether transaction markers take offsets of their own."""
    ids: bool
    """Whether topics have ids."""
    out: str
    """The output topic."""

    def log(self, instance: str = "one") -> EventLog:
        """A new log, closed at the end of the test."""

    def append(self, *records: tuple[int, bytes | None, bytes | None, Headers, int], aborted: bool = False) -> None:
        """Put records on the input: partition, key, value, headers, timestamp. In a transaction, if it is aborted."""

    def committed_outputs(self, partition: int) -> list[Output]:
        """What a reader of committed records finds on the output topic."""

    def evict(self, log: EventLog, *, told: bool) -> None:
        """Put the log's member out of the group; `told` waits until its client knows."""

    def forget(self, partition: int, before: int) -> None:
        """Let the input topic lose its records before this offset."""

    def make_anew(self) -> None:
        """Delete the input topic and make another of the same name."""


class MemoryWorld:
    """The memory log."""

    markers, ids, out = False, True, OUT

    def __init__(self) -> None:
        self.topic = MemoryTopic(PARTITIONS)

    def log(self, instance: str = "one") -> MemoryLog:
        return MemoryLog(self.topic, instance)

    def append(self, *records: tuple[int, bytes | None, bytes | None, Headers, int], aborted: bool = False) -> None:
        for partition, key, value, headers, timestamp_ms in () if aborted else records:
            self.topic.append(partition, key, value, headers, timestamp_ms)

    def committed_outputs(self, partition: int) -> list[Output]:
        return list(self.topic.outputs[self.out, partition])

    def evict(self, log: EventLog, *, told: bool) -> None:
        assert isinstance(log, MemoryLog)
        log.evict()

    def forget(self, partition: int, before: int) -> None:
        self.topic.forget(partition, before)

    def make_anew(self) -> None:
        self.topic = MemoryTopic(PARTITIONS)


class KafkaWorld:
    """A client on a broker."""

    def __init__(self, address: str, *, real: bool, client: type[KafkaPythonLog] | type[ConfluentLog]) -> None:
        self.markers = self.ids = real
        self._client = client
        self.batch_bytes = MEGABYTE // 4
        prefix = uuid.uuid4().hex[:8]
        self.input, self.out = f"{prefix}.in", f"{prefix}.{OUT}"
        self.settings = Settings(bootstrap_servers=address, group_id=f"{prefix}.group", session_timeout_s=6)
        self.admin = KafkaAdminClient(bootstrap_servers=address)
        self.logs: list[KafkaPythonLog | ConfluentLog] = []
        self._create(self.input)
        self._create(self.out)

    def _create(self, name: str) -> None:
        # The records have times of their own choice, long ago, and must not fall to retention.
        config = {"max.message.bytes": str(8 * MEGABYTE), "retention.ms": "-1"}
        topic = {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": config}
        self.admin.create_topics({name: topic}, wait_for_metadata=True)

    def log(self, instance: str = "one") -> KafkaPythonLog | ConfluentLog:
        settings = replace(self.settings, instance_id=instance)
        if self._client is ConfluentLog:
            self.logs.append(ConfluentLog(settings, self.input, self.batch_bytes))
        else:
            self.logs.append(self._client(settings, self.input))
        return self.logs[-1]

    def append(self, *records: tuple[int, bytes | None, bytes | None, Headers, int], aborted: bool = False) -> None:
        producer = make_producer(self.settings, f"{self.input}-producer" if aborted else None)
        if aborted:
            producer.init_transactions()
            producer.begin_transaction()
        for partition, key, value, headers, timestamp_ms in records:
            producer.send(self.input, value, key, list(headers), partition, timestamp_ms)
        producer.flush(DEADLINE_S)
        if aborted:
            producer.abort_transaction()
        producer.close(DEADLINE_S)

    def committed_outputs(self, partition: int) -> list[Output]:
        at, consumer = TopicPartition(self.out, partition), make_consumer(self.settings)
        try:
            end = consumer.end_offsets([at])[at]
            consumer.assign([at])
            consumer.seek(at, 0)
            records: list[Any] = []
            deadline = time.monotonic() + DEADLINE_S
            while consumer.position(at) < end and time.monotonic() < deadline:
                records += consumer.poll(100).get(at, [])
            return [Output(self.out, partition, r.key, r.value, r.headers) for r in records]
        finally:
            consumer.close()

    def evict(self, log: EventLog, *, told: bool) -> None:
        assert isinstance(log, KafkaPythonLog | ConfluentLog)
        consumer: Any = log._consumer
        name = consumer.group_metadata().member_id if isinstance(log, KafkaPythonLog) else consumer.memberid()
        self.admin.remove_group_members(self.settings.group_id, [MemberToRemove(member_id=name)])
        if told:
            wait(lambda: not _believes(log), "the member knows that it is out")

    def forget(self, partition: int, before: int) -> None:
        self.admin.delete_records({TopicPartition(self.input, partition): before})

    def make_anew(self) -> None:
        self.admin.delete_topics([self.input])
        wait(lambda: self.input not in self.admin.list_topics(), "the topic is gone")
        self._create(self.input)

    def close(self) -> None:
        for log in self.logs:
            log.close()
        self.admin.close()


def _believes(log: KafkaPythonLog | ConfluentLog) -> bool:
    """Whether a client takes itself for a member of its group."""
    if isinstance(log, KafkaPythonLog):
        return log._consumer.group_metadata().state is MemberState.STABLE
    return membership_of(log._consumer) is not None


def wait(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds, up to a generous deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(0.02)


@contextmanager
def _kafka_world(address: str, *, real: bool, client: type[KafkaPythonLog] | type[ConfluentLog]) -> Iterator[World]:
    world = KafkaWorld(address, real=real, client=client)
    try:
        yield world
    finally:
        world.close()


@contextmanager
def open_world(name: str, request: pytest.FixtureRequest) -> Iterator[World]:
    """The world of this name, with the broker that it needs."""
    if name == "memory":
        yield MemoryWorld()
        return
    client = ConfluentLog if name.endswith("confluent") else KafkaPythonLog
    real = not name.startswith("embedded")
    broker = request.getfixturevalue("kafka" if real else "embedded_broker")
    with _kafka_world(broker.address, real=real, client=client) as world:
        yield world


WORLDS: Sequence[str] = ("memory", "embedded", "embedded-confluent", "apache", "apache-confluent")

GROUP_WORLDS: Sequence[str] = ("memory", "apache", "apache-confluent")
"""Where several members are safe. The embedded broker is for one scorer: it takes a zombie's offsets, and forgets to
answer a member when another rejoins at once, as cooperative rebalancing does."""
