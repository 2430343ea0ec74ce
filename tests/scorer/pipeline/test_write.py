"""Numbers, ids, drivers and sentences as they are published."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roompulse.rooms import DRIVERS, HOTSPOT, SLUMP, SURGE
from scorer.pipeline import judge
from scorer.pipeline.hotlist import Hot
from scorer.pipeline.serve import rounded
from scorer.pipeline.tell import Told
from scorer.pipeline.write import Writer, alert_id_of
from tests.scorer.fakes import CHANNELS, EAST, START, TOPICS

WRITER = Writer(TOPICS, "fake-1", CHANNELS, 1_000_000)


def told(**changes: Any) -> Told:
    """A surge from 100 to 400 at minute 3."""
    series, levels = np.full(DRIVERS, np.nan), np.full(DRIVERS, np.nan, np.float32)
    values: dict[str, Any] = {
        "row": 0, "kind": SURGE, "event": judge.OPEN, "reason": judge.NO_REASON, "severity": 1, "opened": START + 3,
        "minute": START + 3, "offset": EAST, "actual": 400.0, "interval": (80.0, 100.0, 125.0), "surprise": 3.0,
        "series": series, "levels": levels,
    }  # fmt: skip
    return Told(**(values | changes))


def alert(**changes: Any) -> dict[str, Any]:
    """The record that is written of it."""
    line = WRITER.alert(0, 7, "a", told(**changes))[0]
    record: dict[str, Any] = json.loads(line.output.value or b"")
    return record


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_four_significant_digits(value: float) -> None:
    """The nearest decimal of four digits, never a negative zero."""
    found = rounded(value)
    assert found == float(f"{value:.4g}")
    assert math.copysign(1, found or 0.0) == 1 or (value < 0 and found != 0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_null(value: float) -> None:
    """JSON has no NaN."""
    assert rounded(value) is None
    assert alert(actual=100.0, interval=(value, value, value))["expected"] is None


def test_an_alert_in_full() -> None:
    """Every field, in the order of the design."""
    line, kept = WRITER.alert(5, 7, "房 1", told())
    assert (line.position, line.output.topic, line.output.partition, line.output.key) == (
        5, TOPICS.alerts, 7, "房 1".encode(),
    )  # fmt: skip
    assert line.output.headers == ((("schema", b"live.room.alert/1")),)
    assert (kept.output.topic, kept.output.value) == (TOPICS.alerts_open, line.output.value)
    assert (line.output.value or b"").decode() == (
        f'{{"alert_id":"{alert_id_of("房 1", "surge", START + 3)}",'
        '"event":"open","kind":"surge","severity":"warning","room_id":"房 1",'
        '"opened":"2024-05-01T12:03:00+08:00","minute":"2024-05-01T12:03:00+08:00","actual":400,"expected":100.0,'
        '"low":80.0,"high":125.0,"tail_probability":0.001,"deviation_percent":300.0,"drivers":[],'
        '"text":"Surge in room 房 1: 400 people entered at 12:03, 4.0 times the 100 expected (80 to 125).",'
        '"model":"fake-1"}'
    )


def test_an_id_depends_on_room_kind_and_opening_alone() -> None:
    """The same for ever; another for another room, kind or minute, however they are put together."""
    assert alert_id_of("a", "surge", 28_574_643) == "d1c1d4a4e9fc2cec"
    ids = {
        alert_id_of(room, kind, minute)
        for room in ("a", "a 1", "1 a")
        for kind in ("surge", "slump")
        for minute in (1, 11)
    }
    assert len(ids) == 12
    assert alert(event=judge.UPDATE, minute=START + 9)["alert_id"] == alert()["alert_id"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"actual": 1_234_567.0, "interval": (8e5, 1e6, 1_250_400.0)},
         ("Surge in room a: 1,234,567 people entered at 12:03, 23 % more than the 1,000,000 expected "
         "(800,000 to 1,250,400).")),
        ({"actual": 12.5, "interval": (0.0, 0.25, 1.0)},
         "Surge in room a: 12.5 people entered at 12:03, where 0.25 were expected (0 to 1)."),
        ({"event": judge.UPDATE, "minute": START + 8},
         "Surge in room a since 12:03, growing: 400 people entered at 12:08, 4.0 times the 100 expected (80 to 125)."),
        ({"event": judge.UPDATE, "kind": SLUMP, "actual": 20.0, "minute": START + 8},
         ("Slump in room a since 12:03, deepening: 20 people entered at 12:08, 80 % fewer than the 100 expected "
         "(80 to 125).")),
        ({"event": judge.UPDATE, "kind": HOTSPOT, "minute": START + 20},
         ("Hotspot in room a since 12:03, growing: 400 people entered at 12:20, 4.0 times the 100 expected "
         "(80 to 125).")),
        ({"kind": SLUMP, "actual": 1.0},
         "Slump in room a: 1 person entered at 12:03, 99 % fewer than the 100 expected (80 to 125)."),
        ({"kind": HOTSPOT},
         ("Hotspot in room a, above its forecasts for minutes on end: 400 people entered at 12:03, 4.0 times the 100 "
         "forecast ten minutes before (80 to 125).")),
        ({"event": judge.RESOLVE, "reason": judge.RECOVERED, "actual": 101.0, "minute": START + 9},
         "The surge of room a since 12:03 is over: 101 people entered at 12:09, where 100 (80 to 125) were expected."),
        ({"event": judge.RESOLVE, "reason": judge.NEW_LEVEL, "minute": START + 33},
         ("The surge of room a since 12:03 has lasted 30 minutes and is the new level: 400 people entered at 12:33, "
         "where 100 (80 to 125) were expected before it.")),
        ({"event": judge.RESOLVE, "reason": judge.SILENT, "actual": math.nan, "minute": START + 20},
         ("The surge of room a since 12:03 is closed without a recovery: the room has fallen silent, its last minute "
         "was 12:10.")),
        ({"event": judge.RESOLVE, "reason": judge.ENDED, "actual": math.nan, "kind": HOTSPOT, "minute": START + 20},
         "The hotspot of room a since 12:03 is closed: the session ended at 12:20."),
        ({"event": judge.RETRACT, "actual": 110.0, "before": 12400.0},
         ("The surge of room a since 12:03 is withdrawn: the count at 12:03 was corrected from 12,400 to 110, "
         "where 100 (80 to 125) were expected.")),
        ({"event": judge.RETRACT, "actual": math.nan, "before": float(np.float32(101.3))},
         ("The surge of room a since 12:03 is withdrawn: the count at 12:03 was corrected from 101.3 to not measured, "
         "where 100 (80 to 125) were expected.")),
        ({"event": judge.UPDATE, "kind": SLUMP, "actual": 20.0, "before": math.nan},
         ("The slump of room a since 12:03 is revised: the count at 12:03 was corrected from not measured to 20, "
         "where 100 (80 to 125) were expected.")),
    ],
)  # fmt: skip
def test_a_sentence_that_a_person_can_act_on(changes: dict[str, Any], text: str) -> None:
    """Plain words and numbers with thousands set apart, for each kind and event."""
    assert alert(**changes)["text"] == text


def test_drivers_are_ordered_and_few() -> None:
    """At most three channels by their share of the excess and two metrics by how far they left their level."""
    series, levels = np.zeros(DRIVERS), np.zeros(DRIVERS, np.float32)
    series[10:13], levels[10:13] = (10, 200, 100), (5, 100, 10)
    series[-1], levels[-1] = 90, 10
    series[1:5], levels[1:5] = (50, 30, 160, 1), (100, 10, 10, 0)
    series[0], levels[0] = 400, 100
    found = alert(series=series, levels=levels)["drivers"]
    assert [driver["name"] for driver in found] == ["natural feed", "paid ads", "other", "comment_cnt", "leave_ucnt"]
    assert found[0] == {"name": "natural feed", "actual": 200, "expected": 100.0}


def test_drivers_of_a_slump_are_those_that_fell() -> None:
    """The same in the other direction."""
    series, levels = np.zeros(DRIVERS), np.zeros(DRIVERS, np.float32)
    series[10:12], levels[10:12] = (5, 300), (80, 10)
    found = alert(kind=SLUMP, actual=10.0, series=series, levels=levels)["drivers"]
    assert [driver["name"] for driver in found] == ["natural search"]


def test_a_channel_that_was_not_measured_drives_nothing() -> None:
    """NaN in the series is no share; nor is a first count where no channel was measured before."""
    series, levels = np.full(DRIVERS, np.nan), np.full(DRIVERS, 10, np.float32)
    assert alert(series=series, levels=levels)["drivers"] == []
    levels[10:] = np.nan
    series[11] = 300
    assert alert(series=series, levels=levels)["drivers"] == []


def test_a_channel_used_for_the_first_time_rose_from_nothing() -> None:
    """Advertising that begins is what drives the surge that it brings."""
    series, levels = np.full(DRIVERS, np.nan), np.full(DRIVERS, np.nan, np.float32)
    series[10:13], levels[10] = (90, 5, 290), 95
    assert alert(series=series, levels=levels)["drivers"] == [{"name": "paid ads", "actual": 290, "expected": 0.0}]


@pytest.mark.parametrize(
    ("changes", "column", "before", "now", "why"),
    [
        ({}, 12, 20.0, 220.0, "; most came through paid channel 'ads' (+200)."),
        ({}, 10, 20.0, 100.0, "; the largest part came through natural channel 'search' (+80)."),
        ({}, DRIVERS - 1, 0.0, 280.0, "; most came through channels that are not told apart (+280)."),
        ({"kind": SLUMP, "actual": 20.0}, 11, 70.0, 5.0, "; most is missing from natural channel 'feed' (65 fewer)."),
        ({}, 3, 2.5, 160.0, "; comments rose with it, from 2.5 to 160."),
        ({"kind": SLUMP, "actual": 20.0}, 7, 12.0, 1.0, "; orders fell with it, from 12 to 1."),
    ],
)
def test_the_sentence_says_why(changes: dict[str, Any], column: int, before: float, now: float, why: str) -> None:
    """The first driver in words: where most or the largest part of the excess came from, or what moved with it."""
    series, levels = np.full(DRIVERS, np.nan), np.full(DRIVERS, np.nan, np.float32)
    series[column], levels[column] = now, before
    assert alert(series=series, levels=levels, **changes)["text"].endswith(why)


def test_a_hotlist_record() -> None:
    """Ranks, actuals as they came, rounded numbers, null deviation where next to nothing was expected."""
    line = WRITER.hotlist(3, 2, START, 0, [Hot(9.5, "b", 9.75, 0.25, 0), Hot(300.04, "a", 400.0, 99.96, 0)])
    assert (line.output.topic, line.output.partition, line.output.key) == (TOPICS.hotlist, 2, b"2")
    assert json.loads(line.output.value or b"") == {
        "minute": "2024-05-01T04:00:00+00:00",
        "partition": 2,
        "rooms": [
            {"rank": 1, "room_id": "a", "actual": 400, "expected": 99.96, "excess": 300, "deviation_percent": 300.2},
            {"rank": 2, "room_id": "b", "actual": 9.75, "expected": 0.25, "excess": 9.5, "deviation_percent": None},
        ],
    }
