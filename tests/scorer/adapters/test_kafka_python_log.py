"""What the kafka-python log does when a real broker is slow, away, or refuses: nothing is lost or doubled."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from roompulse.errors import BrokerError, FencedError, UnknownOutcome
from scorer.adapters import kafka_python_log, kafka_python_transactions
from scorer.adapters.kafka_python_log import KafkaPythonLog
from scorer.ports import Output
from tests.contracts.event_logs import DEADLINE_S, KafkaWorld
from tests.contracts.test_event_log import ALL, Reader, fill, joined, output, until
from tests.services.kafka import Kafka


@pytest.fixture
def world(kafka: Kafka) -> Iterator[KafkaWorld]:
    """A topic on the real broker, which runs again afterwards whatever a test did to it."""
    opened = KafkaWorld(kafka.address, real=True)
    opened.settings = replace(opened.settings, connect_timeout_s=2)
    try:
        yield opened
    finally:
        kafka.thaw()
        kafka.start()
        opened.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits short enough for a test: an answer is waited for two seconds."""
    monkeypatch.setattr(kafka_python_transactions, "WAIT_S", 2.0)
    monkeypatch.setattr(kafka_python_log, "SILENCE_S", 0.5)
    monkeypatch.setattr(kafka_python_log, "REQUEST_TIMEOUT_S", 2.0)


def filled(world: KafkaWorld) -> tuple[KafkaPythonLog, Reader]:
    """A log that has read ten messages, none of them committed."""
    fill(world)
    log = world.log()
    reader = joined(log)
    until(lambda: len(reader.messages[0]) == 10, reader)
    return log, reader


def offer(log: KafkaPythonLog, world: KafkaWorld, reader: Reader, text: bytes) -> None:
    """Everything of a transaction but its end."""
    log.begin()
    log.send([output(world, text)])
    log.send_positions({0: reader.positions[0]})


def before_commit(log: KafkaPythonLog, monkeypatch: pytest.MonkeyPatch, happen: Callable[[], None]) -> None:
    """Let something happen between the delivery of the records and the commit, once."""
    transactions = log._transactions
    deliver = transactions._deliver

    def delivered() -> None:
        deliver()
        monkeypatch.setattr(transactions, "_deliver", deliver)
        happen()

    monkeypatch.setattr(transactions, "_deliver", delivered)


@pytest.mark.usefixtures("hasty")
def test_a_commit_without_an_answer_is_found_to_have_happened(
    world: KafkaWorld, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker freezes with the commit in its hands; committing again tells that it took place."""
    log, reader = filled(world)
    offer(log, world, reader, b"once")
    before_commit(log, monkeypatch, kafka.freeze)
    with pytest.raises(UnknownOutcome):
        log.commit()
    with pytest.raises(UnknownOutcome):
        log.commit()
    with pytest.raises(UnknownOutcome):
        log.abort()
    kafka.thaw()
    eventually(log.commit)
    assert world.committed_outputs(0) == [output(world, b"once")]
    assert log.committed(0) == 10
    log.begin()
    log.send([output(world, b"next")])
    log.commit()
    assert world.committed_outputs(0) == [output(world, b"once"), output(world, b"next")]


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


@pytest.mark.usefixtures("hasty")
def test_a_broker_that_crashes_in_a_transaction_leaves_exactly_one_when_it_is_back(
    world: KafkaWorld, kafka: Kafka
) -> None:
    """SIGKILL between writing and committing: the caller aborts and tries again until it works, and once is once."""
    log, reader = filled(world)
    log.begin()
    log.send([output(world, b"crash")])
    kafka.kill()
    with pytest.raises(BrokerError):
        log.send_positions({0: 10})
    log.abort()
    with pytest.raises(BrokerError, match="cannot reach Kafka"):
        log.begin()
    kafka.start()

    def write() -> None:
        reader.owned -= reader.lost
        reader.poll()
        offer(log, world, reader, b"once")
        log.commit()

    eventually(write, log.abort)
    assert world.committed_outputs(0) == [output(world, b"once")]
    assert log.committed(0) == 10


@pytest.mark.usefixtures("hasty")
def test_polling_says_so_while_the_broker_is_away_and_goes_on_when_it_is_back(world: KafkaWorld, kafka: Kafka) -> None:
    """Silence is no proof of peace: a broker that does not answer shows as an error, and nothing is lost over it."""
    _, reader = filled(world)
    kafka.freeze()
    with pytest.raises(BrokerError):
        until(lambda: False, reader)
    kafka.thaw()
    fill(world, 5)
    eventually(lambda: until(lambda: len(reader.messages[0]) == 15, reader))
    assert [message.offset for message in reader.messages[0]] == list(range(15))


def test_a_record_that_the_broker_refuses_fails_the_whole_transaction(world: KafkaWorld) -> None:
    """Nothing of it is seen, positions included; the log writes on afterwards."""
    log, reader = filled(world)

    def write() -> None:
        log.begin()
        log.send([output(world, b"fine"), output(world, os.urandom(9_000_000))])
        log.send_positions({0: reader.positions[0]})
        log.commit()

    with pytest.raises(BrokerError, match="MessageSizeTooLarge"):  # from whichever step comes after the answer
        write()
    log.abort()
    assert log.committed(0) is None
    offer(log, world, reader, b"small")
    log.commit()
    assert world.committed_outputs(0) == [output(world, b"small")]


def test_a_record_beyond_the_clients_own_limit_fails_at_once(world: KafkaWorld) -> None:
    """16 MB are more than any topic takes: the error comes from `send`, and an abort cleans up."""
    log, reader = filled(world)
    log.begin()
    with pytest.raises(BrokerError, match="MessageSizeTooLarge"):
        log.send([output(world, bytes(17_000_000))])
    log.abort()
    offer(log, world, reader, b"small")
    log.commit()
    assert world.committed_outputs(0) == [output(world, b"small")]


def test_a_batch_too_large_for_its_topic_is_split_and_stays_in_order(world: KafkaWorld) -> None:
    """A topic may take less than the client puts together; its records arrive all the same."""
    small = f"{world.out}.small"
    config = {"max.message.bytes": "20000"}
    world.admin.create_topics(
        {small: {"num_partitions": 1, "replication_factor": 1, "configs": config}}, wait_for_metadata=True
    )
    outputs = [Output(small, 0, b"%d" % number, os.urandom(200), []) for number in range(500)]
    log = world.log()
    log.begin()
    log.send(outputs)
    log.commit()
    world.out = small
    assert world.committed_outputs(0) == outputs


def test_a_transaction_that_took_too_long_is_aborted_and_can_be_made_anew(
    world: KafkaWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker takes it back after the timeout; that is not mistaken for another process under our name."""
    monkeypatch.setattr("roompulse.kafka_client.TRANSACTION_TIMEOUT_S", 1.0)
    monkeypatch.setattr(kafka_python_transactions, "TRANSACTION_TIMEOUT_S", 1.0)
    log, reader = filled(world)
    offer(log, world, reader, b"slow")
    assert log.committed(0) is None  # waits until the broker has taken it back
    with pytest.raises(UnknownOutcome):
        log.commit()
    with pytest.raises(BrokerError, match="did not happen"):
        log.commit()
    log.abort()
    offer(log, world, reader, b"anew")
    log.commit()
    assert world.committed_outputs(0) == [output(world, b"anew")]


def test_a_static_member_that_restarts_finds_its_partition_and_moves_no_other(world: KafkaWorld) -> None:
    """Gone and back within the session: nobody else is given its partition, and what it left behind is fenced."""
    world.settings = replace(world.settings, static_membership=True)
    for partition in ALL:
        fill(world, 5, partition)
    first, second = joined(world.log("one")), Reader(world.log("two"))
    until(lambda: len(first.owned) == len(second.owned) == 1, first, second)
    first.lost = first.gained = frozenset()
    second.log.close()
    back = Reader(world.log("two"))
    until(lambda: back.owned == second.owned, first, back)
    (mine,) = back.owned
    back.log.start(mine, 0)
    until(lambda: len(back.messages[mine]) == 5, first, back)
    heir = Reader(world.log("two"))  # the one before was killed, or is a zombie
    until(lambda: heir.owned == {mine}, first, heir)
    back.log.begin()
    with pytest.raises(FencedError):
        back.log.send_positions({mine: 5})
    assert heir.log.committed(mine) is None
    assert (first.lost, first.gained) == (frozenset(), frozenset())


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
