"""What an event of a backlog costs: CPU time of every process between commits, start and new rooms left out."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

from bench.scale.arithmetic import Reading
from bench.scale.probe import GroupProbe
from bench.scale.processes import cpu_seconds
from bench.scale.worker import Worker
from roompulse.errors import RoomPulseError

LOOK_EVERY_S = 0.05
STUCK_S = 180.0
PACE_PER_MINUTE = 1_000_000
"""Events of a million rooms."""


def minutes_for(rooms: int, seconds: float) -> int:
    """Whole minutes of all rooms that hold the events of so many seconds at a million rooms' pace, at least one."""
    return max(1, math.ceil(round(seconds * PACE_PER_MINUTE / (60 * rooms), 6)))


def read_costs(pids: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """CPU seconds used until now, by name."""
    return {name: sum(map(cpu_seconds, some)) for name, some in pids.items()}


def follow(
    probe: GroupProbe, workers: Sequence[Worker], servers: Mapping[str, Sequence[int]], marks: Sequence[int]
) -> list[tuple[float, Reading]]:
    """Wait while `workers` score; at the first commit at or beyond each of `marks` (events) take time and reading.

    Readings are taken when a commit is seen, so that the work on what is not committed yet is about the same in each.
    Raises RoomPulseError where a worker ends or no commit comes for long.
    """
    pids = {"scorer": [worker.pid for worker in workers], **servers}
    found: list[tuple[float, Reading]] = []
    before, moved_at = probe.committed(), time.monotonic()
    while len(found) < len(marks):
        for worker in workers:
            worker.check()
        events, now = probe.committed(), time.monotonic()
        if events != before or events >= marks[-1]:
            before, moved_at = events, now
            while len(found) < len(marks) and events >= marks[len(found)]:
                found.append((now, Reading(events, read_costs(pids))))
        elif now - moved_at > STUCK_S:
            raise RoomPulseError(f"{workers[0].name}: nothing was committed for {STUCK_S:g} s, at {events:,} events")
        time.sleep(LOOK_EVERY_S)
    return found


def parts(begin: int, end: int, count: int) -> list[int]:
    """Marks that cut the events from `begin` to `end` into so many parts; `count` + 1 numbers."""
    return [begin + (end - begin) * part // count for part in range(count + 1)]
