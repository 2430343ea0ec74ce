"""What the confluent log does about librdkafka's own ways; what both clients share is in test_kafka_faults."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roompulse.errors import BrokerError, FencedError
from scorer.adapters import confluent_log, confluent_transactions
from scorer.adapters.confluent_client import membership_of
from scorer.adapters.confluent_log import ConfluentLog
from tests.contracts.event_logs import DEADLINE_S, KafkaWorld, wait
from tests.contracts.test_event_log import ALL, Reader, fill, joined, output, until
from tests.require import require
from tests.scorer.adapters.kafka_faults import be_hasty, filled, offer, world_of
from tests.services.kafka import Kafka


@pytest.fixture
def world(kafka: Kafka) -> Iterator[KafkaWorld]:
    with world_of(kafka, ConfluentLog) as opened:
        yield opened


def confluent(world: KafkaWorld, instance: str = "one") -> ConfluentLog:
    log = world.log(instance)
    assert isinstance(log, ConfluentLog)
    return log


def test_a_partition_in_trouble_says_so_again_and_the_others_lose_nothing(world: KafkaWorld) -> None:
    """What came with the error is given; the error comes until somebody starts the partition elsewhere."""
    values = [fill(world, 10, partition) for partition in ALL]
    world.forget(0, 6)
    reader = joined(confluent(world))
    said: list[str] = []
    deadline = time.monotonic() + DEADLINE_S
    while (len(said) < 3 or len(reader.messages[1]) < 10) and time.monotonic() < deadline:
        try:
            reader.poll()
        except BrokerError as error:
            said.append(str(error))
    assert len(said) >= 3
    assert set(said) == {"partition 0: offset 0 is outside what the topic holds, 6 to 10"}
    assert reader.values(1) == values[1]
    reader.log.start(0, 6)
    until(lambda: len(reader.messages[0]) == 4, reader)
    fill(world, 1, 1)
    until(lambda: len(reader.messages[1]) == 11, reader)


def test_what_was_polled_of_a_partition_that_was_revoked_is_not_given(world: KafkaWorld) -> None:
    """The messages wait in the client when the group takes the partition: they come to its new owner alone."""
    for partition in ALL:
        fill(world, 10, partition)
    log = confluent(world)
    first = joined(log)
    until(lambda: first.poll(max_records=1) == 1)  # the rest waits in the client
    second = Reader(confluent(world, "two"))
    until(lambda: len(second.owned) == 1, first, second)
    (moved,) = second.owned
    given = len(first.messages[moved])
    for _ in range(3):
        first.poll()
    assert len(first.messages[moved]) == given
    second.log.start(moved, 0)
    until(lambda: len(second.messages[moved]) == 10, first, second)


def test_a_zombie_that_joined_again_in_the_background_cannot_commit_what_it_had_polled(world: KafkaWorld) -> None:
    """A change that waits to be served may be answered by a going back; the new membership counts only once served."""
    log, zombie = filled(world)
    assert isinstance(log, ConfluentLog)
    world.evict(log, told=True)
    heir = joined(confluent(world, "two"))
    at = log._at(0, 10)
    log._consumer.incremental_unassign([at])  # what librdkafka takes for the answer
    log._consumer.incremental_assign([at])
    gone_on = threading.Event()
    keeping = threading.Thread(target=lambda: [heir.poll() for _ in iter(gone_on.is_set, True)])
    keeping.start()
    try:
        wait(lambda: membership_of(log._consumer) is not None, "the zombie joins again")
        log.begin()
        log.send([output(world, b"zombie")])
        with pytest.raises(FencedError):
            log.send_positions({0: zombie.positions[0]})
        log.abort()
    finally:
        gone_on.set()
        keeping.join()
    assert heir.log.committed(0) is None
    until(lambda: len(zombie.owned) == len(heir.owned) == 1 and zombie.lost == ALL, zombie, heir)


def test_a_partition_may_be_started_again_at_any_moment(world: KafkaWorld) -> None:
    """A going back right after another, or while paused: messages come once, from the last start on."""
    values = fill(world)
    log = confluent(world)
    reader = Reader(log)
    until(lambda: reader.owned == ALL, reader)
    for offset in (9, 0, 5, 2):
        log.start(0, offset)
    until(lambda: len(reader.messages[0]) == 8, reader)
    assert reader.values(0) == values[2:]
    log.pause([0])
    log.start(0, 10)  # the end was reported once already
    log.start(0, 4)
    log.resume([0])
    until(lambda: len(reader.messages[0]) == 14, reader)
    assert reader.values(0) == values[2:] + values[4:]
    assert reader.positions[0] == 10


def test_a_poll_may_ask_for_more_than_the_library_gives_at_once(world: KafkaWorld) -> None:
    """`--max-batch` has no upper limit, a call of librdkafka has."""
    fill(world)
    reader = joined(confluent(world))
    until(lambda: reader.poll(max_records=3_000_000) > 0)


def test_a_header_whose_name_is_no_text_does_not_stop_the_stream(world: KafkaWorld) -> None:
    """It comes with a schema that nobody knows, so that it is dead-lettered."""

    class Name(str):
        __slots__ = ()

        def encode(self, *_: str) -> bytes:
            return b"\xff\xfe"

    world.append((0, b"key", b"bad", [(Name("x"), b"1")], 0))
    fill(world, 1)
    reader = joined(confluent(world))
    until(lambda: len(reader.messages[0]) == 2, reader)
    assert [list(message.headers) for message in reader.messages[0]] == [[("schema", b"unreadable headers")], []]


def test_a_setting_that_the_library_refuses_is_an_error_of_ours(world: KafkaWorld) -> None:
    """`--session-timeout-s 99999` is beyond librdkafka's limit; the name is not held on to."""
    object.__setattr__(world.settings, "session_timeout_s", 99_999.0)
    with pytest.raises(BrokerError, match=r"cannot use Kafka at .*session\.timeout\.ms"):
        world.log()


@pytest.mark.parametrize("away", ["frozen", "dead"])
def test_closing_does_not_wait_for_a_broker_that_is_away(
    world: KafkaWorld, kafka: Kafka, monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    """Nor does an abort: with records on their way, a membership, and nobody there."""
    be_hasty(monkeypatch)
    log, reader = filled(world)
    offer(log, world, reader, b"never")
    (kafka.freeze if away == "frozen" else kafka.kill)()
    log.send([output(world, b"never")])
    closing = threading.Thread(target=log.close, daemon=True)
    closing.start()
    closing.join(DEADLINE_S / 2)
    assert not closing.is_alive()


def test_a_producer_that_was_let_go_leaves_no_thread_behind(world: KafkaWorld) -> None:
    """Each abort of an unknown outcome costs a producer; a scorer lives through many of them."""
    tasks = Path("/proc/self/task")
    require("/proc", tasks.exists(), "threads are counted as Linux shows them")
    log = confluent(world)
    before = len(list(tasks.iterdir()))
    for _ in range(5):
        log.begin()
        log.send([output(world, b"never")])
        log._transactions._discard()
        log.begin()
        log.abort()
    gc.collect()
    wait(lambda: len(list(tasks.iterdir())) <= before, "their threads end")


def test_a_lost_partition_is_told_although_the_broker_is_silent(
    world: KafkaWorld, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question to a silent broker fails; what happened to the membership must not be swallowed with it."""
    be_hasty(monkeypatch)
    log, reader = filled(world)
    assert isinstance(log, ConfluentLog)
    monkeypatch.setattr(confluent_log, "SILENCE_S", 0.0)
    world.evict(log, told=True)
    kafka.freeze()
    deadline = time.monotonic() + DEADLINE_S
    while not reader.lost and time.monotonic() < deadline:
        try:
            reader.poll()
        except BrokerError:
            continue
    assert reader.lost == ALL


def test_positions_that_are_never_written_do_not_hold_the_scorer(
    world: KafkaWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """librdkafka may wait for ever for a coordinator that it has dropped: that is given up, and the next batch goes."""
    be_hasty(monkeypatch)
    monkeypatch.setattr(confluent_transactions, "GRACE_S", 0.0)
    log, reader = filled(world)
    assert isinstance(log, ConfluentLog)
    for_ever = threading.Event()
    log.begin()
    log.send([output(world, b"lost")])
    with monkeypatch.context() as stuck:
        stuck.setattr(log._transactions, "_producer", _StuckProducer(log._transactions._producer, for_ever))
        with pytest.raises(BrokerError, match="cannot write positions: no end of it"):
            log.send_positions({0: reader.positions[0]})
        log.abort()
        renewed = log._transactions._producer
    log._transactions._producer = renewed
    offer(log, world, reader, b"again")
    log.commit()
    for_ever.set()
    assert world.committed_outputs(0) == [output(world, b"again")]
    assert log.committed(0) == 10


class _StuckProducer:
    """A producer whose positions never arrive."""

    def __init__(self, producer: Any, end: threading.Event) -> None:
        self._producer, self._end = producer, end

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def send_offsets_to_transaction(self, *_: Any) -> None:
        self._end.wait()
