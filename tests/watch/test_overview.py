"""What the records come to, read in any order in which a topic may give them."""

from __future__ import annotations

import math

from tests.watch.records import START, alert_record, event, forecast, hotlist
from watch.overview import KEPT_MINUTES, Overview
from watch.scorecard import Opening


def test_a_room_keeps_its_last_hour_and_its_newest_forecast() -> None:
    """Minutes that never came, or were not measured, are gaps."""
    overview = Overview()
    overview.take([event("a", 0, 7), event("a", 2, None), event("a", 3, 9), forecast("a", 3, 10.0)], 0.0)
    overview.take([forecast("a", 1, 99.0)], 0.0)
    trace = overview.rooms["a"]
    seven, gap, null, nine = trace.last(4, START.epoch + 3)
    assert (seven, nine) == (7, 9)
    assert math.isnan(gap)
    assert math.isnan(null)
    assert list(trace.medians) == [10.0] * 10
    overview.take([event("a", KEPT_MINUTES, 1)], 0.0)
    assert START.epoch not in trace.actuals


def test_an_alert_is_open_until_it_is_resolved_or_retracted() -> None:
    """Every opening is remembered, whatever became of it."""
    overview = Overview()
    overview.take([alert_record("a", "surge", 1), alert_record("b", "slump", 1)], 0.0)
    overview.take([alert_record("a", "surge", 1, "update"), alert_record("b", "slump", 1, "retract")], 0.0)
    assert [alert.room_id for alert in overview.open_alerts.values()] == ["a"]
    overview.take([alert_record("a", "surge", 1, "resolve")], 0.0)
    assert overview.open_alerts == {}
    assert overview.openings == [Opening("a", "surge", START.epoch + 1), Opening("b", "slump", START.epoch + 1)]
    assert overview.alerts == 5


def test_hot_rooms_are_the_newest_minute_that_all_partitions_have_closed() -> None:
    """A minute of which one partition is still missing would make rooms flicker."""
    overview = Overview()
    overview.take([hotlist(1, 0, [("a", 50.0)]), hotlist(1, 1, [("b", 70.0), ("c", 10.0)])], 0.0)
    overview.take([hotlist(2, 1, [("c", 99.0)])], 0.0)
    assert [room.room_id for room in overview.hot_rooms()] == ["b", "a", "c"]
    overview.take([hotlist(2, 0, [])], 0.0)
    assert [room.room_id for room in overview.hot_rooms()] == ["c"]


def test_the_delay_is_from_an_events_sending_to_its_forecast_being_read() -> None:
    """The median of the last ten seconds."""
    overview = Overview()
    overview.take([event(room, 0, 1, written_s=100.0) for room in "abc"], 100.1)
    overview.take([forecast("a", 0)], 100.2)
    overview.take([forecast("b", 0)], 100.4)
    overview.take([forecast("c", 0)], 101.0)
    assert overview.delay_s() is not None
    assert round(overview.delay_s() or 0, 3) == 0.4
    overview.take([], 200.0)
    assert overview.delay_s() is None


def test_events_per_second_are_those_of_the_last_ten_seconds() -> None:
    """Older ones are forgotten."""
    overview = Overview()
    for second in range(30):
        overview.take([event(f"r{number}", second, 1) for number in range(20)], float(second))
    assert 19 <= overview.events_per_second(29.0) <= 22
    assert overview.events == 600
