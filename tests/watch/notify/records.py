"""Alerts and fleet events of now, as the scorer writes them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping

from roompulse.minutes import format_minute
from roompulse.records import Alert, Driver, FleetEvent, encode
from watch.notify.records import Told, read_alert, read_fleet

OFFSET = 480
NOW_S = 1_767_609_000.0
"""2026-01-05T18:30:00+08:00, a whole minute."""


def minute_text(seconds: float, offset: int = OFFSET) -> str:
    """The whole minute of a time, as records carry it."""
    return format_minute(int(seconds // 60), offset)


def alert_of(
    room: str,
    event: str = "open",
    *,
    kind: str = "surge",
    severity: str = "warning",
    opened_s: float = NOW_S,
    minute_s: float | None = None,
    actual: float = 540,
    text: str = "",
) -> Alert:
    """An alert record; without a minute it is of the minute that opened it."""
    minute = minute_text(opened_s if minute_s is None else minute_s)
    identity = hashlib.sha256(f"{room} {kind} {opened_s // 60}".encode()).hexdigest()[:16]
    return Alert(
        identity, event, kind, severity, room, minute_text(opened_s), minute, actual, 105.7, 65.85, 155.7, 1e-6,
        410.9, [Driver("natural 搜索", 270, 52.4)], text or f"Surge in room {room}.", "step-1+0f3a9c21",
        "recovered" if event == "resolve" else None,
    )  # fmt: skip


def fleet_of(
    event: str = "open",
    *,
    direction: str = "down",
    partition: int = 0,
    opened_s: float = NOW_S,
    minute_s: float | None = None,
) -> FleetEvent:
    """A fleet event's record."""
    identity = hashlib.sha256(f"{direction} {partition} {opened_s}".encode()).hexdigest()[:16]
    minute = minute_text(opened_s if minute_s is None else minute_s)
    return FleetEvent(
        identity, event, direction, partition, minute_text(opened_s), minute, 78, 67, 0.859, 5362, 13160.0, -59.27,
        "67 of 78 rooms fell together.", "recovered" if event == "resolve" else None,
    )  # fmt: skip


def told(record: Alert | FleetEvent, partition: int = 0, written_s: float | None = None) -> Told:
    """The record as notify reads it; without a time it was written as soon as its minute was over."""
    read = read_alert if isinstance(record, Alert) else read_fleet
    found = read(encode(record), partition, 0.0)
    return read(encode(record), partition, found.minute_s + 60 if written_s is None else written_s)


def as_dict(pairs: frozenset[tuple[str, str]]) -> Mapping[str, str]:
    """Labels to look things up in."""
    return dict(pairs)


def this_minute() -> float:
    """The wall clock's own minute, in seconds."""
    return time.time() // 60 * 60
