"""What a room's state says, in words and numbers a person knows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS, QUANTILES
from roompulse.minutes import format_minute
from roompulse.records import number
from roompulse.rooms import HOTSPOT, KINDS, SEVERITIES
from scorer.pipeline.serve import rounded
from scorer.pipeline.write import alert_id_of


def room_view(room_id: str, room: NDArray[np.void]) -> dict[str, Any]:
    """One room's state, a record of the checkpoint. Times are in the room's own offset; blanks are None."""
    last, offset = int(room["last_minute"]), int(room["offset"])

    def minute(epoch: int) -> str:
        return format_minute(epoch, offset)

    widen = np.exp(room["widen"].astype(np.float64)).tolist()
    snoozed = int(room["snoozed_until"])
    return {
        "room_id": room_id,
        "last_minute": minute(last),
        "session_start": minute(int(room["session_start"])),
        "session_over": bool(room["over"]),
        "window": _window(room, last),
        "forecast": _forecast(room, last),
        "served_by": "mean" if room["gate"]["closed"] else "network",
        "interval_factors": {"low": rounded(widen[0]), "high": rounded(widen[1])},
        "spread": rounded(float(room["spread"])),
        "threshold_shift": rounded(float(room["threshold_shift"])),
        "budget_shift": {
            kind: rounded(float(moved)) for kind, moved in zip(KINDS[:HOTSPOT], room["own_bar"], strict=True)
        },
        "snoozed_until": minute(snoozed) if snoozed > last else None,
        "evidence": {"upward": rounded(float(room["evidence"][0])), "downward": rounded(float(room["evidence"][1]))},
        "hot_minutes": int(room["hot_minutes"]),
        "open_alerts": [
            {
                "alert_id": alert_id_of(room_id, kind, int(alert["opened"])),
                "kind": kind,
                "severity": SEVERITIES[int(alert["severity"])],
                "opened": minute(int(alert["opened"])),
                "peak_deviation": rounded(float(alert["peak"])),
                "minutes_back_inside": int(alert["inside"]),
            }
            for kind, alert in zip(KINDS, room["alerts"], strict=True)
            if alert["open"]
        ],
    }


def _window(room: NDArray[np.void], last: int) -> list[float | None]:
    """The target of this session's last minutes as far as the ring reaches, the oldest first."""
    ring = room["ring"]
    first = max(last - len(ring) + 1, int(room["session_start"]))
    values = ring[np.arange(first, last + 1) % len(ring)].tolist()
    # The ring is in single precision: seven digits are what it knows.
    return [None if math.isnan(value) else number(float(f"{value:.7g}")) for value in values]


def _forecast(room: NDArray[np.void], last: int) -> dict[str, list[float | None]]:
    """The newest forecast, made after the last minute, for minutes +1 to +10."""
    quantiles = room["forecasts"][last % HORIZONS].tolist()
    return {f"{q:g}": [rounded(value) for value in row] for q, row in zip(QUANTILES, quantiles, strict=True)}
