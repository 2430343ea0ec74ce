"""Fleet events: many rooms of a partition that move together, told once, with the right minutes."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from scorer.pipeline.fleet import CHANCE
from scorer.pipeline.partition import Head
from tests.scorer.fakes import EAST, TOPICS, Event, Lab, clock, context_of, event, state_of, text

ROOMS = [f"room {number}" for number in range(30)]
WARM = 30


def minute_of(minute: int, factor: float = 1.0, rooms: list[str] = ROOMS) -> list[Event]:
    """One minute of rooms around 100, each at `factor` times its own."""
    chance = Random(minute)
    return [event(room, minute, round(factor * chance.uniform(90, 110))) for room in rooms]


def stream(minutes: int, moved: range = range(0), factor: float = 1.0) -> list[Event]:
    """So many minutes, those in `moved` at the factor."""
    return [one for minute in range(minutes) for one in minute_of(minute, factor if minute in moved else 1.0)]


def events_of(lab: Lab) -> list[dict[str, Any]]:
    """The fleet records written so far."""
    return [json.loads(output.value or b"") for output in lab.all if output.topic == TOPICS.fleet]


def told(lab: Lab, *names: str) -> list[tuple[Any, ...]]:
    """Their fields."""
    return [tuple(record.get(name) for name in names) for record in events_of(lab)]


def test_rooms_that_fall_together_make_one_event() -> None:
    """Opened in the second minute as of the first, closed after three minutes back; nothing else is written."""
    lab = Lab()
    lab.send(stream(60, range(WARM, WARM + 10), 0.4), clock(61))
    assert told(lab, "event", "direction", "opened", "minute", "reason") == [
        ("open", "down", text(WARM), text(WARM + 1), None),
        ("resolve", "down", text(WARM), text(WARM + 12), "recovered"),
    ]
    assert len({record["fleet_id"] for record in events_of(lab)}) == 1
    assert lab.total.fleet == {("down", "open"): 1, ("down", "resolve"): 1}


def test_an_opening_in_full() -> None:
    """Key, partition, rooms, both totals and what a person is told."""
    lab = Lab(partition=3)
    lab.send(stream(WARM + 3, range(WARM, WARM + 3), 2.5))
    (output,) = [output for output in lab.all if output.topic == TOPICS.fleet]
    record = json.loads(output.value or b"")
    assert (output.partition, output.key) == (3, b"3")
    assert output.headers == (("schema", b"live.fleet.event/1"),)
    actual, expected = record.pop("actual"), record.pop("expected")
    assert actual == pytest.approx(30 * 250, rel=0.03)
    assert expected == pytest.approx(30 * 100, rel=0.03)
    ratio = actual / expected
    assert record.pop("deviation_percent") == pytest.approx(100 * (ratio - 1), rel=1e-3)
    assert record.pop("fleet_id").isalnum()
    assert record == {
        "event": "open", "direction": "up", "partition": 3, "opened": text(WARM), "minute": text(WARM + 1),
        "rooms": 30, "moved": 30, "share": 1.0,
        "text": f"30 of 30 rooms on partition 3 rose together from 12:30 on: {actual:,} people entered at 12:31, "
        f"{ratio:.1f} times the {expected:,.0f} expected; look for a promotion across rooms first.",
    }  # fmt: skip


def test_what_stays_is_the_new_level_after_half_an_hour() -> None:
    """The event ends, nothing more is told of the level that it left behind."""
    lab = Lab()
    lab.send(stream(WARM + 60, range(WARM, WARM + 60), 0.5))
    assert told(lab, "event", "minute", "reason") == [
        ("open", text(WARM + 1), None),
        ("resolve", text(WARM + 30), "new_level"),
    ]


def test_an_event_that_grows_is_told_again() -> None:
    """After five minutes, once the totals lie a quarter further off."""
    lab = Lab()
    lab.send(
        stream(WARM + 4, range(WARM, WARM + 4), 0.7), [one for at in range(4, 9) for one in minute_of(WARM + at, 0.3)]
    )
    assert told(lab, "event", "minute") == [("open", text(WARM + 1)), ("update", text(WARM + 6))]


def test_one_minute_is_not_enough() -> None:
    """A single minute in which all fall is forgotten."""
    lab = Lab()
    lab.send(stream(60, range(WARM, WARM + 1), 0.4))
    assert events_of(lab) == []


@pytest.mark.parametrize("moved", [7, 30])
def test_it_takes_a_large_share_of_the_rooms(moved: int) -> None:
    """Seven of thirty rooms are below the bar of a quarter and four standard errors; all of them are not."""
    lab = Lab()
    for minute in range(WARM + 5):
        falls = minute >= WARM
        lab.send(minute_of(minute, 0.3 if falls else 1.0, ROOMS[:moved]) + minute_of(minute, 1.0, ROOMS[moved:]))
    assert len(events_of(lab)) == (moved == 30)


def test_few_rooms_are_no_fleet() -> None:
    """Nineteen rooms that are compared are too few, whatever they do; so are those that are too small or new."""
    lab = Lab()
    small = [f"small {number}" for number in range(30)]
    for minute in range(WARM + 5):
        factor = 0.2 if minute >= WARM else 1.0
        lab.send(minute_of(minute, factor, ROOMS[:19]), [event(room, minute, round(8 * factor)) for room in small])
        if minute >= WARM - 5:
            lab.send([event(f"new {number}", minute, 100 * factor) for number in range(30)])
    assert events_of(lab) == []


def test_nulls_and_missing_minutes_are_not_compared() -> None:
    """A platform that stops measuring is not a fall; after ten minutes without rooms an open event is closed."""
    lab = Lab()
    lab.send(stream(WARM), [event(room, minute, None) for minute in range(WARM, WARM + 5) for room in ROOMS])
    assert events_of(lab) == []
    lab = Lab()
    lab.send(stream(WARM + 3, range(WARM, WARM + 3), 0.3), clock(WARM + 12))
    assert told(lab, "event") == [("open",)]
    lab.send(clock(WARM + 13))
    resolved = events_of(lab)[-1]
    assert (resolved["event"], resolved["reason"], resolved["minute"]) == ("resolve", "silent", text(WARM + 12))
    assert [resolved[name] for name in ("rooms", "moved", "share", "actual", "expected")] == [0, 0, None, None, None]


def test_recovery_is_not_a_rise() -> None:
    """Forecasts that followed an outage down do not make an event of the way back up."""
    lab = Lab()
    lab.send(stream(WARM + 60, range(WARM, WARM + 20), 0.2))
    assert told(lab, "event", "direction") == [("open", "down"), ("resolve", "down")]


def test_the_usual_share_is_learnt_in_calm_and_held_while_open() -> None:
    """Rooms that never leave their intervals bring it down; an event does not bring it up."""
    lab = Lab()
    lab.send(stream(WARM))
    up, down = lab.fold.head.fleet.usual
    assert up < CHANCE
    assert down < CHANCE
    lab.send([one for at in range(6) for one in minute_of(WARM + at, 0.3)])
    assert lab.fold.head.fleet.is_open
    assert lab.fold.head.fleet.usual[1] <= down


def test_room_alerts_are_as_without_the_fleet() -> None:
    """The same alerts, bytes and all, for a room alone and for one among thirty that fall with it."""
    sent = stream(WARM + 20, range(WARM, WARM + 10), 0.3)
    alone = [one for one in sent if one.key == b"room 7"]
    together, single = Lab(), Lab()
    together.send(sent)
    single.send(alone)
    found = [
        [output for output in lab.all if output.key == b"room 7" and output.topic == TOPICS.alerts]
        for lab in (together, single)
    ]
    assert found[0] == found[1] != []
    assert events_of(together)
    assert not events_of(single)


@pytest.mark.parametrize("seed", range(4))
def test_batches_change_nothing(seed: int) -> None:
    """Cut anywhere, with late and corrected minutes between: the same records and the same memory."""
    chance = Random(seed)
    sent = stream(WARM + 25, range(WARM, WARM + 8), chance.choice((0.3, 3.0)))
    for _ in range(40):
        place = chance.randrange(100, len(sent))
        sent.insert(place, chance.choice(sent[:place]))
    for _ in range(20):
        place = chance.randrange(100, len(sent))
        sent.insert(place, event(chance.choice(ROOMS), chance.randrange(40), chance.choice((0, 101.37, 1e12, None))))
    whole, parts = Lab(context_of(memory=0.1)), Lab(context_of(memory=0.1))
    whole.send(sent)
    while sent:
        size = chance.choice((1, 3, 30, 200))
        parts.send(sent[:size])
        sent = sent[size:]
    assert parts.all == whole.all
    assert state_of(parts.fold) == state_of(whole.fold)
    assert events_of(whole)


def test_a_head_from_before_the_fleet_was_watched_reads_as_calm() -> None:
    """Its fields are not there; the layout's version is what has such a checkpoint rebuilt."""
    assert Head(5, EAST).fleet.before is None
