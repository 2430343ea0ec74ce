"""How the kafka-python log finds out that a commit did not happen; what both clients share is in test_kafka_faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from roompulse.errors import BrokerError, UnknownOutcome
from scorer.adapters.kafka_python_log import KafkaPythonLog
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
