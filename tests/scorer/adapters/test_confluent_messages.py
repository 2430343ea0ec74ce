"""How one poll of confluent-kafka is put in order, with records made up."""

from __future__ import annotations

from dataclasses import dataclass

from confluent_kafka import KafkaError

from scorer.adapters.confluent_messages import NO_PARTITION, batches_of
from scorer.ports import Batch, Message


@dataclass(frozen=True)
class Found:
    """A record, an end, or an error, as the library gives it."""

    at: int
    number: int
    code: int | None = None

    def partition(self) -> int:
        return self.at

    def offset(self) -> int:
        return self.number

    def error(self) -> KafkaError | None:
        return None if self.code is None else KafkaError(self.code)

    def timestamp(self) -> tuple[int, int]:
        return 1, 1000 + self.number

    def key(self) -> bytes:
        return b"key"

    def value(self) -> bytes:
        return b"%d" % self.number

    def headers(self) -> None:
        return None


END, BAD = KafkaError._PARTITION_EOF, KafkaError._BAD_MSG


def message(number: int) -> Message:
    return Message(number, 1000 + number, b"key", b"%d" % number, ())


def test_messages_and_ends_move_the_positions_of_their_partitions() -> None:
    """The end lies behind markers; a partition that gave nothing is not there."""
    positions, troubles = {0: 3, 1: 0, 2: 8}, dict[int, KafkaError]()
    found = [Found(0, 3), Found(1, 0), Found(0, 4), Found(0, 7, END), Found(2, 8, END)]
    batches = batches_of(found, positions, troubles)
    assert batches == {0: Batch([message(3), message(4)], 7), 1: Batch([message(0)], 1)}
    assert positions == {0: 7, 1: 1, 2: 8}
    assert not troubles


def test_what_lies_before_the_position_or_belongs_to_nobody_is_left_out() -> None:
    """Stale ones after a going forward, and those of a partition that was revoked meanwhile."""
    positions = {0: 5}
    assert batches_of([Found(0, 4), Found(1, 0), Found(0, 3, END), Found(1, 1, END)], positions, {}) == {}
    assert positions == {0: 5}


def test_nothing_behind_an_error_of_its_partition_is_given() -> None:
    """Something before it may be missing; each partition's first error is kept, and one of no partition too."""
    positions, troubles = {0: 0, 1: 0}, dict[int, KafkaError]()
    found = [
        Found(0, 0), Found(0, 1, BAD), Found(1, 0), Found(0, 2), Found(0, 3, END), Found(0, 3, KafkaError._FAIL),
        Found(NO_PARTITION, 0, KafkaError._MAX_POLL_EXCEEDED), Found(2, 0, BAD),
    ]  # fmt: skip
    batches = batches_of(found, positions, troubles)
    assert batches == {0: Batch([message(0)], 1), 1: Batch([message(0)], 1)}
    assert {partition: error.code() for partition, error in troubles.items()} == {
        0: BAD,
        NO_PARTITION: KafkaError._MAX_POLL_EXCEEDED,
    }


def test_a_refused_offset_is_looked_into_for_every_started_partition() -> None:
    """The library may name another offset than the one that was asked for; nothing is given before that is settled."""
    positions, troubles = {0: 6, 1: 0}, dict[int, KafkaError]()
    gone = KafkaError._AUTO_OFFSET_RESET
    batches = batches_of([Found(0, 0, gone), Found(0, 6), Found(2, 0, gone), Found(1, 0, gone)], positions, troubles)
    assert batches == {}
    assert positions == {0: 6, 1: 0}
    assert sorted(troubles) == [0, 1]
