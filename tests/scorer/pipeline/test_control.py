"""Control records: from its place in the log on a partition follows another model, settings or the plain mean."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roompulse.overrides import Override, Overrides
from roompulse.rooms import shape_of
from scorer.pipeline.contest import HOURS, Contest
from scorer.pipeline.fold import ModelAhead
from scorer.pipeline.follow import Follows, Turn, model_code
from scorer.pipeline.partition import Context
from tests.scorer.fakes import (
    START,
    TOPICS,
    UNITS,
    Event,
    Lab,
    LevelForecaster,
    clock,
    context_of,
    control,
    event,
    feedback,
    promotion,
    state_of,
    steady,
    text,
)

FIRST = context_of(memory=0.1)
SECOND = context_of(memory=0.2, model="5" * 64)
WIDER = context_of(memory=0.2, model="6" * 64, units=UNITS + 3, window=90)
NARROW = context_of(memory=0.3, model="7" * 64, units=1)
ROOMS = [f"room-{number}" for number in range(12)]


def lab_with(*others: Context, first: Context = FIRST) -> Lab:
    """A partition that begins with `first` and has others at hand."""
    lab = Lab(first)
    for other in others:
        lab.fold.know(other)
    return lab


def minutes(span: range, value: int = 99) -> list[Event]:
    """All rooms, minute by minute, each with a level and a rhythm of its own."""
    return [
        event(room, minute, value + 10 * number + (minute * (number + 3)) % 17)
        for minute in span
        for number, room in enumerate(ROOMS)
    ]


@pytest.mark.parametrize("other", [SECOND, WIDER, NARROW], ids=["same", "wider", "narrower"])
def test_a_promoted_model_takes_over_where_its_record_lies(other: Context) -> None:
    """From the next minute on forecasts carry its label, and its state is the one that it would have had all along."""
    lab = lab_with(other)
    lab.send(minutes(range(20)), promotion(other.model))
    assert {forecast["model"] for forecast in lab.send(minutes(range(20, 21))).forecasts} == {other.writer.model}
    lab.send(minutes(range(21, 25)))
    always = Lab(other)
    always.send(minutes(range(25)))
    units = shape_of(other.dtype)[0]
    for room in ROOMS:
        for name in ("h", "c"):
            assert lab.room(room)[name][:, :units].tobytes() == always.room(room)[name].tobytes()
        assert not lab.room(room)["h"][:, units:].any()
    assert lab.total.controls == {("model", "applied"): 1}


def test_each_room_turns_within_the_spread_and_stays() -> None:
    """Every room has one minute at which it turns; all have turned when the spread is over, and not all at once."""
    lab = lab_with(SECOND)
    lab.send(minutes(range(5)))
    lab.send(promotion(SECOND.model, spread_minutes=4))
    turned: dict[str, list[str]] = {room: [] for room in ROOMS}
    for minute in range(5, 12):
        for forecast in lab.send(minutes(range(minute, minute + 1))).forecasts:
            turned[forecast["room_id"]].append(forecast["model"])
    new = SECOND.writer.model
    counts = {room: labels.count(new) for room, labels in turned.items()}
    assert all(labels == sorted(labels, key=new.__eq__) for labels in turned.values())
    assert set(counts.values()) <= {4, 5, 6, 7}
    assert len(set(counts.values())) > 1


def test_a_named_minute_is_when_it_begins() -> None:
    """`begins` counts the rooms' own minutes, wherever the record lies."""
    lab = lab_with(SECOND)
    lab.send(minutes(range(5)), promotion(SECOND.model, begins=text(8)))
    labels = [forecast["model"] for forecast in lab.send(steady("room-0", range(5, 10))).forecasts]
    assert labels == ["fake-1"] * 3 + [SECOND.writer.model] * 2


def test_a_silent_room_turns_with_its_next_session() -> None:
    """A room that missed the spread follows the new model from its first minute back, with nothing of the old state."""
    lab = lab_with(WIDER)
    lab.send(steady("quiet", range(5)), minutes(range(30)), promotion(WIDER.model), minutes(range(30, 60)))
    (forecast,) = lab.send(event("quiet", 60, 99)).forecasts
    fresh = Lab(WIDER)
    expected = fresh.send(event("quiet", 60, 99)).forecasts[0]
    assert (forecast["model"], forecast["quantiles"]["0.5"]) == (expected["model"], expected["quantiles"]["0.5"])
    assert lab.room("quiet")["h"].tobytes() == fresh.room("quiet")["h"].tobytes()


def test_an_open_alert_of_a_room_that_has_not_turned_ends_under_its_model() -> None:
    """What a silent room's end says does not depend on what other rooms follow by then."""
    lab = lab_with(SECOND)
    lab.send(steady("a", range(30)), event("a", 30, 900), promotion(SECOND.model, begins=text(500)))
    assert [alert["model"] for alert in lab.send(clock(60)).alerts] == ["fake-1"]


def test_a_promotion_that_is_not_at_hand_stops_the_fold_with_nothing_done() -> None:
    """Whoever feeds the fold has to bring the model first, or stop before that record."""
    lab = Lab(FIRST)
    lab.send(minutes(range(3)))
    before = state_of(lab.fold)
    batch = [*minutes(range(3, 4)), promotion(SECOND.model)]
    with pytest.raises(ModelAhead) as ahead:
        lab.fold.step([given.at(100 + number) for number, given in enumerate(batch)])
    assert (ahead.value.offset, ahead.value.control.hash) == (100 + len(ROOMS), SECOND.model)
    assert state_of(lab.fold) == before


def test_the_same_promotion_again_changes_nothing_but_ends_a_demotion() -> None:
    """It is how an operator gives a network its forecasts back."""
    lab = lab_with(SECOND)
    lab.send(minutes(range(3)), promotion(SECOND.model), promotion(SECOND.model), control("serve", forecast="plain"))
    demoted = lab.fold.head.follows
    lab.send(promotion(SECOND.model))
    assert (demoted.plain, lab.fold.head.follows) == (True, Follows(demoted.turns))
    assert lab.total.controls == {("model", "applied"): 2, ("model", "unchanged"): 1, ("serve", "applied"): 1}


_WHAT = st.sampled_from(
    [
        promotion(SECOND.model, spread_minutes=3),
        promotion(WIDER.model),
        promotion(NARROW.model, spread_minutes=2),
        control("serve", forecast="plain"),
        control("serve", forecast="network"),
        control("settings", settings={"rules": {"surge_budget": 8.0}, "room": {"room-1": {"kinds": []}}}),
        control("settings", settings={}),
        control("challenger", hash="8" * 64),
    ]
)


@given(st.lists(st.tuples(st.integers(0, 240), _WHAT), max_size=5), st.lists(st.integers(0, 260), max_size=8))
@settings(max_examples=25, deadline=None)
def test_any_cut_into_batches_obeys_at_the_same_place(places: list[tuple[int, Event]], cuts: list[int]) -> None:
    """Bytes, state and counts are the same for every cut of a log with control records in it."""
    log = minutes(range(20))
    for place, what in places:
        log.insert(place, what)
    whole = lab_with(SECOND, WIDER, NARROW)
    whole.send(log)
    other = lab_with(SECOND, WIDER, NARROW)
    edges = sorted({0, len(log), *(min(cut, len(log)) for cut in cuts)})
    for start, end in pairwise(edges):
        other.send(log[start:end])
    assert other.all == whole.all
    assert state_of(other.fold) == state_of(whole.fold)
    assert other.total.controls == whole.total.controls


def test_settings_hold_from_their_place_on_and_replace_what_held_before() -> None:
    """Those of the start count until the first record; a category and a room are told apart."""
    lab = Lab(context_of(overrides=Overrides(room={"a": Override(kinds=())})))
    lab.send(steady("a", range(30)), steady("b", range(30)))
    assert [alert["room_id"] for alert in lab.send(event("a", 30, 900), event("b", 30, 900)).alerts] == ["b"]
    lab.send(clock(60), control("settings", settings={"room": {"b": {"kinds": []}}}))
    lab.send(steady("a", range(60, 90)), steady("b", range(60, 90)))
    assert [alert["room_id"] for alert in lab.send(event("a", 90, 900), event("b", 90, 900)).alerts] == ["a"]
    again = control("settings", settings={"room": {"b": {"kinds": []}}})
    lab.send(again)
    assert lab.total.controls == {("settings", "applied"): 1, ("settings", "unchanged"): 1}


def test_a_demoted_network_is_not_served_and_comes_back() -> None:
    """The plain mean is, from the next minute on; the network goes on in the dark and is not behind afterwards."""
    lab, undisturbed = Lab(FIRST), Lab(FIRST)
    for one in (lab, undisturbed):
        one.send(minutes(range(10)))
    lab.send(control("serve", forecast="plain"))
    served = lab.send(minutes(range(10, 12))).forecasts
    assert served != undisturbed.send(minutes(range(10, 12))).forecasts
    assert lab.total.gated == 2 * len(ROOMS)
    lab.send(control("serve", forecast="network"))
    lab.send(minutes(range(12, 14)))
    undisturbed.send(minutes(range(12, 14)))
    for room in ROOMS:
        assert lab.room(room)["h"].tobytes() == undisturbed.room(room)["h"].tobytes()


class Blind(LevelForecaster):
    """A network that expects ten times the level."""

    def step(
        self, inputs: NDArray[np.float32], h: NDArray[np.float32], c: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        outputs, h, c = super().step(inputs, h, c)
        return outputs + np.float32(2.3), h, c


def a_day(lab: Lab) -> list[str]:
    """Let a smooth room run for 26 hours; returns the control records that the fold wrote itself."""
    for hour in range(26):
        lab.send(steady("a", range(60 * hour, 60 * hour + 60)))
    return [json.loads(output.value or b"")["forecast"] for output in lab.all if output.topic == TOPICS.minutes]


def test_a_network_that_loses_over_a_day_is_demoted_by_a_record() -> None:
    """Once, after a whole day, in every hour of which it was judged; not where it is switched off or already done."""
    bad = replace(FIRST, forecaster=Blind())
    watched = replace(bad, demote=True)
    assert a_day(Lab(watched)) == ["plain"]
    assert a_day(Lab(bad)) == []
    told = Lab(watched)
    told.send(control("serve", forecast="plain"))
    assert a_day(told) == []
    assert a_day(Lab(context_of(demote=True))) == []


def test_a_contest_needs_every_hour_of_a_day() -> None:
    """Hours that are more than a day old count no more; sums are whole numbers, so their order does not matter."""
    contest = Contest()
    for hour in range(HOURS - 1):
        contest = contest.plus(hour, (10, 20, 10))
    assert not contest.lost
    assert contest.plus(HOURS - 1, (1, 0, 0)).lost
    assert not contest.plus(HOURS + 5, (1, 0, 0)).lost
    assert contest.plus(3, (1, 2, 3)).plus(4, (4, 5, 6)) == contest.plus(4, (4, 5, 6)).plus(3, (1, 2, 3))


@pytest.mark.parametrize(
    ("record", "part"),
    [
        (control("model", hash="xyz", label="m"), "hash"),
        (control("model", hash="5" * 64), "label"),
        (control("model", hash="5" * 64, label="m", spread_minutes=0), "spread_minutes"),
        (control("model", hash="5" * 64, label="m", begins="soon"), "RFC 3339"),
        (control("settings", settings={"rules": {"surge_budget": -1}}), "surge_budget"),
        (control("settings", settings={"rules": {"surge_bugdet": 1}}), "surge_bugdet"),
        (control("settings", settings={"rooms": {}}), "rooms"),
        (control("settings", settings={"category": {"plumless": {}, "buckeroo": {}}}), "CRC-32"),
        (control("serve", forecast="magic"), "magic"),
        (control("restart"), "restart"),
    ],
)
def test_a_control_record_that_is_not_understood_is_a_dead_letter(record: Event, part: str) -> None:
    """The partition goes on as it was, and the reason names what is wrong."""
    lab = Lab(FIRST)
    lab.send(minutes(range(2)))
    before = lab.fold.head
    (letter,) = lab.send(record).dead
    assert lab.fold.head == before
    headers = dict(letter.headers)
    assert headers["reason"] == b"invalid"
    assert part in headers["detail"].decode()


def test_promotions_in_quick_succession_end_with_the_last() -> None:
    """A room that has not turned to one skips it; what everyone has taken is forgotten."""
    lab = lab_with(SECOND, WIDER, NARROW)
    lab.send(minutes(range(5)))
    lab.send([promotion(other.model, spread_minutes=3) for other in (SECOND, WIDER, NARROW, SECOND, NARROW)])
    assert [turn.model for turn in lab.fold.head.follows.turns][-2:] == [SECOND.model, NARROW.model]
    lab.send(minutes(range(5, 12)), feedback("room-0", "noise"))
    assert {int(lab.room(room)["model"][0]) for room in ROOMS} == {model_code(NARROW.model)}
    lab.send(promotion(SECOND.model))
    turns = lab.fold.head.follows.turns
    assert turns == (Turn(NARROW.model, START + 5, 3), Turn(SECOND.model, START + 12, 1))
    assert Follows(turns).model == SECOND.model
