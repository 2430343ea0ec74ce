"""What the board makes of records: pure, without a clock or a network."""

from __future__ import annotations

import msgspec
import pytest

from roompulse.records import Metrics, RoomMinute, encode
from tests.watch.records import START, alert, alert_record, at, event, fleet_event, forecast, hotlist
from watch.board.alert_book import AlertBook, Wanted
from watch.board.hot_rooms import HotRooms
from watch.board.pulse import Pulse
from watch.board.skill import live_skill, room_skill
from watch.board.state import BoardState
from watch.feed import ALERTS, FORECASTS, HOTLIST, MINUTES, Seen

NOW = 1_000_000.0


def test_a_room_is_followed_from_its_minutes_and_forecasts() -> None:
    """Category and channels come from the records; the platform's totals are left out."""
    state = BoardState()
    record = RoomMinute(
        "r", at(0), Metrics(7), {"搜索": 5, "全部自然流量": 5}, {"千川PC版": 2, "全部付费流量": 2}, category="food"
    )
    state.take([Seen(MINUTES, encode(record), NOW), forecast("r", 0)], NOW)
    channels = state.rooms.channels("r")
    assert channels is not None
    assert channels.names == ["natural 搜索", "paid 千川PC版"]
    assert state.rooms.category("r") == "food"
    assert state.models == {"m": (1, START.epoch)}


@pytest.mark.parametrize("kind", [MINUTES, FORECASTS, ALERTS, HOTLIST])
def test_what_cannot_be_read_is_counted_and_changes_nothing(kind: str) -> None:
    """Anybody may write to a topic."""
    state = BoardState()
    state.take([Seen(kind, b"{}", NOW), Seen(kind, b"\xff\x00", NOW)], NOW)
    assert state.unreadable[kind] == 2
    assert state.rooms.names() == []


def test_a_forecast_of_another_length_is_refused() -> None:
    """The fan has ten minutes."""
    quantiles = {"0.1": [1], "0.5": [1], "0.9": [1]}
    short = msgspec.json.encode({"room_id": "r", "minute": at(0), "model": "m", "quantiles": quantiles})
    state = BoardState()
    state.take([Seen(FORECASTS, short, NOW)], NOW)
    assert state.unreadable[FORECASTS] == 1


def test_fleet_events_are_kept_while_they_are_open() -> None:
    """Until they are resolved."""
    state = BoardState()
    state.take([fleet_event(3, "down", "67 of 78 rooms fell.")], NOW)
    assert [open_now.text for open_now in state.fleet.values()] == ["67 of 78 rooms fell."]
    ended = msgspec.json.decode(fleet_event(3, "down", "over").value) | {"event": "resolve", "reason": "recovered"}
    state.take([Seen("fleet", msgspec.json.encode(ended), NOW)], NOW)
    assert not state.fleet


def test_an_alert_is_one_entry_with_its_newest_record_and_its_furthest_deviation() -> None:
    """Opened, updated, resolved; what is read again changes nothing."""
    state = BoardState()
    opening = alert_record("r", "surge", 5)
    state.take([opening], NOW)
    assert state.alerts.open_by_kind() == {"surge": 1, "slump": 0, "hotspot": 0}
    ended = msgspec.structs.replace(
        alert("r", "surge", 5, "resolve"), minute=at(9), reason="recovered", deviation_percent=4.0
    )
    state.take([Seen(ALERTS, encode(ended), NOW), opening], NOW)
    (entry,) = state.alerts.listed(Wanted())
    assert (entry.state, entry.opened, entry.until) == ("recovered", START.epoch + 5, START.epoch + 9)
    assert entry.peak_percent == 200.0
    assert state.alerts.open_by_kind()["surge"] == 0


def test_a_retraction_ends_an_alert_though_its_minute_lies_back() -> None:
    """A correction judges an earlier minute again."""
    book = AlertBook()
    book.take(msgspec.structs.replace(alert("r", "surge", 5), minute=at(8), event="update"))
    book.take(alert("r", "surge", 5, "retract"))
    assert [entry.state for entry in book.listed(Wanted())] == ["retracted"]


def test_alerts_are_found_by_kind_state_and_words() -> None:
    """The newest first; every word has to occur somewhere, in capitals or not."""
    book = AlertBook()
    book.take(alert("alpha", "surge", 1, text="Surge by 搜索"))
    book.take(alert("beta", "slump", 2))
    book.take(alert("alpha", "hotspot", 3))
    book.take(alert("beta", "slump", 2, "retract"))

    def found(wanted: Wanted) -> list[str]:
        return [f"{entry.alert.room_id} {entry.alert.kind}" for entry in book.listed(wanted)]

    assert found(Wanted()) == ["alpha hotspot", "beta slump", "alpha surge"]
    assert found(Wanted(kinds=("surge", "slump"))) == ["beta slump", "alpha surge"]
    assert found(Wanted(only_open=True)) == ["alpha hotspot", "alpha surge"]
    assert found(Wanted(words="ALPHA 搜索")) == ["alpha surge"]
    assert found(Wanted(words="nothing like it")) == []
    assert [entry.alert.kind for entry in book.of_room("alpha")] == ["hotspot", "surge"]


def test_the_book_keeps_open_alerts_longer_than_those_that_are_over() -> None:
    """And never more than its most."""
    book = AlertBook(most=3)
    book.take(alert("open", "surge", 0))
    for at_minute in range(1, 6):
        book.take(alert("over", "surge", at_minute))
        book.take(alert("over", "surge", at_minute, "retract"))
    assert len(book.listed(Wanted())) == 3
    assert [entry.alert.room_id for entry in book.listed(Wanted(only_open=True))] == ["open"]


def test_hotlists_of_all_partitions_are_merged_once_all_have_closed_the_minute() -> None:
    """A partition that falls silent is waited for during two minutes, no longer."""
    hot = HotRooms()

    def take(*seen: Seen) -> None:
        state.take(seen, NOW)

    state = BoardState()
    state.hot = hot
    take(hotlist(1, 0, [("a", 10)]), hotlist(1, 1, [("b", 20)]), hotlist(2, 0, [("a", 30)]))
    minute, rooms = hot.merged()
    assert (minute - START.epoch, [room.room_id for room in rooms]) == (1, ["b", "a"])
    take(hotlist(3, 0, [("a", 40)]), hotlist(4, 0, [("a", 50)]))
    minute, rooms = hot.merged()
    assert (minute - START.epoch, [room.excess for room in rooms]) == (4, [50])


def test_skill_is_judged_by_what_came_whatever_was_read_first() -> None:
    """Error against repeating the last value, by horizon, and the share inside the interval."""
    counts = [100, 110, 90, 300]
    events = [event("r", minute, count) for minute, count in enumerate(counts)]
    forecasts = [forecast("r", minute, 100.0) for minute in range(4)]
    for records in (events + forecasts, forecasts + events):
        state = BoardState()
        state.take(records, NOW)
        next_minute = live_skill(state.rooms, START.epoch + 3)[0]
        assert next_minute.judged == 3
        assert next_minute.error == pytest.approx((10 + 10 + 200) / 3)
        assert next_minute.naive_error == pytest.approx((10 + 20 + 210) / 3)
        assert next_minute.inside == pytest.approx(2 / 3), "50 to 200 does not hold 300"
        assert room_skill(state.rooms, "r", START.epoch + 3) == live_skill(state.rooms, START.epoch + 3)
    assert live_skill(BoardState().rooms, 100)[0].error is None


def test_the_pulse_counts_events_and_measures_the_delay_in_any_order() -> None:
    """Of what was written in the last ten whole seconds; a forecast may be read before its event."""
    pulse = Pulse()
    for second in range(20):
        pulse.take_event("r", second, NOW - 20 + second)
        pulse.take_forecast("r", second, NOW - 20 + second + 0.5)
    assert pulse.events_per_second(NOW) == 1.0
    assert pulse.delay_s() == pytest.approx(0.5)
    early = Pulse()
    early.take_forecast("r", 1, NOW + 0.25)
    early.take_event("r", 1, NOW)
    assert early.delay_s() == pytest.approx(0.25)


def test_silence_is_said_once_it_is_longer_than_the_usual_pause() -> None:
    """Rooms that all send at the full minute are not silent in between; what stopped long ago is."""
    steady, minutely, stale = Pulse(), Pulse(), Pulse()
    for second in range(300):
        steady.hear(NOW + second, NOW + second)
        if second % 60 == 0:
            minutely.hear(NOW + second, NOW + second)
    assert steady.silent_s(NOW + 310) is None
    assert steady.silent_s(NOW + 345) == pytest.approx(46)
    assert minutely.silent_s(NOW + 295) is None
    assert minutely.silent_s(NOW + 400) == pytest.approx(160)
    stale.hear(NOW - 3600, NOW)
    assert stale.silent_s(NOW) == pytest.approx(3600)
    assert Pulse().silent_s(NOW) is None
