"""The hotlist: the largest excess, the same whatever order the records came in."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scorer.pipeline.hotlist import Hot, candidates, merge
from tests.scorer.fakes import RULES, TOPICS, Lab, clock, event, text


def hotlists(some: Lab) -> list[dict[str, Any]]:
    """Every hotlist written so far."""
    return [json.loads(output.value or b"") for output in some.all if output.topic == TOPICS.hotlist]


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


def test_a_listed_room_is_held_to_the_forecast_that_it_entered_against() -> None:
    """Forecasts follow a surge within minutes; what was expected before it stands, for half an hour."""
    some = lab()
    for minute in range(3, 40):
        some.send(event("a", minute, 300))
    lists = [(hot["minute"], [room["expected"] for room in hot["rooms"]]) for hot in hotlists(some)[3:]]
    assert lists[:29] == [(text(minute), [100.0]) for minute in range(3, 32)]
    assert all(expected > 299 for _, rooms in lists[29:] for expected in rooms), "then the newest one, which knows it"


def test_a_listed_room_keeps_its_place_against_one_that_is_hardly_hotter() -> None:
    """Three places: a fourth room enters once its excess is more than the third one's divided by 0.7."""
    some = lab()
    some.send(event("a", 3, 300), event("b", 3, 290), event("c", 3, 200))
    some.send(event("a", 4, 300), event("b", 4, 290), event("c", 4, 200), event("d", 4, 242))
    some.send(event("a", 5, 300), event("b", 5, 290), event("c", 5, 200), event("d", 5, 244), event("e", 5, 250))
    some.send(clock(6))
    assert [[room["room_id"] for room in hot["rooms"]] for hot in hotlists(some)[-3:]] == [
        ["a", "b", "c"], ["a", "b", "c"], ["a", "b", "e"],
    ]  # fmt: skip


def test_a_listed_room_that_cools_down_leaves() -> None:
    """No place is kept without an excess, and one that left has to enter anew."""
    some = lab()
    some.send(event("a", 3, 300), event("a", 4, 90), event("a", 5, 300), clock(6))
    assert [len(hot["rooms"]) for hot in hotlists(some)[-3:]] == [1, 0, 1]
    assert hotlists(some)[-1]["rooms"][0]["expected"] > 100


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 40)), max_size=30, unique_by=lambda pair: pair[1]),
    st.sets(st.integers(0, 40), max_size=5),
    st.randoms(),
)
def test_any_order_and_any_parts_give_the_same_list(
    pairs: list[tuple[int, int]], listed: set[int], chance: Random
) -> None:
    """Merged part by part in any order: the same as sorting everything by claim and then by name."""
    last = [Hot(1.0, f"room {name}", 11.0, 10.0, 1) for name in listed]
    whole = sorted(
        (-float(excess) * (1 / 0.7 if name in listed else 1.0), f"room {name}") for excess, name in pairs if excess > 0
    )[:5]
    chance.shuffle(pairs)
    tally: tuple[Hot, ...] = ()
    while pairs:
        part = [pairs.pop() for _ in range(min(len(pairs), chance.randint(1, 7)))]
        tally = merge(tally, hot_of([10.0 + excess for excess, _ in part], [name for _, name in part], last), 5)
    assert [(-hot.claim, hot.room_id) for hot in tally] == whole


def hot_of(actual: list[float], names: list[int], listed: list[Hot]) -> list[Hot]:
    """Candidates for five places at minute 3, each with 10 expected and no forecast to be held to."""
    count = len(actual)
    nothing = np.full((count, 3, 10), np.nan, np.float32)
    rooms = [f"room {name}" for name in names]
    return candidates(3, np.array(actual), np.full(count, 10.0), nothing, rooms, listed, replace(RULES, hotlist_size=5))


def test_nothing_measured_is_no_candidate() -> None:
    """NaN in actual or expected."""
    nan = float("nan")
    nothing = np.full((3, 3, 10), np.nan, np.float32)
    values, medians = np.array([nan, 5.0, 5.0]), np.array([1.0, nan, 5.0])
    assert candidates(3, values, medians, nothing, ["a", "b", "c"], [], RULES) == []
