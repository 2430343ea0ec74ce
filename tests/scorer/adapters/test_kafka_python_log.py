"""How the kafka-python log finds out that a commit did not happen; what both clients share is in test_kafka_faults."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from roompulse.errors import BrokerError, UnknownOutcome
from roompulse.kafka_client import TRANSACTION_WAIT_S as WAIT_S
from scorer.adapters.kafka_python_log import KafkaPythonLog
from scorer.ports import Output
from tests.contracts.event_logs import KafkaWorld
from tests.contracts.test_event_log import output
from tests.scorer.adapters.kafka_faults import filled, offer, world_of
from tests.services.kafka import Kafka


@pytest.fixture
def world(kafka: Kafka) -> Iterator[KafkaWorld]:
    with world_of(kafka, KafkaPythonLog) as opened:
        yield opened


def test_a_commit_without_an_answer_is_found_not_to_have_happened(
    world: KafkaWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit never reached the broker; committing again tells so, and the transaction can be made anew."""
    log, reader = filled(world)
    offer(log, world, reader, b"once")

    def lose(*_: Any) -> None:
        raise KafkaTimeoutError("lost on the way")

    monkeypatch.setattr(log._transactions._producer, "commit_transaction", lose)
    with pytest.raises(UnknownOutcome):
        log.commit()
    with pytest.raises(BrokerError, match="did not happen"):
        log.commit()
    log.abort()
    assert world.committed_outputs(0) == []
    assert log.committed(0) is None
    offer(log, world, reader, b"once")
    log.commit()
    assert world.committed_outputs(0) == [output(world, b"once")]


def test_a_part_of_a_split_batch_is_not_waited_for_in_vain(world: KafkaWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flush that begins between two splits waits for a part whose own split wakes nobody; it is seen all the same."""
    small = f"{world.out}.small"
    topic = {"num_partitions": 1, "replication_factor": 1, "configs": {"max.message.bytes": "20000"}}
    world.admin.create_topics({small: topic}, wait_for_metadata=True)
    log = world.log()
    assert isinstance(log, KafkaPythonLog)
    accumulator = log._transactions._producer._accumulator
    split, splits, waited_for = accumulator.split_and_reenqueue, threading.Semaphore(0), threading.Event()
    await_flush, all_incomplete = accumulator.await_flush_completion, accumulator._incomplete.all

    def split_and_wait(*args: Any, **named: Any) -> Any:
        made = split(*args, **named)
        splits.release()
        assert waited_for.wait(WAIT_S)
        return made

    def first_the_part(*args: Any, **named: Any) -> Any:
        batches = sorted(all_incomplete(), key=lambda batch: len(batch._record_futures))  # those with none come first
        monkeypatch.setattr(accumulator._incomplete, "all", lambda: batches)
        try:
            waited_for.set()
            return await_flush(*args, **named)
        finally:
            monkeypatch.setattr(accumulator._incomplete, "all", all_incomplete)

    monkeypatch.setattr(accumulator, "split_and_reenqueue", split_and_wait)
    monkeypatch.setattr(accumulator, "await_flush_completion", first_the_part)
    log.begin()
    log.send([Output(small, 0, b"%d" % number, os.urandom(200), []) for number in range(500)])
    assert splits.acquire(timeout=WAIT_S)
    began = time.monotonic()
    with pytest.raises(BrokerError, match="singly"):
        log.commit()
    assert time.monotonic() - began < WAIT_S / 2
    log.abort()
