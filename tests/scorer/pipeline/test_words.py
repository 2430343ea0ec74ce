"""What people say of a room: verdicts that move its threshold, snoozes, and what has to be refused."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from roompulse.rooms import FRESH
from tests.scorer.fakes import (
    RULES,
    Event,
    Lab,
    Seen,
    clock,
    context_of,
    event,
    feedback,
    one_bar,
    snooze,
    state_of,
    steady,
)

WARM = range(40)


def warm(**changes: object) -> Lab:
    """A partition whose room has been steady for forty minutes."""
    lab = Lab(context_of(rules=replace(RULES, **changes)))
    lab.send(steady("a", WARM))
    return lab


def shift(lab: Lab) -> float:
    """What feedback has added to the room's bar."""
    return round(float(lab.room("a")["threshold_shift"][0]), 3)


def test_verdicts_move_the_rooms_own_bar_within_bounds() -> None:
    """Noise raises it, useful lowers it by less, and neither goes beyond its bound."""
    lab = warm()
    assert lab.send(feedback("a", "noise"), feedback("a", "useful")).outputs == []
    assert shift(lab) == 0.2
    lab.send([feedback("a", "noise")] * 20)
    assert shift(lab) == 2.4
    lab.send([feedback("a", "useful")] * 40)
    assert shift(lab) == -0.8
    assert lab.total.words == {("feedback", "noise"): 21, ("feedback", "useful"): 41}


def test_what_was_called_noise_opens_no_more() -> None:
    """The same minute that opens an alert does not once its kind was called noise often enough."""
    surge = event("a", 40, 190)
    assert warm().send(surge).told("event") == [("open",)]
    lab = warm()
    lab.send([feedback("a", "noise")] * 6)
    assert lab.send(surge).alerts == []


def test_a_verdict_takes_effect_at_its_place_in_the_log() -> None:
    """Between two minutes of one batch: the first is judged by the old bar, the second by the new one."""
    noise = [feedback("a", "noise")] * 6
    before, after = warm(), warm()
    assert before.send(noise, event("a", 40, 190)).alerts == []
    assert after.send(event("a", 40, 190), noise).told("event") == [("open",)]
    assert shift(before) == shift(after) == 2.4


def test_a_hotspots_bar_moves_too() -> None:
    """A verdict of noise asks for more standard deviations of heat."""
    hot = [event("a", minute, 130) for minute in range(40, 48)]
    assert warm(**one_bar(50.0), hotspot_noise=5.0).send(hot).told("event", "kind") == [("open", "hotspot")]
    lab = warm(**one_bar(50.0), hotspot_noise=5.0, noise_shift=2.4)
    lab.send(feedback("a", "noise"))
    assert lab.send(hot).alerts == []


def test_what_was_said_lasts_from_session_to_session_and_is_forgotten_with_the_room() -> None:
    """A new session keeps shift and snooze; a room idle for seven days comes back with neither."""
    lab = warm()
    lab.send(feedback("a", "noise"), snooze("a", 900), event("a", 40, 99, ended=True), steady("a", range(41, 45)))
    assert (shift(lab), int(lab.room("a")["snoozed_until"][0] > 0)) == (0.4, 1)
    lab.send(steady("a", range(20_000, 20_002)))
    assert (shift(lab), int(lab.room("a")["snoozed_until"][0])) == (0.0, 0)


def test_a_snoozed_room_opens_nothing_before_its_minute() -> None:
    """Up to the minute given there is no opening; from that minute on there is."""
    lab = warm()
    lab.send(snooze("a", 42))
    assert lab.send(event("a", 40, 500)).alerts == []
    lab = warm()
    lab.send(snooze("a", 42), event("a", 40, 99), event("a", 41, 99))
    assert lab.send(event("a", 42, 500)).told("event") == [("open",)]
    assert lab.total.words == {("snooze", "begun"): 1}


def test_an_open_alert_lives_on_through_a_snooze() -> None:
    """It is updated and resolved as ever: who saw it open hears of its end."""
    lab = warm()
    lab.send(event("a", 40, 190), snooze("a", 200))
    assert lab.send(event("a", 41, 320)).told("event") == [("update",)]
    assert lab.send(steady("a", range(42, 45))).told("event", "reason") == [("resolve", "recovered")]
    assert lab.send(event("a", 100, 99), event("a", 101, 99), event("a", 102, 5000)).alerts == []


def test_an_earlier_minute_ends_a_snooze() -> None:
    """A second snooze counts instead of the first; one that is over already ends it."""
    lab = warm()
    lab.send(snooze("a", 900), snooze("a", 39))
    assert lab.send(event("a", 40, 500)).told("event") == [("open",)]
    assert lab.total.words == {("snooze", "begun"): 1, ("snooze", "ended"): 1}


@pytest.mark.parametrize("word", [feedback("b", "noise"), snooze("b", 900)])
def test_a_word_about_an_unknown_room_makes_no_state(word: Event) -> None:
    """It is counted and forgotten, also where the room comes right after it in the same batch."""
    apart, together, never = warm(), warm(), warm()
    apart.send(word)
    assert apart.fold.rooms() == ["a"]
    assert list(apart.total.words) == [
        (("feedback" if b"verdict" in (word.value or b"") else "snooze"), "unknown_room")
    ]
    apart.send(event("b", 40, 99))
    together.send(word, event("b", 40, 99))
    never.send(event("b", 40, 99))
    assert state_of(apart.fold)[1] == state_of(together.fold)[1] == state_of(never.fold)[1]


def test_words_move_no_watermark_and_write_nothing() -> None:
    """Not even as the first records of a partition; the first minute does as if they had not been there."""
    lab = Lab()
    assert lab.send(feedback("a", "noise"), snooze("a", 900)).outputs == []
    assert lab.fold.head.watermark is None
    assert int(lab.room("a")["session_start"][0]) == FRESH
    lab.send(clock(5))
    before = lab.fold.head
    assert lab.send(feedback("a", "noise")).outputs == []
    assert lab.fold.head == before
    assert lab.total.events == 0


def changed(given: Event, **changes: object) -> Event:
    """The same record with other fields."""
    record = json.loads(given.value or b"") | changes
    return Event(given.key, json.dumps(record).encode(), given.headers)


REFUSED = [
    ("invalid", changed(feedback("a", "noise"), verdict="bad"), "verdict: got 'bad'"),
    ("invalid", changed(feedback("a", "noise"), alert_id="7"), "alert_id: got '7'"),
    ("invalid", changed(feedback("a", "noise"), note="n" * 1025), "note: got "),
    ("invalid", feedback("a\n", "noise"), "room_id: got 'a\\n', expected text without control characters"),
    ("invalid", snooze("", 9), "room_id: got ''"),
    ("minute", changed(snooze("a", 9), until="noon"), "until: got 'noon': expected RFC 3339"),
    ("malformed", Event(b"a", b"{", feedback("a", "noise").headers), "expected UTF-8 JSON"),
    ("malformed", Event(b"a", None, snooze("a", 9).headers), "got none"),
    ("key", Event(b"b", feedback("a", "noise").value, feedback("a", "noise").headers), "expected the room_id 'a'"),
    ("key", Event(None, snooze("a", 9).value, snooze("a", 9).headers), "got none"),
]


@pytest.mark.parametrize(("reason", "given", "detail"), REFUSED)
def test_a_word_that_cannot_be_read_is_a_dead_letter(reason: str, given: Event, detail: str) -> None:
    """With the same reasons as a room-minute, and nothing else happens."""
    lab = warm()
    before = state_of(lab.fold)
    seen: Seen = lab.send(given)
    (letter,) = seen.dead
    headers = dict(letter.headers)
    assert headers["reason"].decode() == reason
    assert detail in headers["detail"].decode()
    assert state_of(lab.fold) == before
    assert lab.total.words == {}


def test_a_room_said_to_be_noise_is_not_heard_through_another() -> None:
    """A word about one room changes no other room's state."""
    one, two = Lab(), Lab()
    both = [event(room, minute, 99) for minute in WARM for room in ("a", "b")]
    one.send(both)
    two.send(both, feedback("b", "noise"), snooze("b", 500))
    assert one.room("a").tobytes() == two.room("a").tobytes()
    assert one.room("b").tobytes() != two.room("b").tobytes()
