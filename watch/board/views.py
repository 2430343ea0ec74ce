"""What the board's page shows, as plain values for the browser: minutes since 1970, which it puts into words."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roompulse.records import HotRoom
from watch.board.alert_book import AlertBook, Entry, Wanted
from watch.board.channels import NATURAL, PAID
from watch.board.skill import Skill, live_skill
from watch.board.state import BoardState

HOT_ROWS = 20
FEED_ROWS = 50
SPARK_MINUTES = 40
_DIGITS = 4


def pulse_view(state: BoardState, now_s: float) -> dict[str, Any]:
    """What stands at the top of every page: how much there is, how fast, and whether it has stopped."""
    rooms, pulse = state.rooms, state.pulse
    silent = pulse.silent_s(now_s)
    return {
        "minute": rooms.newest if rooms.newest >= 0 else None,
        "rooms": rooms.live(),
        "overflowing": rooms.overflowing,
        "events_per_second": round(pulse.events_per_second(now_s), 1),
        "delay_s": None if (delay := pulse.delay_s()) is None else round(delay, 2),
        "silent_s": None if silent is None else int(silent),
        "heard": pulse.heard_s is not None,
        "open": state.alerts.open_by_kind(),
        "fleet": [{"direction": event.direction, "text": event.text} for event in list(state.fleet.values())[-3:]],
        "unreadable": sum(state.unreadable.values()),
    }


def hot_view(state: BoardState) -> dict[str, Any]:
    """The hottest rooms of the last closed minute with their last minutes and their forecast."""
    minute, hot = state.hot.merged()
    kinds, drivers = state.alerts.open_kinds(), _alert_drivers(state.alerts)
    return {
        "minute": minute if minute >= 0 else None,
        "rooms": [_hot_row(state, room, minute, kinds, drivers) for room in hot[:HOT_ROWS]],
    }


def feed_view(book: AlertBook, wanted: Wanted) -> dict[str, Any]:
    """The newest alerts that are wanted, and how many there are."""
    found = book.listed(wanted)
    return {"total": len(found), "alerts": [alert_view(entry) for entry in found[:FEED_ROWS]]}


def alert_view(entry: Entry) -> dict[str, Any]:
    """One alert."""
    alert = entry.alert
    return {
        "id": alert.alert_id,
        "room": alert.room_id,
        "kind": alert.kind,
        "severity": alert.severity,
        "state": entry.state,
        "opened": entry.opened,
        "until": entry.until,
        "text": alert.text,
        "actual": plain(alert.actual),
        "expected": plain(alert.expected),
        "peak_percent": plain(entry.peak_percent),
        "drivers": [[driver.name, plain(driver.actual), plain(driver.expected)] for driver in alert.drivers],
    }


def skill_view(state: BoardState) -> list[dict[str, Any]]:
    """How good the forecasts of all rooms were in the last hour."""
    return skill_rows(live_skill(state.rooms, state.rooms.newest))


def skill_rows(found: Iterable[Skill]) -> list[dict[str, Any]]:
    """By horizon."""
    return [
        {
            "horizon": skill.horizon,
            "judged": skill.judged,
            "error": plain(skill.error),
            "naive": plain(skill.naive_error),
            "inside": None if skill.inside is None else round(skill.inside, 3),
        }
        for skill in found
    ]


def _hot_row(
    state: BoardState, room: HotRoom, minute: int, kinds: dict[str, str], drivers: dict[str, list[str]]
) -> dict[str, Any]:
    rooms, name = state.rooms, room.room_id
    last = max(rooms.last_minute(name), minute)
    past = np.arange(last - SPARK_MINUTES + 1, last + 1)
    low, median, high = rooms.fans(name, np.array([last]))[0]
    driver = drivers.get(name)
    if driver is None and (channels := rooms.channels(name)) is not None and (found := channels.driver(minute)):
        driver = [found.kind, found.name]
    return {
        "room": name,
        "category": rooms.category(name),
        "kind": kinds.get(name, ""),
        "actual": plain(room.actual),
        "expected": plain(room.expected),
        "percent": plain(room.deviation_percent),
        "driver": driver,
        "spark": numbers(rooms.came(name, past)),
        "fan": [numbers(low), numbers(median), numbers(high)],
    }


def _alert_drivers(book: AlertBook) -> dict[str, list[str]]:
    """The first channel among the drivers of each room's open alert: whether it is paid, and its name."""
    found: dict[str, list[str]] = {}
    for entry in book.listed(Wanted(only_open=True)):
        for driver in entry.alert.drivers:
            kind, _, name = driver.name.partition(" ")
            if kind in {NATURAL, PAID} and name:
                found.setdefault(entry.alert.room_id, [kind, name])
    return found


def numbers(values: NDArray[np.float64]) -> list[float | None]:
    """Values fit for JSON: four digits, None for NaN."""
    return [plain(value) for value in values.tolist()]


def plain(value: float | None) -> float | None:
    """A number with four digits, whole ones in full; None where there is none."""
    if value is None or not math.isfinite(value):
        return None
    if value == int(value):
        return int(value)
    return float(f"{value:.{_DIGITS}g}")
