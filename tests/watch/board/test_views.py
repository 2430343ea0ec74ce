"""What the pages are told: plain values, the same for the same records."""

from __future__ import annotations

import json
import math

import pytest

from roompulse.bundle import default_bundle, load_bundle
from roompulse.records import Metrics, RoomMinute, encode
from tests.watch.records import START, alert_record, at, event, forecast, hotlist
from watch.board.alert_book import Wanted
from watch.board.model_page_view import model_view
from watch.board.room_page_view import room_view
from watch.board.state import BoardState
from watch.board.views import FEED_ROWS, SPARK_MINUTES, feed_view, hot_view, plain, pulse_view
from watch.feed import MINUTES, Seen

NOW = 1_000_000.0


def surging() -> BoardState:
    """A room of 100 with channels that surges in its 30th minute, and another that nobody notices."""
    state = BoardState()
    for minute in range(31):
        paid = 400 if minute == 30 else 10
        record = RoomMinute("r", at(minute), Metrics(90 + paid), {"搜索": 90}, {"千川PC版": paid}, category="food")
        state.take([Seen(MINUTES, encode(record), NOW), forecast("r", minute), event("quiet", minute, 5)], NOW)
    state.take([hotlist(30, 0, [("r", 390)])], NOW)
    return state


def test_a_hot_room_has_its_last_minutes_its_fan_and_the_channel_that_drove_it() -> None:
    """The driver is the channel with most more than before; an open alert's own channel goes before."""
    state = surging()
    (row,) = hot_view(state)["rooms"]
    assert (row["room"], row["category"], row["actual"], row["driver"]) == ("r", "food", 490, ["paid", "千川PC版"])
    assert len(row["spark"]) == SPARK_MINUTES
    assert row["spark"][:9] == [None] * 9
    assert row["spark"][-2:] == [100, 490]
    assert row["fan"] == [[50] * 10, [100] * 10, [200] * 10]
    assert row["kind"] == ""
    state.take([alert_record("r", "surge", 30)], NOW)
    assert hot_view(state)["rooms"][0]["kind"] == "surge"


def test_the_feed_has_the_newest_alerts_and_says_how_many_there_are() -> None:
    """Never more than fit."""
    state = BoardState()
    state.take([alert_record(f"r{minute}", "surge", minute) for minute in range(FEED_ROWS + 10)], NOW)
    view = feed_view(state.alerts, Wanted())
    assert (view["total"], len(view["alerts"])) == (FEED_ROWS + 10, FEED_ROWS)
    assert view["alerts"][0]["opened"] == START.epoch + FEED_ROWS + 9


def test_the_top_says_how_much_there_is() -> None:
    """Rooms with a forecast in the last minutes, alerts by kind, the last minute."""
    state = surging()
    state.take([alert_record("r", "surge", 30)], NOW)
    view = pulse_view(state, NOW + 45)
    assert (view["rooms"], view["minute"], view["silent_s"]) == (1, START.epoch + 30, 45)
    assert view["open"] == {"surge": 1, "slump": 0, "hotspot": 0}
    assert pulse_view(BoardState(), NOW)["minute"] is None


def test_a_room_is_shown_with_its_fan_and_past_forecasts_against_what_came() -> None:
    """The newest fan, or that of the minute asked for; past forecasts made so long before as asked for."""
    state = surging()
    view = room_view(state, "r", None, 5)
    assert (view["last"], view["live"], view["came"][-1]) == (START.epoch + 30, True, 490)
    assert view["fan"]["origin"] == view["last"] == view["newest"]["origin"]
    assert view["forecast"][1][len(view["came"]) - 1] == 100, "made five minutes before the last one"
    assert len(view["forecast"][1]) == len(view["came"]) + 5
    assert [fan["origin"] - START.epoch for fan in view["older"]] == [20, 10, 0]
    earlier = room_view(state, "r", START.epoch + 12, 1)
    assert (earlier["origin"], earlier["fan"]["origin"]) == (START.epoch + 12, START.epoch + 12)
    assert room_view(state, "r", START.epoch - 50, 1)["origin"] is None, "there is no such fan"


def test_a_rooms_channels_are_the_largest_and_the_rest_together() -> None:
    """Nothing is counted twice."""
    state = BoardState()
    natural = {f"n{number}": 100.0 - number for number in range(20)}
    state.take([Seen(MINUTES, encode(RoomMinute("r", at(0), Metrics(9), natural)), NOW), forecast("r", 0)], NOW)
    channels = room_view(state, "r", None, 1)["channels"]
    assert [channel["name"] for channel in channels][:2] == ["n0", "n1"]
    assert channels[-1]["kind"] == "other"
    assert sum(channel["total"] for channel in channels) == sum(natural.values())


def test_a_room_that_nobody_sent_is_unknown_and_one_without_forecast_is_known() -> None:
    """The page says which."""
    assert room_view(BoardState(), "r", None, 1) == {"room": "r", "known": False}
    assert room_view(surging(), "quiet", None, 1) == {"room": "quiet", "known": True}


def test_the_model_page_has_the_card_of_the_newest_model_where_it_is_here() -> None:
    """Baselines by their error, the network among them."""
    bundle = load_bundle(default_bundle())
    view = model_view(surging(), lambda label: bundle)
    errors = [row["error"] for row in view["card"]["rows"]]
    assert errors == sorted(errors)
    assert [row["name"] for row in view["card"]["rows"] if row["own"]] == ["network"]
    assert view["skill"][0]["judged"] == 30
    assert model_view(surging(), lambda label: None)["card"] is None
    assert model_view(BoardState(), lambda label: bundle) | {"skill": []} == {"models": [], "card": None, "skill": []}


def test_every_view_is_json_without_nan() -> None:
    """What the browser could not read would stop the page."""
    state = surging()
    state.take([event("r", 31, None), forecast("r", 31)], NOW)
    views = [
        pulse_view(state, NOW), hot_view(state), room_view(state, "r", None, 10), feed_view(state.alerts, Wanted()),
        model_view(state, lambda label: load_bundle(default_bundle())),
    ]  # fmt: skip
    json.dumps(views, allow_nan=False)


@pytest.mark.parametrize(
    ("given", "shown"), [(None, None), (math.nan, None), (math.inf, None), (12345.0, 12345), (12.3456, 12.35)]
)
def test_numbers_have_four_digits_and_whole_ones_all(given: float | None, shown: float | None) -> None:
    """None where there is none."""
    assert plain(given) == shown
