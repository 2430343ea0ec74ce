"""Corrections of the past: what an open alert says after a minute came late or with another value."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.scorer.fakes import Lab, clock, context_of, event, one_bar, state_of, steady, text
from tests.scorer.pipeline.test_alerts import later, only, warm


def test_a_correction_inside_the_interval_retracts() -> None:
    """The minute that opened the alert was wrong: retracted, and gone from the list of open alerts."""
    lab = warm(minimum_slump_percent=100.0)  # the level, which is not rewound, would make a slump of what follows
    opened = only(lab.send(event("a", 40, 500)))
    seen = lab.send(event("a", 40, 100))
    alert = only(seen)
    assert (alert["event"], alert["alert_id"], alert["actual"]) == ("retract", opened["alert_id"], 100)
    assert (alert["expected"], alert["low"], alert["high"]) == (opened["expected"], opened["low"], opened["high"])
    assert [output.value for output in seen.outputs if output.topic.endswith("open")] == [None]
    assert lab.send(later([99] * 5), clock(60)).alerts == []


def test_a_correction_still_outside_updates() -> None:
    """It is judged again by the expectation published for that minute, even after more minutes came."""
    lab = warm()
    lab.send(event("a", 40, 500), later([500] * 3))
    alert = only(lab.send(event("a", 40, 300)))
    assert (alert["event"], alert["minute"], alert["actual"], alert["expected"]) == ("update", text(40), 300, 99)
    assert lab.send(clock(60)).told("event", "reason") == [("resolve", "silent")]


def test_a_correction_to_not_measured_retracts() -> None:
    """Without a value there is no surge; the sentence says so."""
    lab = warm()
    lab.send(event("a", 40, 500))
    alert = only(lab.send(event("a", 40, None)))
    assert (alert["event"], alert["actual"], alert["tail_probability"]) == ("retract", None, None)
    assert "withdrawn" in alert["text"]


@pytest.mark.parametrize("minute", [41, 40])
def test_other_corrections_leave_the_alert_alone(minute: int) -> None:
    """A minute that no record told of, or one more than ten minutes back, is corrected without a word."""
    lab = warm()
    lab.send(event("a", 40, 500), later([500] * (3 if minute == 41 else 10)))
    assert lab.send(event("a", minute, 99)).alerts == []
    assert lab.status["corrected"] == 1


def test_a_correction_after_the_end_is_not_told() -> None:
    """Every opening has exactly one end: what is resolved is not retracted too."""
    lab = warm()
    lab.send(event("a", 40, 500), later([99, 99, 99]))
    assert lab.send(event("a", 40, 99)).alerts == []


def test_both_values_are_told() -> None:
    """In the sentence; the record itself carries the corrected one, with how likely it was."""
    lab = warm()
    lab.send(event("a", 40, 500))
    alert = only(lab.send(event("a", 40, 300)))
    assert "corrected from 500 to 300" in alert["text"]
    assert (alert["actual"], alert["deviation_percent"]) == (300, 203)
    assert 0 < alert["tail_probability"] < 0.01


def test_what_stands_without_the_opening_minute_is_not_withdrawn() -> None:
    """The minutes after it still surge: revised. Once the last of them is corrected too, the alert is withdrawn."""
    lab = warm(minimum_slump_percent=100.0)
    lab.send(event("a", 40, 500), later([500, 450]))
    assert lab.send(event("a", 40, 99)).told("event", "actual", "minute") == [("update", 99, text(40))]
    assert lab.send(event("a", 41, 99)).alerts == [], "the peak is as large as told, to a quarter"
    assert lab.send(event("a", 42, 99)).told("event", "actual", "minute") == [("retract", 99, text(42))]


def test_a_minute_that_an_update_told_of_is_revised() -> None:
    """The record that was last told of was about that minute: it is told again with what it is."""
    lab = warm()
    lab.send(event("a", 40, 190))
    assert lab.send(later([320])).told("event", "severity") == [("update", "warning")]
    revised = only(lab.send(event("a", 41, 200)))
    assert (revised["event"], revised["minute"], revised["severity"]) == ("update", text(41), "warning")
    assert "corrected from 320 to 200" in revised["text"]


def test_a_peak_that_was_none_is_taken_back() -> None:
    """The peak falls by more than a quarter with the correction: told, and the next growth is counted from there."""
    lab = warm()
    lab.send(event("a", 40, 500), later([500, 500, 500, 500, 5000, 500]))
    assert lab.send(event("a", 45, 500)).told("event", "actual") == [("update", 500)]
    assert float(lab.room("a")["alerts"]["peak"][0, 0]) == 401
    assert lab.send(later([500, 500, 500, 700], start=47)).told("event", "actual") == [("update", 700)]


def test_a_late_minute_can_be_the_peak() -> None:
    """A minute that had never come, and now comes with far more than was told, revises the alert."""
    lab = warm()
    lab.send(event("a", 40, 300), event("a", 42, 300), event("a", 43, 300))
    revised = only(lab.send(event("a", 41, 900)))
    assert (revised["event"], revised["minute"], revised["opened"]) == ("update", text(41), text(40))
    assert "corrected from not measured to 900" in revised["text"]


def test_minutes_back_inside_are_counted_anew() -> None:
    """One of three minutes was wrong: with its correction the next calm minute is the third in a row, or more."""
    lab = warm()
    lab.send(event("a", 40, 500), later([99, 500, 99]))
    assert lab.send(event("a", 42, 99)).alerts == []
    assert lab.send(event("a", 44, 99)).told("event", "reason") == [("resolve", "recovered")]


def test_a_hotspot_is_withdrawn_when_no_minute_is_hot_any_more() -> None:
    """It is measured as it is while it is open: ten per cent above the forecast of ten minutes before."""
    lab = warm(**one_bar(50.0))
    assert lab.send(later([150] * 8, start=40)).told("event", "kind") == [("open", "hotspot")]
    assert lab.send(event("a", 47, 115)).told("event", "actual") == [("update", 115)], "inside its interval, yet hot"
    assert lab.send(event("a", 47, 105)).told("event", "actual") == [("retract", 105)]


def test_an_alert_older_than_the_ring_is_left_as_it_is() -> None:
    """Nulls have kept it open for more than an hour: what it opened with can no longer be looked up."""
    lab = warm()
    lab.send(event("a", 40, 500), later([None] * 65))
    assert lab.send(event("a", 100, 99)).alerts == []
    assert bool(lab.room("a")["alerts"]["open"][0, 0])


def test_corrections_do_not_depend_on_the_batches() -> None:
    """A surge with corrections and late minutes, whole or record by record: the same bytes and state."""
    chance = np.random.default_rng(3)
    records = [*steady("a", range(40)), event("a", 40, 600)]
    for minute in range(41, 100):
        records.append(event("a", minute, float(chance.choice([99, 400, 700]))))
        records.append(event("a", minute - int(chance.integers(0, 9)), float(chance.choice([99, 300, 900]))))
    whole, single = Lab(context_of(memory=0.1)), Lab(context_of(memory=0.1))
    whole.send(records)
    for record in records:
        single.send(record)
    assert whole.all == single.all
    assert state_of(whole.fold) == state_of(single.fold)
    told: list[Any] = [json.loads(output.value or b"") for output in whole.all if output.topic.endswith("room.alerts")]
    assert any("corrected from" in alert["text"] for alert in told)
