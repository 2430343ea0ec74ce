"""The memory log holds its caller to the protocol: a mistake that a broker would forgive shows at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scorer.adapters.memory_log import LogMisuse, MemoryLog, MemoryTopic
from scorer.ports import Output

OUTPUT = Output("out", 0, b"key", b"value", [])


@pytest.fixture
def log() -> MemoryLog:
    """A log that has read the one message there is."""
    topic = MemoryTopic(1)
    topic.append(0, b"key", b"value")
    log = MemoryLog(topic)
    log.poll(10, 0)
    log.start(0, 0)
    log.poll(10, 0)
    return log


OUTSIDE: dict[str, Callable[[MemoryLog], object]] = {
    "send": lambda log: log.send([OUTPUT]),
    "positions": lambda log: log.send_positions({0: 1}),
    "commit": lambda log: log.commit(),
    "abort": lambda log: log.abort(),
}
WITHIN: dict[str, Callable[[MemoryLog], object]] = {
    "begin": lambda log: log.begin(),
    "poll": lambda log: log.poll(10, 0),
    "start": lambda log: log.start(0, 0),
    "unread positions": lambda log: log.send_positions({0: 2}),
}


@pytest.mark.parametrize("step", OUTSIDE.values(), ids=OUTSIDE)
def test_a_step_of_a_transaction_outside_of_one_is_a_mistake(
    log: MemoryLog, step: Callable[[MemoryLog], object]
) -> None:
    """Begin comes first, and a transaction ends once."""
    with pytest.raises(LogMisuse):
        step(log)
    log.begin()
    log.commit()
    with pytest.raises(LogMisuse):
        step(log)


@pytest.mark.parametrize("step", WITHIN.values(), ids=WITHIN)
def test_what_does_not_belong_into_a_transaction_is_a_mistake(
    log: MemoryLog, step: Callable[[MemoryLog], object]
) -> None:
    """Reading moves positions, which belong to the transaction that is open."""
    log.begin()
    with pytest.raises(LogMisuse):
        step(log)


def test_positions_are_sent_once(log: MemoryLog) -> None:
    """Twice would leave open which of them counts."""
    log.begin()
    log.send_positions({0: 1})
    with pytest.raises(LogMisuse):
        log.send_positions({0: 1})


def test_a_partition_that_is_not_ours_cannot_be_started(log: MemoryLog) -> None:
    """Nor one that does not exist."""
    with pytest.raises(LogMisuse):
        log.start(7, 0)


def test_a_closed_log_cannot_be_polled(log: MemoryLog) -> None:
    """It would join the group again."""
    log.close()
    with pytest.raises(LogMisuse):
        log.poll(10, 0)


def test_committed_outputs_can_be_taken_away_as_they_come(log: MemoryLog) -> None:
    """A long backtest writes them to files and keeps nothing."""
    log.begin()
    log.send([Output("out", 1, None, b"2", []), Output("out", 0, None, b"1", []), Output("other", 0, None, b"3", [])])
    log.commit()
    topic = log._topic
    assert [output.value for output in topic.take_outputs("out")] == [b"1", b"2"]
    assert topic.take_outputs("out") == []
    assert [output.value for output in topic.take_outputs("other")] == [b"3"]
