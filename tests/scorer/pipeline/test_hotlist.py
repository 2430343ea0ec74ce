"""The hotlist: the largest excess, the same whatever order the records came in."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scorer.pipeline.hotlist import Hot, candidates, merge
from tests.scorer.fakes import Lab, clock, event, text


def lab() -> Lab:
    """A partition with five rooms at 100 a minute."""
    some = Lab()
    for minute in range(3):
        some.send([event(room, minute, 100) for room in "abcde"])
    return some


def test_the_largest_excess_comes_first_and_ties_go_by_name() -> None:
    """Three places: the largest, then two of three equals by name; below expectation is not hot."""
    some = lab()
    some.send(event("d", 3, 150), event("c", 3, 150), event("e", 3, 90), event("b", 3, 300), event("a", 3, 150))
    (record,) = some.send(clock(4)).hotlists
    assert record["minute"] == text(3)
    assert [(room["rank"], room["room_id"], room["excess"]) for room in record["rooms"]] == [
        (1, "b", 200), (2, "a", 50), (3, "c", 50),
    ]  # fmt: skip


def test_a_minute_is_closed_by_the_next() -> None:
    """Its hotlist is written at the record that moves the watermark, before what that record leads to."""
    some = lab()
    seen = some.send(event("a", 3, 150), event("a", 4, 100))
    topics = [output.topic.removeprefix("live.room.") for output in seen.outputs]
    assert topics == ["hotlist", "forecasts", "hotlist", "forecasts"]
    assert [hot["minute"] for hot in seen.hotlists] == [text(2), text(3)]


def test_a_record_behind_the_watermark_has_missed_it() -> None:
    """Neither a late record nor a correction changes a hotlist that is being counted, or was written."""
    some = lab()
    some.send(event("a", 3, 150), event("b", 4, 100))
    seen = some.send(event("c", 3, 900), event("a", 3, 950), event("b", 4, 800), clock(5))
    assert [(hot["minute"], hot["rooms"]) for hot in seen.hotlists] == [(text(4), [])]


def test_first_minutes_are_not_hot() -> None:
    """A room without a forecast for this minute has no excess, however many come."""
    some = lab()
    some.send(event("new", 3, 9999))
    (record,) = some.send(clock(4)).hotlists
    assert record["rooms"] == []


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 40)), max_size=30, unique_by=lambda pair: pair[1]),
    st.randoms(),
)
def test_any_order_and_any_parts_give_the_same_list(pairs: list[tuple[int, int]], chance: Random) -> None:
    """Merged part by part in any order: the same as sorting everything."""
    whole = sorted(((-excess, f"room {name}") for excess, name in pairs if excess > 0))[:5]
    chance.shuffle(pairs)
    tally: tuple[Hot, ...] = ()
    while pairs:
        part = [pairs.pop() for _ in range(min(len(pairs), chance.randint(1, 7)))]
        actual = np.array([10.0 + excess for excess, _ in part])
        expected = np.full(len(part), 10.0)
        tally = merge(tally, candidates(actual, expected, [f"room {name}" for _, name in part], 5), 5)
    assert [(-hot.excess, hot.room_id) for hot in tally] == whole


def test_nothing_measured_is_no_candidate() -> None:
    """NaN in actual or expected."""
    nan = float("nan")
    assert candidates(np.array([nan, 5.0, 5.0]), np.array([1.0, nan, 5.0]), ["a", "b", "c"], 3) == []
