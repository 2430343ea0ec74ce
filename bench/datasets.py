"""Sessions to judge by that nothing is trained on: AIOps series and simulated rooms that stream for a whole day."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roompulse.minutes import parse_minute
from roompulse.simulation import DEFAULT_START, SimulationSettings, simulate_counts
from trainer.default_model import bilibili_sessions, shared_file
from trainer.sessions import Session, sessions_from

AIOPS_MINUTES = 2880
"""The last two days of each series: they have up to four months each."""
DAYS_ROOMS, DAYS_SEED = 8, 3003


def aiops_sessions() -> list[Session]:
    """Six web-service series a minute, each scaled so that its median is 100; empty where the file is not there."""
    path = shared_file("aiops_kpi", "aiops_kpi.csv.gz", needed=False)
    return _aiops(path) if path.exists() else []


def _aiops(path: Path) -> list[Session]:
    series: dict[str, list[tuple[int, float]]] = {}
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            series.setdefault(row["kpi_id"], []).append((int(row["timestamp"]) // 60, float(row["value"])))
    rows: list[tuple[str, int, float]] = []
    for name, found in series.items():
        scale = 100.0 / float(np.median([value for _, value in found]))
        newest = max(minute for minute, _ in found)
        rows += [(name, minute, value * scale) for minute, value in found if minute > newest - AIOPS_MINUTES]
    return sessions_from(rows)


def whole_days() -> list[Session]:
    """Simulated rooms that stream for 1,440 minutes without a break."""
    start = parse_minute(DEFAULT_START)
    settings = SimulationSettings(rooms=DAYS_ROOMS, minutes=1440, start=start, seed=DAYS_SEED, continuous=True)
    return sessions_from(
        (f"day-{room}", start.epoch + minute, count)
        for room, row in enumerate(simulate_counts(settings))
        for minute, count in enumerate(row.tolist())
    )


def bilibili_grid() -> NDArray[np.float64]:
    """The Bilibili sessions as comments a minute (rooms, minutes), NaN where a room is not live or was not recorded."""
    sessions = bilibili_sessions()
    first = min(session.start for session in sessions)
    last = max(session.start + len(session.counts) for session in sessions)
    rooms = {room: number for number, room in enumerate(sorted({session.room for session in sessions}))}
    grid = np.full((len(rooms), last - first), np.nan)
    for session in sessions:
        begin = session.start - first
        grid[rooms[session.room], begin : begin + len(session.counts)] = session.counts
    return grid
