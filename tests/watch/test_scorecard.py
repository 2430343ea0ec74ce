"""Caught, missed, false: the rule of docs/demo.md, case by case."""

from __future__ import annotations

from pathlib import Path

import pytest

from watch.scorecard import Injected, Opening, Scorecard, read_labels, scorecard

SURGE = Injected("a", "surge", 100, 109, 3.0)
MINUTES = dict.fromkeys(range(200), 6)


def card(*openings: Opening, labels: tuple[Injected, ...] = (SURGE,), first_scored: int = 20) -> Scorecard:
    return scorecard(labels, openings, MINUTES, first_scored)


@pytest.mark.parametrize(("minute", "caught"), [(99, 0), (100, 1), (105, 1), (106, 0)])
def test_a_surge_is_caught_from_its_first_minute_to_five_later(minute: int, caught: int) -> None:
    """The sixth minute after the first is too late."""
    found = card(Opening("a", "surge", minute))
    assert (sum(found.injected.values()), sum(found.caught.values())) == (1, caught)


def test_an_alert_after_the_first_five_minutes_is_neither_caught_nor_false() -> None:
    """It is told apart as late, and the surge counts as missed."""
    found = card(Opening("a", "surge", 107))
    assert (found.late, found.false_alerts, found.summary()["missed"]) == (1, 0, 1)


@pytest.mark.parametrize(
    ("opening", "false", "echoes"),
    [
        (Opening("a", "surge", 119), 0, 0),
        (Opening("a", "surge", 120), 1, 0),
        (Opening("a", "surge", 99), 1, 0),
        (Opening("b", "surge", 102), 1, 0),
        (Opening("a", "slump", 111), 1, 1),
        (Opening("a", "slump", 130), 1, 0),
    ],
)
def test_an_alert_outside_the_label_and_ten_minutes_more_is_false(opening: Opening, false: int, echoes: int) -> None:
    """Another room's is, and so is the slump as which a surge's end shows: that one is told apart as an echo."""
    found = card(opening)
    assert (found.false_alerts, found.echoes) == (false, echoes)


def test_what_begins_in_the_warm_up_or_too_near_the_end_is_not_judged() -> None:
    """Its first five minutes have to lie between the two."""
    labels = tuple(Injected("a", "surge", first, first + 9, 3.0) for first in (19, 20, 194, 195))
    assert card(labels=labels).injected == {"surge": 2}


def test_alerts_of_the_warm_up_are_not_false_and_its_hours_do_not_count() -> None:
    """Both sides of the rate leave the warm-up out."""
    found = card(Opening("b", "surge", 19), Opening("b", "surge", 20))
    assert found.false_alerts == 1
    assert found.room_hours == pytest.approx(180 * 6 / 60)


def test_hotspots_are_counted_for_themselves() -> None:
    """A hotspot never catches a surge and is never a false alert; a surge explains it, a slump does not."""
    slump = Injected("b", "slump", 100, 109, 0.3)
    found = card(Opening("a", "hotspot", 102), Opening("b", "hotspot", 102), labels=(SURGE, slump))
    assert (found.hotspots, found.hotspots_unlabelled) == (2, 1)
    assert (found.false_alerts, sum(found.caught.values())) == (0, 0)


def test_one_alert_catches_one_label_only_where_their_times_agree() -> None:
    """Two surges of a room are two labels."""
    again = Injected("a", "surge", 140, 150, 2.0)
    found = card(Opening("a", "surge", 101), Opening("a", "surge", 144), labels=(SURGE, again))
    assert found.caught == {"surge": 2}


def test_nothing_scored_gives_no_rate() -> None:
    """Neither a division by zero nor a perfect zero."""
    assert scorecard([], [], {}, 20).summary()["false_alerts_per_room_hour"] is None


def test_labels_are_read_as_simulate_writes_them(tmp_path: Path) -> None:
    """Room, kind, both minutes and the factor."""
    path = tmp_path / "labels.csv"
    path.write_text(
        "room_id,kind,first_minute,last_minute,magnitude\n"
        "room-00001,surge,1970-01-01T08:05:00+08:00,1970-01-01T08:09:00+08:00,2.5\n"
    )
    assert read_labels(path) == [Injected("room-00001", "surge", 5, 9, 2.5)]
