"""What both Kafka clients do when a real broker is slow, away, or refuses: nothing is lost or doubled."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from roompulse.errors import BrokerError, FencedError, UnknownOutcome
from scorer.adapters.confluent_log import ConfluentLog
from scorer.adapters.kafka_python_log import KafkaPythonLog
from scorer.ports import Output
from tests.contracts.event_logs import KafkaWorld
from tests.contracts.test_event_log import ALL, Reader, fill, joined, output, until
from tests.scorer.adapters.kafka_faults import (
    Client,
    Log,
    be_hasty,
    deliver,
    eventually,
    filled,
    limit_transactions,
    offer,
    world_of,
)  # fmt: skip
from tests.services.kafka import Kafka

TOO_LARGE = "MessageSizeTooLarge|MSG_SIZE_TOO_LARGE"


@pytest.fixture(params=[KafkaPythonLog, ConfluentLog], ids=["kafka-python", "confluent"])
def world(request: pytest.FixtureRequest, kafka: Kafka) -> Iterator[KafkaWorld]:
    client: Client = request.param
    with world_of(kafka, client) as opened:
        yield opened


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    be_hasty(monkeypatch)


def give_up(log: Log) -> None:
    """What the loop does about a commit without an answer: ask again, then let the committed offsets tell."""
    with contextlib.suppress(BrokerError):
        log.commit()
    with contextlib.suppress(UnknownOutcome):
        log.abort()


@pytest.mark.usefixtures("hasty")
def test_a_commit_without_an_answer_is_found_to_have_happened(world: KafkaWorld, kafka: Kafka) -> None:
    """The broker freezes with the commit in its hands; committing again tells that it took place."""
    log, reader = filled(world)
    offer(log, world, reader, b"once")
    deliver(log)
    kafka.freeze()
    with pytest.raises(UnknownOutcome):
        log.commit()
    with pytest.raises(UnknownOutcome):
        log.commit()
    kafka.thaw()
    eventually(log.commit)
    assert world.committed_outputs(0) == [output(world, b"once")]
    assert log.committed(0) == 10
    log.begin()
    log.send([output(world, b"next")])
    log.commit()
    assert world.committed_outputs(0) == [output(world, b"once"), output(world, b"next")]


@pytest.mark.usefixtures("hasty")
def test_after_giving_up_on_a_commit_offsets_and_records_agree_on_it(world: KafkaWorld, kafka: Kafka) -> None:
    """No answer ever comes: it cannot be aborted, either all of it happened or nothing, and the next one commits."""
    log, reader = filled(world)
    offer(log, world, reader, b"perhaps")
    deliver(log)
    kafka.freeze()
    with pytest.raises(UnknownOutcome):
        log.commit()
    with pytest.raises(UnknownOutcome):
        log.abort()
    with pytest.raises(UnknownOutcome):
        log.commit()
    kafka.thaw()
    eventually(lambda: give_up(log))
    eventually(log.begin, lambda: give_up(log))
    happened = log.committed(0) == 10
    before = [output(world, b"perhaps")] if happened else []
    assert world.committed_outputs(0) == before
    log.send([output(world, b"next")])
    log.commit()
    assert world.committed_outputs(0) == [*before, output(world, b"next")]


@pytest.mark.usefixtures("hasty")
def test_a_broker_that_crashes_in_a_transaction_leaves_exactly_one_when_it_is_back(
    world: KafkaWorld, kafka: Kafka
) -> None:
    """SIGKILL between writing and committing: the caller aborts and tries again until it works, and once is once."""
    log, reader = filled(world)
    log.begin()
    log.send([output(world, b"crash")])
    deliver(log)
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

    with pytest.raises(BrokerError, match=TOO_LARGE):  # from whichever step comes after the answer
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
    with pytest.raises(BrokerError, match=TOO_LARGE):
        log.send([output(world, bytes(17_000_000))])
    log.abort()
    offer(log, world, reader, b"small")
    log.commit()
    assert world.committed_outputs(0) == [output(world, b"small")]


def test_a_topic_that_takes_little_at_once_gets_its_records_in_order(world: KafkaWorld) -> None:
    """One client learns of it by a refusal and sends singly from then on, the other is told how large they may be."""
    small = f"{world.out}.small"
    config = {"max.message.bytes": "20000"}
    world.admin.create_topics(
        {small: {"num_partitions": 1, "replication_factor": 1, "configs": config}}, wait_for_metadata=True
    )
    outputs = [Output(small, 0, b"%d" % number, os.urandom(200), []) for number in range(500)]
    world.batch_bytes = 20_000
    log = world.log()
    log.begin()
    log.send(outputs)
    if isinstance(log, KafkaPythonLog):
        with pytest.raises(BrokerError, match="singly"):
            log.commit()
        log.abort()
        log.begin()
        log.send(outputs)
    log.commit()
    world.out = small
    assert world.committed_outputs(0) == outputs


def test_a_transaction_that_took_too_long_is_aborted_and_can_be_made_anew(
    world: KafkaWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker takes it back after the timeout; that is not mistaken for another process under our name."""
    limit_transactions(monkeypatch, 1.0)
    log, reader = filled(world)
    offer(log, world, reader, b"slow")
    assert log.committed(0) is None  # waits until the broker has taken it back
    with pytest.raises(UnknownOutcome):
        log.commit()
    give_up(log)
    assert log.committed(0) is None
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
