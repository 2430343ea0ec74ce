"""Sessions: one room's minutes in a row. Ten blank minutes end one."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.minutes import QUIET_MINUTES


@dataclass(frozen=True, slots=True)
class Session:
    """`counts` (minutes,) a minute, NaN for a blank; the first one belongs to minute `start` since 1970."""

    room: str
    start: int
    counts: NDArray[np.float64]


def all_sessions(
    rows: Iterable[tuple[str, int, float]], conflicts: list[tuple[str, int]] | None = None
) -> list[Session]:
    """Rows of room, minute since 1970 and count (NaN for "not measured") to sessions, by room and time.

    A row that comes twice counts once, the later one wins. Blanks at either end are cut off. A room of which nothing
    was measured has no session. Rows are taken as they come and held as 16 bytes each, so files may be larger than
    memory. `conflicts` is given the rooms and minutes that came twice with different counts.
    """
    rooms: dict[str, tuple[array[int], array[float]]] = {}
    for room, minute, count in rows:
        columns = rooms.setdefault(room, (array("q"), array("d")))
        columns[0].append(minute)
        columns[1].append(count)
    sessions: list[Session] = []
    for room in sorted(rooms):
        minutes, counts = (np.asarray(column) for column in rooms.pop(room))
        order = np.argsort(minutes, kind="stable")
        minutes, counts = minutes[order], counts[order]
        again = np.diff(minutes) == 0
        if conflicts is not None:
            differs = again & (np.abs(np.diff(counts)) > 0)  # NaN is no conflict: that minute was measured after all
            conflicts += [(room, int(minute)) for minute in minutes[1:][differs]]
        known = ~np.append(again, False) & ~np.isnan(counts)
        minutes, counts = minutes[known], counts[known]
        for part in np.split(np.arange(len(minutes)), np.flatnonzero(np.diff(minutes) >= QUIET_MINUTES) + 1):
            if not len(part):
                continue
            start = int(minutes[part[0]])
            whole = np.full(int(minutes[part[-1]]) - start + 1, np.nan)
            whole[minutes[part] - start] = counts[part]
            sessions.append(Session(room, start, whole))
    return sessions
