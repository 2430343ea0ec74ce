"""The life of alerts: opening, freezing, updates, and each way in which one ends."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from scorer.pipeline.write import alert_id_of
from tests.scorer.fakes import RULES, START, Event, Lab, Seen, clock, context_of, event, one_bar, steady, text

WARM = range(40)
"""Minutes in which a room is steady at 99; its first surprise comes at minute 40."""


def warm(*rooms: str, **changes: Any) -> Lab:
    """A partition whose rooms have been steady for forty minutes."""
    lab = Lab(context_of(rules=replace(RULES, **changes)))
    lab.send([event(room, minute, 99) for minute in WARM for room in rooms or ("a",)])
    assert not any(output.topic.endswith("alerts") for output in lab.all)
    return lab


def only(seen: Seen) -> Any:
    """The one alert record."""
    assert len(seen.alerts) == 1, seen.alerts
    return seen.alerts[0]


def later(values: list[float | None], room: str = "a", start: int = 41) -> list[Event]:
    """What the room does from minute 41 on."""
    return [event(room, start + number, value) for number, value in enumerate(values)]


def test_a_surge_opens_against_what_was_published_a_minute_before() -> None:
    """Expected, low and high are the +1 quantiles of the last forecast; id, minutes and deviation follow from them."""
    lab = Lab()
    before = lab.send(steady("a", WARM)).forecasts[-1]["quantiles"]
    alert = only(lab.send(event("a", 40, 500)))
    low, expected, high = (before[name][0] for name in ("0.1", "0.5", "0.9"))
    assert (alert["event"], alert["kind"], alert["severity"]) == ("open", "surge", "critical")
    assert (alert["low"], alert["expected"], alert["high"]) == (low, expected, high)
    assert expected == 99
    assert (alert["opened"], alert["minute"], alert["actual"]) == (text(40), text(40), 500)
    assert alert["deviation_percent"] == 405.1, "100 * (500 - 99) / 99 to four digits"
    assert 0 < alert["tail_probability"] <= 1e-6
    assert alert["alert_id"] == alert_id_of("a", "surge", START + 40)
    assert "reason" not in alert


def test_a_slump_opens_downward() -> None:
    """The same in the other direction, told in percent."""
    alert = only(warm().send(event("a", 40, 5)))
    assert (alert["kind"], alert["event"], alert["deviation_percent"]) == ("slump", "open", -94.95)
    assert "95 % fewer" in alert["text"]


def test_the_expectation_is_frozen_while_the_alert_is_open() -> None:
    """The level follows the surge within minutes; the alert is still measured by the forecast from before it."""
    lab = warm()
    lab.send(event("a", 40, 500))
    served = [forecast["quantiles"]["0.5"][0] for forecast in lab.send(later([500] * 6)).forecasts]
    assert served[-1] > 350, "what is served has moved"
    resolved = only(lab.send(later([90, 90, 90], start=47)))
    assert (resolved["event"], resolved["reason"], resolved["expected"]) == ("resolve", "recovered", 99)


def test_it_takes_three_minutes_inside_to_recover() -> None:
    """Two minutes back inside and one outside start the count again; a null minute neither counts nor resets."""
    lab = warm()
    lab.send(event("a", 40, 500))
    assert lab.send(later([99, 99, 500, 99, None, 99])).alerts == []
    assert lab.send(event("a", 47, 99)).told("event", "reason", "minute") == [("resolve", "recovered", text(47))]


def test_after_thirty_minutes_it_is_the_new_level() -> None:
    """Still outside at minute +30: resolved as new_level; the next minute is judged by what is served then."""
    lab = warm()
    lab.send(event("a", 40, 500))
    assert lab.send(later([500] * 29)).alerts == []
    assert lab.send(later([500], start=70)).told("event", "reason") == [("resolve", "new_level")]
    assert lab.send(later([500] * 20, start=71)).alerts == []


def test_inside_at_minute_thirty_is_recovered() -> None:
    """An alert whose thirtieth minute lies inside has not found a new level."""
    lab = warm()
    lab.send(event("a", 40, 500), later([500] * 29))
    assert lab.send(later([99], start=70)).told("event", "reason") == [("resolve", "recovered")]


def test_a_peak_that_grows_is_told_again_after_five_minutes() -> None:
    """By a quarter and not sooner than five minutes after the last record."""
    lab = warm()
    lab.send(event("a", 40, 500))
    assert lab.send(later([700, 900, 500, 500])).alerts == []
    assert lab.send(later([901], start=45)).told("event", "actual", "opened") == [("update", 901, text(40))]
    assert lab.send(later([950, 950, 950, 950, 950, 950], start=46)).alerts == [], "not a quarter more"


def test_severity_rises_at_once_and_never_falls() -> None:
    """A worse minute is told without waiting; a milder one is not told, and the end carries the worst."""
    lab = warm()
    opened = only(lab.send(event("a", 40, 190)))
    assert opened["severity"] == "info"
    worse = lab.send(later([320]))
    assert worse.told("event", "severity") == [("update", "warning")]
    assert lab.send(later([99, 99, 99], start=42)).told("event", "severity") == [("resolve", "warning")]


def test_ended_resolves_with_nothing_to_judge() -> None:
    """The resolution is dated at the ended minute and carries the frozen interval, no actual and no drivers."""
    lab = warm()
    lab.send(event("a", 40, 500))
    alert = only(lab.send(event("a", 41, 500, ended=True, offset=0)))
    assert (alert["event"], alert["reason"], alert["expected"]) == ("resolve", "ended", 99)
    assert (alert["minute"], alert["opened"]) == (text(41, 0), text(40, 0)), "in the offset of the record that ended it"
    assert (alert["actual"], alert["tail_probability"], alert["deviation_percent"]) == (None, None, None)
    assert alert["drivers"] == []
    assert alert["text"] == "The surge of room a since 04:40 is closed: the session ended at 04:41."


def test_a_repeated_minute_that_says_ended_resolves_once() -> None:
    """The source sends the last minute again with `ended`: resolved at that minute; the third time says nothing."""
    lab = warm()
    lab.send(event("a", 40, 500))
    ended = event("a", 40, 500, ended=True)
    assert lab.send(ended).told("event", "reason", "minute") == [("resolve", "ended", text(40))]
    assert lab.send(ended).outputs == []


def test_opening_and_ending_in_one_minute() -> None:
    """A surge in the ended minute is opened and resolved at once, in this order."""
    assert warm().send(event("a", 40, 500, ended=True)).told("event", "reason") == [
        ("open", None),
        ("resolve", "ended"),
    ]


def test_silence_is_told_alike_by_the_watermark_and_by_the_room() -> None:
    """Ten blank minutes end it as silent; the record's bytes do not say who noticed."""
    by_clock, by_itself = warm(), warm()
    for lab in (by_clock, by_itself):
        lab.send(event("a", 40, 500))
    assert by_clock.send(clock(50)).alerts == []
    one = by_clock.send(clock(51))
    other = by_itself.send(event("a", 300, 99))
    assert one.told("event", "reason", "minute") == [("resolve", "silent", text(50))]
    assert one.outputs[-2:] == [output for output in other.outputs if "alerts" in output.topic]


def test_silent_rooms_are_told_by_time_and_name() -> None:
    """Those that fell silent first come first, then by name, whatever the order of their records."""
    lab = warm("b", "a", "c")
    lab.send(event("c", 40, 500), event("b", 40, 500), event("a", 40, 500), event("a", 41, 500))
    assert lab.send(clock(60)).told("room_id") == [("b",), ("c",), ("a",)]


def test_a_hotspot_needs_minutes_of_heat() -> None:
    """Half as much again as ten minutes before, eight minutes long; frozen at that forecast; over when it cools."""
    lab = warm(**one_bar(50.0))  # no surge can open
    assert lab.send(later([150] * 7, start=40)).alerts == []
    opened = only(lab.send(event("a", 47, 150)))
    assert (opened["event"], opened["kind"], opened["severity"], opened["expected"]) == (
        "open", "hotspot", "warning", 99,
    )  # fmt: skip
    assert "ten minutes before" in opened["text"]
    assert lab.send(later([150] * 12, start=48)).alerts == [], "expected stays 99 although the level is 150 by now"
    ends = lab.send(later([105] * 3, start=60))
    assert ends.told("event", "kind", "reason", "expected") == [("resolve", "hotspot", "recovered", 99)]


def test_an_open_surge_holds_the_hotspot_back() -> None:
    """While the surge is open there is no hotspot; nor is the surge's heat counted for one after it."""
    lab = warm()
    lab.send(event("a", 40, 500), later([500] * 15))
    assert {alert["kind"] for alert in Seen(lab.all).alerts} == {"surge"}
    assert int(lab.room("a")["hot_minutes"][0]) == 0


def test_nulls_and_blanks_are_no_evidence() -> None:
    """Minutes without a value neither open nor end an alert."""
    lab = warm()
    assert lab.send(later([None] * 5, start=40), event("a", 50, 99)).alerts == []
    assert lab.send(event("a", 51, 500)).told("event") == [("open",)]
    assert lab.send(later([None] * 5, start=52), event("a", 60, 500)).alerts == []


def test_after_a_gap_the_minute_is_met_by_the_last_forecast_for_it() -> None:
    """Four blanks: the forecast made five minutes before for +5 is the expectation, and is frozen."""
    lab = Lab()
    before = lab.send(steady("a", WARM)).forecasts[-1]["quantiles"]
    alert = only(lab.send(event("a", 44, 500)))
    assert (alert["low"], alert["expected"], alert["high"]) == tuple(before[name][4] for name in before)


def test_an_alert_ended_raises_the_bar_for_a_while() -> None:
    """The same surprise that opened one alert does not open another right after it, but does an hour later."""
    lab = warm(cool_down=10.0, minimum_slump_percent=100.0)
    lab.send(event("a", 40, 500), later([99] * 3))
    assert lab.send(later([500, 99, 99, 99], start=44)).alerts == []
    lab.send(later([99] * 72, start=48))
    assert lab.send(event("a", 120, 500)).told("event", "opened") == [("open", text(120))]


def test_drivers_are_the_channels_that_moved() -> None:
    """By their share of the excess over their own level, frozen at the opening; totals and the target are left out."""
    lab = Lab()
    usual = {
        "natural": {"search": 60, "feed": 29, "全部自然流量": 89},
        "paid": {"ads": 10},
        "metrics": {"comment_cnt": 3},
    }
    lab.send([event("a", minute, 99, **_copy(usual)) for minute in WARM])
    surge = {
        "natural": {"search": 60, "feed": 330, "unheard of": 50, "全部自然流量": 440},
        "paid": {"ads": 60},
        "metrics": {"comment_cnt": 30},
    }
    drivers = only(lab.send(event("a", 40, 500, **_copy(surge))))["drivers"]
    assert [(driver["name"], driver["actual"]) for driver in drivers] == [
        ("natural feed", 330), ("paid ads", 60), ("other", 50), ("comment_cnt", 30),
    ]  # fmt: skip
    assert [driver["expected"] for driver in drivers] == [29, 10, 0, 3]


def test_deviation_is_null_where_next_to_nothing_was_expected() -> None:
    """A percentage of less than one a minute would be noise."""
    lab = Lab()
    lab.send([event("a", minute, 0) for minute in WARM])
    alert = only(lab.send(event("a", 40, 50)))
    assert (alert["deviation_percent"], alert["expected"]) == (None, 0)


def test_open_alerts_are_kept_by_id_until_they_end() -> None:
    """The compacted topic holds the latest record under the alert's id, then a tombstone."""
    lab = warm()
    opened = lab.send(event("a", 40, 500))
    ended = lab.send(later([99, 99, 99]))
    kept = [output for output in [*opened.outputs, *ended.outputs] if output.topic.endswith("alerts.open")]
    told = [output for output in [*opened.outputs, *ended.outputs] if output.topic.endswith("room.alerts")]
    assert {output.key for output in kept} == {only(opened)["alert_id"].encode()}
    assert [output.value for output in kept] == [told[0].value, None]
    assert {output.key for output in told} == {b"a"}


def test_an_aborted_opening_opens_again() -> None:
    """A step that is not applied leaves no trace: folding the same messages again gives the same bytes."""
    lab = warm()
    surge = [event("a", 40, 500).at(900)]
    first = lab.fold.step(surge)
    again = lab.fold.step(surge)
    assert [line.output for line in first.lines] == [line.output for line in again.lines]
    assert lab.fold.silent_by(START + 100) == []


def _copy(record: dict[str, Any]) -> dict[str, Any]:
    return {name: dict(value) for name, value in record.items()}
