"""The limit of rooms: the same decisions for any cut of the log, by a plain oracle, through checkpoint and restart."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from roompulse.rooms import FORGET_MINUTES
from scorer.pipeline.fold import Fold
from tests.scorer.fakes import START, TOPICS, Event, Lab, clock, context_of, event, feedback, state_of

MOST = 3
CONTEXT = replace(context_of(memory=0.1), max_rooms=MOST)
WEEK = FORGET_MINUTES + 120

_rooms = st.sampled_from([f"room-{number}" for number in range(8)])
_steps = st.sampled_from([0, 0, 0, 1, 1, 7, 59, 60, 61, WEEK - 61, WEEK, WEEK + 61])
_what = st.sampled_from(["minute"] * 6 + ["word", "clock", "garbage"])
_visits = st.lists(st.tuples(_rooms, _steps, _what), max_size=60)
_cuts = st.lists(st.integers(0, 60), max_size=10)


def events_of(visits: list[tuple[str, int, str]]) -> list[tuple[int, str, Event]]:
    """The visits as (minute, room, record); the room is empty for what names none."""
    made: list[tuple[int, str, Event]] = []
    minute = 0
    for room, step, what in visits:
        minute += step
        if what == "minute":
            made.append((minute, room, event(room, minute, 10)))
        elif what == "word":
            made.append((minute, "", feedback(room, "noise")))
        elif what == "clock":
            made.append((minute, "", clock(minute)))
        else:
            made.append((minute, "", Event(b"?", b"not JSON")))
    return made


def expected(visits: list[tuple[str, int, str]]) -> list[bool]:
    """For each minute in order whether it is let in: a dictionary of rooms, walked record by record."""
    held: dict[str, int] = {}
    watermark: int | None = None
    let_in = []
    for (minute, room, _), (_, _, what) in zip(events_of(visits), visits, strict=True):
        if what in {"minute", "clock"} and (watermark is None or minute > watermark):
            if watermark is not None and (START + watermark) // 60 != (START + minute) // 60:
                hour = (START + minute) // 60 * 60
                held = {name: last for name, last in held.items() if hour - last < FORGET_MINUTES + 60}
            watermark = minute
        if what == "minute":
            let_in.append(room in held or len(held) < MOST)
            if let_in[-1]:
                held[room] = START + minute
    return let_in


def folded(visits: list[tuple[str, int, str]], cuts: list[int]) -> Lab:
    """The visits folded in batches that end at `cuts`."""
    lab = Lab(CONTEXT)
    records = [record for _, _, record in events_of(visits)]
    for start, end in pairwise(sorted({0, len(records), *(cut % (len(records) + 1) for cut in cuts)})):
        lab.send(records[start:end])
        assert len(lab.fold) <= MOST
    return lab


@given(_visits, _cuts)
@settings(max_examples=60, deadline=None)
def test_the_limit_does_not_depend_on_the_batches(visits: list[tuple[str, int, str]], cuts: list[int]) -> None:
    """One batch, any batches, one record at a time: the same bytes, state and counts, and never a room too many."""
    whole = folded(visits, [])
    for other in (folded(visits, cuts), folded(visits, list(range(len(visits) + 1)))):
        assert other.all == whole.all
        assert state_of(other.fold) == state_of(whole.fold)
        assert other.total.dead == whole.total.dead


@given(_visits, _cuts)
@settings(max_examples=60, deadline=None)
def test_a_plain_oracle_lets_the_same_rooms_in(visits: list[tuple[str, int, str]], cuts: list[int]) -> None:
    """Held rooms, less those forgotten at each hour: every minute is scored or dead-lettered as a dictionary says."""
    lab = folded(visits, cuts)
    let_in = expected(visits)
    refused = [
        output for output in lab.all if output.topic == TOPICS.dead_letters and ("reason", b"rooms") in output.headers
    ]
    assert len(refused) == let_in.count(False) == lab.total.dead.get("rooms", 0)
    minutes = [room for (_, room, _), (_, _, what) in zip(events_of(visits), visits, strict=True) if what == "minute"]
    assert [(output.key or b"").decode() for output in refused] == [
        room for room, inside in zip(minutes, let_in, strict=True) if not inside
    ]


@given(_visits, st.integers(0, 60))
@settings(max_examples=30, deadline=None)
def test_a_fold_that_goes_on_from_a_checkpoint_decides_alike(visits: list[tuple[str, int, str]], cut: int) -> None:
    """What is held is in the rows: a restart at any record changes no decision."""
    records = [record.at(number) for number, (_, _, record) in enumerate(events_of(visits))]
    cut %= len(records) + 1
    straight, first, second = Fold(0, CONTEXT), Fold(0, CONTEXT), Fold(0, CONTEXT)
    straight.apply(straight.step(records[:cut]))
    first.apply(first.step(records[:cut]))
    second.load(first.head, first.rooms(), first.rows_of(first.rooms()))
    assert second.step(records[cut:]).lines == straight.step(records[cut:]).lines


def test_a_flood_of_new_rooms_leaves_those_that_are_there_alone() -> None:
    """Ten thousand names in a minute: dead letters with the reason, no memory, and the rooms held go on."""
    lab = Lab(replace(context_of(), max_rooms=2))
    lab.send([event("a", 0, 10), event("b", 0, 10)])
    size = len(lab.fold._rows)
    lab.send([event(f"flood-{number}", 1, 1) for number in range(10_000)])
    assert lab.total.dead == {"rooms": 10_000}
    assert len(lab.fold) == 2
    assert len(lab.fold._rows) == size
    before = lab.status["accepted"]
    lab.send([event("a", 1, 10), event("b", 1, 10)])
    assert lab.status["accepted"] == before + 2


def test_a_room_comes_in_once_another_is_forgotten_within_the_same_batch() -> None:
    """The hour that lets an idle room go makes room for the record behind it, and a clock does as well."""
    for idle in ([], [clock(WEEK)]):
        lab = Lab(replace(context_of(), max_rooms=1))
        lab.send([event("old", 0, 1), event("soon", 1, 1), *idle, event("new", WEEK, 1), event("late", WEEK, 1)])
        assert lab.fold.rooms() == ["new"]
        assert lab.total.dead == {"rooms": 2}
