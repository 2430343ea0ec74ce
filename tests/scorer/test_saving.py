"""Saves that run beside the loop: whatever is in flight when something happens, the committed records stay the same."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from roompulse.errors import BrokerError, CheckpointAway, CheckpointError, FencedError, UnknownOutcome
from scorer import happenings as told
from scorer.adapters.memory_checkpoint import MemoryStore
from scorer.adapters.memory_log import MemoryTopic
from scorer.ports import Output
from tests.scorer.loops import (
    PARTITIONS,
    Crash,
    Hook,
    LateExecutor,
    Process,
    failing,
    filled,
    never,
    undisturbed,
)

LATE = pytest.mark.parametrize("late", [1, 3])
MINUTES = 16


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once."""
    for module in ("loop", "partitions", "saving"):
        monkeypatch.setattr(f"scorer.{module}.RETRY_S", 0.0)


def beside(topic: MemoryTopic, late: int, hook: Hook = never, **options: Any) -> Process:
    """A process whose saves are in flight for so many turns."""
    return Process(topic, hook=hook, beside=LateExecutor(late), **({"max_batch": 9} | options))


def rows_of(process: Process) -> dict[int, Any]:
    """What the checkpoint holds: position and rows by partition."""
    return {number: (stored.applied, stored.rows) for number, stored in process.store.partitions.items()}


@cache
def at_once() -> tuple[dict[tuple[str, int], list[Output]], dict[int, Any]]:
    """What the fold writes, and what the checkpoint of a process holds that waits for each save."""
    topic = filled(MINUTES)
    return undisturbed(topic), rows_of(Process(topic).run())


def all_is_well(process: Process) -> None:
    """The committed records are the undisturbed ones, and the checkpoint holds what it would hold without a save beside
    the loop.
    """
    outputs, rows = at_once()
    assert dict(process.topic.outputs) == outputs
    assert rows_of(process) == rows


@LATE
def test_the_checkpoint_ends_where_the_log_ends(late: int) -> None:
    """However long saves take, the end waits for them."""
    topic = filled(MINUTES)
    process = beside(topic, late).run()
    all_is_well(process)
    assert process.of(told.Saved)[-1].waiting == 0


def test_the_loop_goes_on_while_a_save_is_in_flight() -> None:
    """Turns commit meanwhile; the next round takes all that changed in them."""
    process = beside(filled(MINUTES), 3, exit_at_end=False, max_batch=5)
    rounds: list[int] = []
    for _ in range(9):
        process.loop.turn()
        rounds.append(len(process.of(told.Saved)))
    assert len(process.of(told.Committed)) == 8
    # A partition that nothing is saved of yet is waited for: everything has to be written.
    assert rounds == [2] * 5 + [3] * 4
    assert max(save.waiting for save in process.of(told.Saved)) > 0


@LATE
@pytest.mark.parametrize("fails", [BrokerError("no"), FencedError("moved on"), UnknownOutcome("silence")])
def test_a_commit_that_fails_meanwhile_changes_nothing(late: int, fails: BrokerError) -> None:
    """Neither an abort nor partitions that are taken over again disturb what is in flight, or are disturbed by it."""
    topic = filled(MINUTES)
    process = beside(topic, late, failing("commit", "before", fails, 2, 3, 4, 7)).run()
    all_is_well(process)


@LATE
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_save_that_is_fenced_in_flight_claims_again(late: int, when: str) -> None:
    """What the loop has folded meanwhile is folded again from what is saved, and written once."""
    topic = filled(MINUTES)
    process = beside(topic, late, failing("save", when, FencedError("claimed"), 3)).run()
    assert len(process.of(told.Recovered)) == PARTITIONS + 1
    all_is_well(process)


@LATE
@pytest.mark.parametrize("when", ["before", "after"])
def test_redis_that_goes_away_in_flight_costs_nothing(late: int, when: str) -> None:
    """What was handed over is saved with what came after it, also where it was saved and the answer was lost."""
    topic = filled(MINUTES)
    process = beside(topic, late, failing("save", when, CheckpointAway("away"), 2, 3, 5, 6, 7)).run()
    assert len(process.of(told.SaveDelayed)) == 5
    all_is_well(process)


@LATE
def test_a_point_that_is_lost_in_flight_is_written_anew(late: int) -> None:
    """Redis forgets everything under a save: the next one gives every row, of a later point, and is waited for."""
    topic, store = filled(MINUTES), MemoryStore()

    def hook(name: str, when: str, count: int) -> None:
        if (name, when) == ("save", "before") and count == 4:
            store.restore({})

    process = beside(topic, late, hook, store=store).run()
    assert not process.of(told.SaveDelayed)
    assert not process.of(told.RecoveryDelayed)
    all_is_well(process)


@LATE
def test_a_partition_that_goes_takes_its_save_along(late: int) -> None:
    """Before another scorer gets it, what was in flight has ended; its successor continues from there."""
    topic, store = filled(MINUTES), MemoryStore()
    one = beside(topic, late, store=store, max_batch=5)
    for _ in range(3):
        one.loop.turn()
    two = beside(topic, late, store=store, max_batch=5, instance="two")
    for _ in range(4):
        two.loop.turn()
        one.loop.turn()
    assert [lost.partition for lost in one.of(told.Lost)] == [1]
    assert [recovered.rebuilt for recovered in two.of(told.Recovered)] == [False]
    two.memory_log.close()
    one.run()
    all_is_well(one)


@LATE
@pytest.mark.parametrize("executed", ["never", "before the claim", "after the claim"])
def test_a_crash_with_a_save_in_flight_changes_no_committed_byte(late: int, executed: str) -> None:
    """What was under way when the process died may be executed still, or after its successor's claim, or not at all."""
    topic, store, killed = filled(MINUTES), MemoryStore(), LateExecutor(99)
    process = Process(topic, store, failing("commit", "after", Crash(), 4), max_batch=9, beside=killed)
    with pytest.raises(Crash):
        process.run()
    process.gone()
    if executed == "before the claim":
        killed.calls[-1].run()
    after = beside(topic, late, store=store)
    while not after.of(told.Recovered):
        after.loop.turn()
    if executed == "after the claim":
        killed.calls[-1].run()
        assert {type(result.error) for result in killed.calls[-1].result()} == {FencedError}
    after.run()
    all_is_well(after)


@LATE
def test_what_ends_a_save_for_good_ends_the_loop(late: int) -> None:
    """A refused password in the other thread is the loop's error."""
    with pytest.raises(CheckpointError, match="refused"):
        beside(filled(MINUTES), late, failing("save", "before", CheckpointError("refused"), 3)).run()


@LATE
def test_reading_pauses_while_too_much_is_in_flight(late: int) -> None:
    """A Redis that is slow is waited for as one that is away: the rows that it has not got are bounded."""
    topic = filled(MINUTES)
    process = beside(topic, late, max_dirty_rooms=4, max_batch=3).run()
    assert any(reading.paused for reading in process.of(told.Reading))
    assert max(save.waiting for save in process.of(told.Saved)) < 4 + 3
    all_is_well(process)


def test_a_loop_that_does_not_save_writes_the_same_and_keeps_nothing() -> None:
    """A backtest: no row is made for the checkpoint, and what would wait for one does not add up."""
    topic = filled(MINUTES)
    process = Process(topic, saves=False, max_dirty_rooms=1).run()
    assert dict(topic.outputs) == at_once()[0]
    assert not any(stored.rows for stored in process.store.partitions.values())
    assert process.calls["save"] == 0
    assert not process.of(told.Saved)
    assert process.loop._mine._rows_waiting() == 0
