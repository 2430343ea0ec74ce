"""The loop's order, and that whatever fails, a reader of committed records sees the undisturbed run."""

from __future__ import annotations

from typing import Any

import pytest

from roompulse.errors import BrokerError, CheckpointAway, CheckpointError, FencedError, UnknownOutcome
from scorer import happenings as told
from scorer.adapters.memory_checkpoint import MemoryStore
from scorer.adapters.memory_log import MemoryTopic
from scorer.pipeline.follow import Turn
from scorer.recovery import read_head
from tests.scorer.loops import (
    PARTITIONS,
    Crash,
    Hook,
    Process,
    failing,
    fill,
    filled,
    stream,
    undisturbed,
    watermark_of,
)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once."""
    monkeypatch.setattr("scorer.loop.RETRY_S", 0.0)
    monkeypatch.setattr("scorer.partitions.RETRY_S", 0.0)
    monkeypatch.setattr("scorer.saving.RETRY_S", 0.0)


def fully_saved(process: Process) -> None:
    """The checkpoint stands where the group's offsets stand."""
    for partition, stored in process.store.partitions.items():
        assert stored.applied == process.topic.committed[partition]


def test_the_loop_writes_what_the_fold_makes() -> None:
    """Every partition's records, in order, and the positions; then the checkpoint holds the same point."""
    topic = filled()
    process = Process(topic).run()
    assert dict(topic.outputs) == undisturbed(topic)
    assert topic.committed == {partition: topic.end(partition) for partition in range(PARTITIONS)}
    fully_saved(process)
    assert [recovered.rebuilt for recovered in process.of(told.Recovered)] == [False, False]
    assert process.loop.watermark().epoch == watermark_of(54)
    batches = process.of(told.Committed)
    assert sum(batch.tally.events + sum(batch.tally.words.values()) for batch in batches) == len(stream())


@pytest.mark.parametrize("max_batch", [1, 7, 10_000])
def test_the_batch_size_changes_no_byte(max_batch: int) -> None:
    """Batches of one, of seven and of everything commit the same records."""
    topic = filled()
    Process(topic, max_batch=max_batch).run()
    assert dict(topic.outputs) == undisturbed(topic)


def test_the_order_is_that_of_exactly_once() -> None:
    """Claim, start; begin, send, positions, commit; and only then the checkpoint."""
    order: list[str] = []
    steps = ["claim", "start", "save", "begin", "send", "send_positions", "commit", "save"]

    def note(name: str, when: str, count: int) -> None:
        if when == "after" and name in steps:
            order.append(name)

    topic = MemoryTopic(1)
    topic.append(0, None, b"garbage")
    Process(topic, hook=note).run()
    assert order == steps


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("method", ["begin", "send", "send_positions"])
def test_a_step_that_fails_is_aborted_and_repeated(method: str, when: str) -> None:
    """Nothing of the batch is seen until it is committed whole; the failure is told."""
    topic = filled()
    process = Process(topic, hook=failing(method, when, BrokerError("no"), 2, 3)).run()
    assert dict(topic.outputs) == undisturbed(topic)
    assert len(process.of(told.Aborted)) == 2
    fully_saved(process)


def test_a_commit_that_is_refused_is_repeated() -> None:
    """The broker says no: the messages are read and folded again."""
    topic = filled()
    process = Process(topic, hook=failing("commit", "before", BrokerError("no"), 2)).run()
    assert dict(topic.outputs) == undisturbed(topic)
    assert process.of(told.Aborted) == [told.Aborted("no")]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("counts", [(2,), (2, 3), (2, 3, 4), (2, 3, 4, 5, 6, 7)])
def test_a_commit_of_unknown_outcome_is_asked_again_and_then_recovered(when: str, counts: tuple[int, ...]) -> None:
    """Whether it took place or not: after three tries the committed offsets say what is to be done."""
    topic = filled()
    process = Process(topic, hook=failing("commit", when, UnknownOutcome("silence"), *counts)).run()
    assert dict(topic.outputs) == undisturbed(topic)
    assert len(process.of(told.Aborted)) == len(counts) // 3
    assert len(process.of(told.Recovered)) >= PARTITIONS * (1 + len(counts) // 3)
    fully_saved(process)


def test_an_abort_that_fails_does_not_stop_the_loop() -> None:
    """The broker is away altogether for a moment."""

    def hook(name: str, when: str, count: int) -> None:
        if (name, when, count) in {("send", "before", 2), ("abort", "after", 1)}:
            raise BrokerError("away")

    topic = filled()
    process = Process(topic, hook=hook).run()
    assert dict(topic.outputs) == undisturbed(topic)
    assert process.of(told.BrokerAway) == [told.BrokerAway("away")]


def test_a_poll_that_fails_is_told_and_tried_again() -> None:
    """Reading goes on where it was."""
    topic = filled()
    process = Process(topic, hook=failing("poll", "before", BrokerError("away"), 2, 4)).run()
    assert dict(topic.outputs) == undisturbed(topic)
    assert len(process.of(told.BrokerAway)) == 2


def test_a_fenced_step_is_repeated_but_not_for_ever() -> None:
    """The group may have moved on once; fenced time and again, another process runs under our name."""
    topic = filled()
    Process(topic, hook=failing("send_positions", "before", FencedError("moved on"), 2, 4)).run()
    assert dict(topic.outputs) == undisturbed(topic)
    with pytest.raises(FencedError, match="taken over"):
        Process(filled(), hook=failing("begin", "before", FencedError("taken over"))).run()


def test_a_member_that_was_put_out_comes_back() -> None:
    """It recovers its partitions from the checkpoint, and nothing is lost or doubled."""
    topic = filled()
    processes: list[Process] = []

    def hook(name: str, when: str, count: int) -> None:
        if (name, when, count) == ("send", "after", 2):
            processes[0].memory_log.evict()

    processes.append(Process(topic, hook=hook))
    process = processes[0].run()
    assert dict(topic.outputs) == undisturbed(topic)
    assert len(process.of(told.Lost)) == PARTITIONS
    assert len(process.of(told.Recovered)) == 2 * PARTITIONS


def crash_points() -> list[tuple[str, str, int]]:
    """Every call of an undisturbed run, before and after its effect."""
    points: list[tuple[str, str, int]] = []
    silent = {"bounds", "committed", "topic_id", "partition_count", "resume"}

    def note(name: str, when: str, count: int) -> None:
        if name not in silent:
            points.append((name, when, count))

    Process(filled(), hook=note, max_batch=45).run()
    return points


@pytest.mark.parametrize("offset", range(4))
def test_a_crash_at_any_step_changes_no_committed_byte(offset: int) -> None:
    """Killed at each call, with the checkpoint as it is then, and restarted: the same records, once."""
    for point in crash_points()[offset::4]:
        topic, store = filled(), MemoryStore()
        process = Process(topic, store, failing(point[0], point[1], Crash(), point[2]), max_batch=45)
        with pytest.raises(Crash):
            process.run()
        process.gone()
        fill(topic, [], end=100)
        after = Process(topic, store, max_batch=25).run()
        assert dict(topic.outputs) == undisturbed(topic), point
        fully_saved(after)


def test_a_crash_while_catching_up_is_caught_up_again() -> None:
    """The checkpoint lags; the process dies in the middle of re-reading; the third one finishes."""
    topic, store = filled(), MemoryStore()
    Process(topic, store).run()
    store.restore({})
    fill(topic, stream(first=60), end=120)
    process = Process(topic, store, failing("save", "after", Crash(), 3), max_batch=9)
    with pytest.raises(Crash):
        process.run()
    process.gone()
    Process(topic, store).run()
    assert dict(topic.outputs) == undisturbed(topic)


def test_redis_away_for_a_while_costs_nothing() -> None:
    """What changed waits in memory, is told, and is saved once the store is back."""
    topic = filled()
    process = Process(topic, hook=failing("save", "before", CheckpointAway("away"), *range(1, 8)), max_batch=8).run()
    assert dict(topic.outputs) == undisturbed(topic)
    delayed = process.of(told.SaveDelayed)
    assert len(delayed) == 7
    assert max(event.waiting for event in delayed) >= 2
    fully_saved(process)


def test_redis_away_at_the_end_only_lags() -> None:
    """The loop ends; the next process catches up from an older point."""
    topic, store = filled(), MemoryStore()
    Process(topic, store, hook=failing("save", "before", CheckpointAway("away")), exit_at_end=True).run()
    fill(topic, stream(first=60), end=120)
    second = Process(topic, store).run()
    assert dict(topic.outputs) == undisturbed(topic)
    assert [recovered.applied for recovered in second.of(told.Recovered)] == [0, 0]


def test_redis_away_at_the_start_delays_only() -> None:
    """Claiming is tried until it works; until then nothing is read."""
    topic = filled()
    process = Process(topic, hook=failing("claim", "before", CheckpointAway("away"), 1, 2, 3)).run()
    assert dict(topic.outputs) == undisturbed(topic)
    assert len(process.of(told.RecoveryDelayed)) == 3


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_save_that_is_fenced_claims_again(when: str) -> None:
    """By mistake or by another scorer: the partition is recovered, and the records are the same."""
    topic = filled()
    process = Process(topic, hook=failing("save", when, FencedError("claimed"), 3), max_batch=9).run()
    assert dict(topic.outputs) == undisturbed(topic)
    assert len(process.of(told.Recovered)) == PARTITIONS + 1
    fully_saved(process)


def test_reading_pauses_while_too_much_waits() -> None:
    """Beyond the bound nothing more is committed until the store is back; then everything goes on."""
    topic, store = filled(), MemoryStore()
    committed: list[dict[int, int]] = []

    def hook(name: str, when: str, count: int) -> None:
        if (name, when) == ("save", "before") and count < 12:
            committed.append(dict(topic.committed))
            raise CheckpointAway("away")

    process = Process(topic, store, hook, max_batch=6, max_dirty_rooms=3).run()
    assert [reading.paused for reading in process.of(told.Reading)] == [True, False]
    paused_at = next(number for number, save in enumerate(process.of(told.SaveDelayed)) if save.waiting >= 3)
    assert all(offsets == committed[paused_at] for offsets in committed[paused_at:])
    assert dict(topic.outputs) == undisturbed(topic)
    fully_saved(process)


def _more(topic: MemoryTopic) -> None:
    """One minute of everybody on the topic."""
    fill(topic, stream(minutes=1, first=60))


@pytest.mark.parametrize("fails", [None, BrokerError("no"), UnknownOutcome("silence")])
def test_exit_at_end_stops_at_the_end_of_the_start(fails: BrokerError | None) -> None:
    """What comes later is left for the next run, even where the last batch has to be repeated."""
    topic = filled()
    ends = {partition: topic.end(partition) for partition in range(PARTITIONS)}
    expected = undisturbed(topic)
    process = Process(
        topic,
        hook=failing("commit", "before", fails, 1, 2, 3) if fails else failing("none", "", Crash()),
        max_batch=500,
    )
    _more(topic)
    process.run()
    assert topic.committed == ends
    assert dict(topic.outputs) == expected
    Process(topic).run()
    assert dict(topic.outputs) == undisturbed(topic)


def test_an_empty_topic_is_at_its_end() -> None:
    """There is nothing to wait for."""
    assert Process(MemoryTopic(PARTITIONS)).run().turns <= 2


def test_two_scorers_share_the_partitions() -> None:
    """The second takes a partition over in the middle, hands it back by leaving, and no record is lost or doubled."""
    topic, store = filled(), MemoryStore()
    one = Process(topic, store, max_batch=5)
    one.loop.turn()
    one.loop.turn()
    two = Process(topic, store, max_batch=5, instance="two")
    for _ in range(4):
        two.loop.turn()
        one.loop.turn()
    assert [lost.partition for lost in one.of(told.Lost)] == [1]
    assert {recovered.partition for recovered in two.of(told.Recovered)} == {1}
    two.memory_log.close()
    one.run()
    assert dict(topic.outputs) == undisturbed(topic)
    assert [recovered.partition for recovered in one.of(told.Recovered)] == [0, 1, 1]


def test_a_partition_that_goes_before_it_could_be_taken_over_is_lost_too() -> None:
    """What its scorer showed of it has to go, or it would be seen twice; the reason for the delay names Redis."""
    topic = filled()
    one = Process(topic, hook=failing("claim", "before", CheckpointAway("away")))
    one.loop.turn()
    two = Process(topic, instance="two")
    two.loop.turn()
    one.loop.turn()
    assert [lost.partition for lost in one.of(told.Lost)] == [1]
    assert {delayed.away for delayed in one.of(told.RecoveryDelayed)} == {"redis"}


def test_standing_tells_where_the_partitions_are() -> None:
    """Messages behind, rooms live and watermarks, by partition."""
    topic = filled()
    process = Process(topic)
    process.loop.turn()
    process.loop.turn()
    standing = process.of(told.Standing)[0]
    assert standing.behind.keys() == standing.rooms.keys() <= {0, 1}
    assert all(count >= 0 for count in standing.behind.values())


def test_what_retention_took_is_skipped_and_said() -> None:
    """A position that the topic no longer holds: the partition starts where the topic begins, approximately."""
    topic = filled()
    process = Process(topic, max_batch=5, exit_at_end=False)
    process.loop.turn()
    process.loop.turn()
    for partition in range(PARTITIONS):
        topic.forget(partition, topic.end(partition) - 3)
    for _ in range(12):
        process.loop.turn()
    assert topic.committed == {partition: topic.end(partition) for partition in range(PARTITIONS)}
    approximate = [recovered for recovered in process.of(told.Recovered) if recovered.rebuilt]
    assert {recovered.partition for recovered in approximate} >= {0}
    assert not any(recovered.exact for recovered in approximate)


def test_errors_of_the_checkpoint_itself_end_the_loop() -> None:
    """What must not be continued from is not tried again."""
    hook: Hook = failing("claim", "after", CheckpointError("damaged"))
    with pytest.raises(CheckpointError, match="damaged"):
        Process(filled(), hook=hook).run()


def test_the_saved_head_says_what_it_belongs_to() -> None:
    """Models, topic, partition count, layout and the partition's own watermark lie beside the rooms."""
    process = Process(filled()).run()
    saved: Any = process.store.partitions[0]
    head = read_head(saved)
    assert (head.topic_id, head.partitions) == (process.topic.topic_id, PARTITIONS)
    assert head.head.follows.turns == (Turn("fake"),)
    assert head.head.watermark == watermark_of(54)
