"""What a room's page shows: what came, what was forecast of it, the fan from one origin, alerts, channels, skill."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from roompulse.minutes import QUIET_MINUTES
from watch.board.channels import OTHER
from watch.board.skill import JUDGED_HORIZONS, room_skill
from watch.board.state import BoardState
from watch.board.views import alert_view, numbers, plain, skill_rows

SHOWN_MINUTES = 90
OLDER_FANS, OLDER_EVERY = 6, 10
"""So many older fans are drawn faintly, so many minutes apart."""
_MOST_ALERTS = 20
_MOST_CHANNELS = 7


def room_view(state: BoardState, room_id: str, origin: int | None, lead: int) -> dict[str, Any]:
    """One room; `origin` is the minute after which the fan was made (None: the newest).

    `lead` is how many minutes before each minute the past forecasts were made that are held against what came.
    """
    rooms = state.rooms
    last = rooms.last_minute(room_id)
    if last < 0:
        return {"room": room_id, "known": room_id in rooms}
    minutes = np.arange(last - SHOWN_MINUTES + 1, last + 1)
    fans = rooms.fans(room_id, minutes)
    made = [int(minute) for minute, fan in zip(minutes, fans, strict=True) if not np.isnan(fan[1, 0])]
    chosen = origin if origin in made else made[-1]
    return {
        "room": room_id,
        "known": True,
        "category": rooms.category(room_id),
        "last": last,
        "live": last > rooms.newest - QUIET_MINUTES,
        "minutes": [int(minutes[0]), last],
        "came": numbers(rooms.came(room_id, minutes)),
        "lead": lead,
        "leads": list(JUDGED_HORIZONS),
        "forecast": [numbers(part) for part in _held_against(state, room_id, minutes, lead)],
        "origins": made,
        "origin": None if origin not in made else origin,
        "newest": _fan(state, room_id, made[-1]),
        "fan": _fan(state, room_id, chosen),
        "older": [_fan(state, room_id, minute) for minute in made[-1 - OLDER_EVERY :: -OLDER_EVERY][:OLDER_FANS]],
        "alerts": [alert_view(entry) for entry in state.alerts.of_room(room_id)[:_MOST_ALERTS]],
        "channels": _channels(state, room_id, minutes),
        "skill": skill_rows(room_skill(rooms, room_id, last)),
    }


def _held_against(
    state: BoardState, room_id: str, minutes: NDArray[np.int64], lead: int
) -> tuple[NDArray[np.float64], ...]:
    """Low, median and high of the forecasts made `lead` minutes before each minute, and the next ones still to come."""
    ends = np.append(minutes, np.arange(1, lead + 1) + minutes[-1])
    fans = state.rooms.fans(room_id, ends - lead)
    return tuple(fans[:, quantile, lead - 1] for quantile in range(3))


def _fan(state: BoardState, room_id: str, origin: int) -> dict[str, Any]:
    low, median, high = state.rooms.fans(room_id, np.array([origin]))[0]
    return {"origin": origin, "low": numbers(low), "median": numbers(median), "high": numbers(high)}


def _channels(state: BoardState, room_id: str, minutes: NDArray[np.int64]) -> list[dict[str, Any]]:
    """What came through each channel: the largest, and the sum of all others, where there were any."""
    channels = state.rooms.channels(room_id)
    if channels is None:
        return []
    counts = channels.counts(minutes)
    totals = np.nansum(counts, axis=0)
    largest = sorted(range(len(channels.names)), key=lambda column: (-totals[column], channels.names[column]))
    shown = [(channels.names[column], counts[:, column]) for column in largest[:_MOST_CHANNELS]]
    rest = [column for column in range(counts.shape[1]) if column not in largest[:_MOST_CHANNELS]]
    shown.append((OTHER, counts[:, rest].sum(axis=1)))
    return [_channel(label, column) for label, column in shown if np.nansum(column) > 0]


def _channel(label: str, counts: NDArray[np.float64]) -> dict[str, Any]:
    kind, _, name = label.partition(" ")
    return {"kind": kind, "name": name or OTHER, "total": plain(float(np.nansum(counts))), "counts": numbers(counts)}
