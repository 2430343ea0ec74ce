"""Records as the scorer writes them, made by hand, and a feed that hands them out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from roompulse.minutes import format_minute, parse_minute
from roompulse.records import (
    Alert,
    Driver,
    FleetEvent,
    Forecast,
    Hotlist,
    HotRoom,
    Metrics,
    Quantiles,
    RoomMinute,
    encode,
)
from watch.feed import ALERTS, FLEET, FORECASTS, HOTLIST, MINUTES, Seen

START = parse_minute("2026-01-05T18:00:00+08:00")


def at(minute: int) -> str:
    """The minute so many minutes after the start, as text."""
    return format_minute(START.epoch + minute, START.offset)


def event(room: str, minute: int, count: int | None, written_s: float | None = None) -> Seen:
    """A room-minute."""
    return Seen(MINUTES, encode(RoomMinute(room, at(minute), Metrics(count))), written_s)


def forecast(room: str, minute: int, median: float = 100.0) -> Seen:
    """A flat forecast made after `minute`."""
    quantiles = Quantiles([median / 2] * 10, [median] * 10, [median * 2] * 10)
    return Seen(FORECASTS, encode(Forecast(room, at(minute), "m", quantiles)))


def alert(room: str, kind: str, minute: int, event: str = "open", severity: str = "warning", text: str = "") -> Alert:
    """An alert record; `minute` is when it opened."""
    return Alert(
        f"{room}-{kind}-{minute}", event, kind, severity, room, at(minute), at(minute), 300, 100.0, 50.0, 200.0,
        0.001, 200.0, [Driver("comment_cnt", 9, 3.0)], text or f"Room {room} {kind}s.", "m",
    )  # fmt: skip


def alert_record(room: str, kind: str, minute: int, event: str = "open", text: str = "") -> Seen:
    """The same as it lies on the topic."""
    return Seen(ALERTS, encode(alert(room, kind, minute, event, text=text)))


def hotlist(minute: int, partition: int, rooms: Sequence[tuple[str, float]]) -> Seen:
    """A hotlist of rooms with their excess over an expectation of 100."""
    hot = [HotRoom(rank, room, 100 + excess, 100.0, excess, excess) for rank, (room, excess) in enumerate(rooms, 1)]
    return Seen(HOTLIST, encode(Hotlist(at(minute), partition, hot)))


def fleet_event(minute: int, direction: str, text: str) -> Seen:
    """A fleet event that opens."""
    record = FleetEvent(
        "f", "open", direction, 2, at(minute - 1), at(minute), 78, 67, 0.859, 5362, 13160.0, -59.27, text
    )
    return Seen(FLEET, encode(record))


class ListFeed:
    """Hands out records in polls, as given."""

    def __init__(self, polls: Iterable[Sequence[Seen]]) -> None:
        self._polls = [list(poll) for poll in polls]

    def poll(self, max_wait_s: float) -> list[Seen]:
        """The next poll's records."""
        return self._polls.pop(0) if self._polls else []

    def at_end(self) -> bool:
        """Whether all were handed out."""
        return not self._polls

    def close(self) -> None:
        """Nothing to let go of."""
