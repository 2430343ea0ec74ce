"""What the tests of both Kafka clients share: a topic on the real broker, and limits short enough for a test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from roompulse.errors import BrokerError
from scorer.adapters import (
    confluent_client,
    confluent_log,
    confluent_transactions,
    kafka_python_log,
    kafka_python_transactions,
)
from scorer.adapters.confluent_log import ConfluentLog
from scorer.adapters.kafka_python_log import KafkaPythonLog
from tests.contracts.event_logs import DEADLINE_S, KafkaWorld
from tests.contracts.test_event_log import Reader, fill, joined, output, until
from tests.services.kafka import Kafka

Client = type[KafkaPythonLog] | type[ConfluentLog]
Log = KafkaPythonLog | ConfluentLog


@contextmanager
def world_of(kafka: Kafka, client: Client) -> Iterator[KafkaWorld]:
    """A topic on the real broker, which runs again afterwards whatever a test did to it."""
    opened = KafkaWorld(kafka.address, real=True, client=client)
    opened.settings = replace(opened.settings, connect_timeout_s=2)
    try:
        yield opened
    finally:
        kafka.thaw()
        kafka.start()
        opened.close()


def be_hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is waited for two seconds."""
    for log, transactions in (kafka_python_log, kafka_python_transactions), (confluent_log, confluent_transactions):
        monkeypatch.setattr(transactions, "WAIT_S", 2.0)
        monkeypatch.setattr(log, "SILENCE_S", 0.5)
        monkeypatch.setattr(log, "REQUEST_TIMEOUT_S", 2.0)


def limit_transactions(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """The broker takes a transaction back after so long."""
    monkeypatch.setattr("roompulse.kafka_client.TRANSACTION_TIMEOUT_S", seconds)
    for module in kafka_python_transactions, confluent_transactions, confluent_client:
        monkeypatch.setattr(module, "TRANSACTION_TIMEOUT_S", seconds)
    monkeypatch.setattr(confluent_client, "REQUEST_TIMEOUT_S", seconds)  # the library wants no longer request


def filled(world: KafkaWorld) -> tuple[Log, Reader]:
    """A log that has read ten messages, none of them committed."""
    fill(world)
    log = world.log()
    reader = joined(log)
    until(lambda: len(reader.messages[0]) == 10, reader)
    return log, reader


def offer(log: Log, world: KafkaWorld, reader: Reader, text: bytes) -> None:
    """Everything of a transaction but its end."""
    log.begin()
    log.send([output(world, text)])
    log.send_positions({0: reader.positions[0]})


def deliver(log: Log) -> None:
    """Wait until the broker has every record of the transaction: what is still to come is its end."""
    assert log._transactions._producer is not None
    log._transactions._producer.flush()


def eventually(call: Callable[[], object], before_next: Callable[[], object] | None = None) -> None:
    """Call until it raises no BrokerError, up to the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            call()
            return
        except BrokerError:
            if time.monotonic() > deadline:
                raise
            if before_next is not None:
                before_next()
            time.sleep(0.05)
