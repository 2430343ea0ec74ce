"""Where a partition starts: what is continued from, what is rebuilt, and what is refused, in words that help."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from roompulse.errors import CheckpointError, ModelMissing
from scorer import happenings as told
from scorer.adapters.memory_checkpoint import MemoryStore
from scorer.adapters.memory_log import MemoryTopic
from tests.scorer.fakes import clock
from tests.scorer.loops import CONTEXT, PARTITIONS, Process, fill, filled, record_fields, stream, undisturbed


def scored() -> tuple[MemoryTopic, MemoryStore]:
    """A topic that a scorer has come to the end of, and its store; then more comes."""
    topic, store = filled(), MemoryStore()
    Process(topic, store).run()
    fill(topic, stream(first=60), end=120)
    return topic, store


def edit_heads(store: MemoryStore, **changes: object) -> None:
    """Write other values into every saved head."""
    for stored in store.partitions.values():
        stored.head = json.dumps(json.loads(stored.head) | changes).encode()


def test_it_goes_on_from_the_saved_point() -> None:
    """Nothing is re-read where the checkpoint is up to date."""
    topic, store = scored()
    process = Process(topic, store).run()
    assert dict(topic.outputs) == undisturbed(topic)
    for recovered in process.of(told.Recovered):
        assert recovered.applied == recovered.live_from > 0
        assert recovered.rooms > 0
        assert not recovered.rebuilt


def test_an_older_point_is_caught_up_without_output() -> None:
    """Redis lost its last writes: what lies between is folded again, and written once."""
    topic, store = filled(), MemoryStore()
    process = Process(topic, store, max_batch=10)
    for _ in range(3):
        process.loop.turn()
    older = store.copy()
    process.run()
    store.restore(older)
    fill(topic, stream(first=60), end=120)
    second = Process(topic, store, max_batch=7).run()
    assert dict(topic.outputs) == undisturbed(topic)
    assert any(0 < recovered.applied < recovered.live_from for recovered in second.of(told.Recovered))
    assert len(second.of(told.Live)) == PARTITIONS


def test_a_lost_checkpoint_is_rebuilt_exactly_from_the_whole_topic() -> None:
    """Redis is empty, the topic is not: the same bytes, and it says that it rebuilds."""
    topic, store = scored()
    store.restore({})
    process = Process(topic, store).run()
    assert dict(topic.outputs) == undisturbed(topic)
    assert [(r.applied, r.rebuilt, r.exact) for r in process.of(told.Recovered)] == [(0, True, True)] * PARTITIONS


def test_a_state_of_another_layout_is_replaced_whole() -> None:
    """Rows that this program cannot read are rebuilt; none of them stays behind in the store."""
    topic, store = scored()
    edit_heads(store, layout="another")
    for stored in store.partitions.values():
        stored.rows = dict.fromkeys(stored.rows, b"?") | {b"ghost": b"?"}
    process = Process(topic, store).run()
    assert dict(topic.outputs) == undisturbed(topic)
    assert all(recovered.rebuilt for recovered in process.of(told.Recovered))
    sizes = {len(row) for stored in store.partitions.values() for row in stored.rows.values()}
    assert sizes == {CONTEXT.dtype.itemsize}


@pytest.mark.parametrize("hours", [1e-9, 24.0])
def test_what_the_topic_no_longer_gives_is_approximate_and_said(hours: float) -> None:
    """Re-reading begins late, or where nothing is left to re-read: rebuilt, and not exactly."""
    topic, store = MemoryTopic(1), MemoryStore()
    for minute in range(30):
        topic.append(0, None, clock(minute).value, clock(minute).headers, timestamp_ms=1000 + minute)
    Process(topic, store).run()
    store.restore({})
    topic.append(0, *record_fields(clock(31)))
    (recovered,) = Process(topic, store, rebuild_hours=hours).run().of(told.Recovered)
    assert (recovered.applied, recovered.live_from, recovered.rebuilt, recovered.exact) == (30, 30, True, False)


def test_a_new_group_on_an_old_topic_rebuilds_nothing() -> None:
    """There was no state: it begins where the topic begins, live."""
    topic = filled()
    topic.forget(0, 10)
    recovered = Process(topic).run().of(told.Recovered)
    assert [(r.applied, r.live_from, r.rebuilt, r.exact) for r in recovered] == [
        (10, 10, False, True),
        (0, 0, False, True),
    ]


def beyond(topic: MemoryTopic, store: MemoryStore) -> None:
    """The group's offsets were reset."""
    topic.committed = dict.fromkeys(topic.committed, 3)


def no_offsets(topic: MemoryTopic, store: MemoryStore) -> None:
    """The group's offsets have expired."""
    topic.committed.clear()


def cut_short(topic: MemoryTopic, store: MemoryStore) -> None:
    """The topic was restored from an older backup, the group's offsets were not."""
    topic.messages = [messages[:9] for messages in topic.messages]


def another_topic(topic: MemoryTopic, store: MemoryStore) -> None:
    """The topic was deleted and made anew."""
    topic.topic_id = "new"


def more_partitions(topic: MemoryTopic, store: MemoryStore) -> None:
    """Partitions were added."""
    topic.messages.append([])
    topic.first.append(0)
    topic.owners.append(None)


def another_model(topic: MemoryTopic, store: MemoryStore) -> None:
    """The partitions follow a bundle that is not here."""
    for stored in store.partitions.values():
        stored.head = stored.head.replace(b'"model":"fake"', b'"model":"0123456789"')


def garbled(topic: MemoryTopic, store: MemoryStore) -> None:
    """The head is not one of ours."""
    for stored in store.partitions.values():
        stored.head = b'{"layout":'


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (beyond, "stands at offset 27, beyond the group's committed offset 3"),
        (no_offsets, r"committed offset \(none\)"),
        (another_topic, "belongs to another topic"),
        (more_partitions, "had 2 partitions; it has 3 now"),
        (another_model, "model 0123456789 is not here"),
        (garbled, "cannot be read: .*newer RoomPulse"),
    ],
)
def test_what_must_not_be_continued_from_is_refused(
    change: Callable[[MemoryTopic, MemoryStore], None], text: str
) -> None:
    """The process ends with a message that says what is wrong, and nothing is written.

    It is one that stops at the end; any other waits for a model.
    """
    topic, store = scored()
    change(topic, store)
    before = dict(topic.outputs)
    with pytest.raises((CheckpointError, ModelMissing), match=text):
        Process(topic, store).run()
    assert dict(topic.outputs) == before


@pytest.mark.parametrize("change", [beyond, another_topic, more_partitions, garbled])
def test_a_refusal_names_the_way_out(change: Callable[[MemoryTopic, MemoryStore], None]) -> None:
    """Whoever reads it at night knows which flag to change."""
    topic, store = scored()
    change(topic, store)
    with pytest.raises(CheckpointError, match="--redis-prefix"):
        Process(topic, store).run()


@pytest.mark.parametrize("kept", [True, False])
def test_a_topic_that_lost_what_was_scored_is_refused(kept: bool) -> None:
    """With a checkpoint and without: what comes next would be taken for what was scored already, and be lost."""
    topic, store = scored()
    cut_short(topic, store)
    with pytest.raises(CheckpointError, match=r"has committed offset 27, and the topic ends at 9.*--redis-prefix"):
        Process(topic, store if kept else MemoryStore(), exit_at_end=False).run()


@pytest.mark.parametrize("change", [more_partitions, cut_short])
def test_a_topic_that_changes_under_a_running_scorer_is_refused(
    change: Callable[[MemoryTopic, MemoryStore], None],
) -> None:
    """A partition that was added comes to it, or one that it reads ends before where it stands."""
    topic, store = scored()
    process = Process(topic, store, exit_at_end=False)
    for _ in range(4):
        process.loop.turn()
    before = dict(topic.outputs)
    change(topic, store)
    topic.reassign()
    with pytest.raises(CheckpointError, match=r"when the topic had 2 partitions; it has 3 now|ends at 9"):
        process.loop.run()
    assert dict(topic.outputs) == before
