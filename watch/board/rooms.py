"""What came and what was forecast in each room's last two hours: rings of minutes, in arrays of bounded size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS
from roompulse.minutes import QUIET_MINUTES
from watch.board.channels import Channels

WINDOW_MINUTES = 120
"""How far back a room is kept, in minutes of event time."""
MOST_ROOMS = 5000
"""Rooms kept at once, some 25 KB each: where there are more, those that came last are not followed one by one."""
_FIRST_ROOMS = 256
NEVER = -1


class Rooms:
    """Rings by epoch minute: each slot knows which minute it holds, so that the order of reading does not matter."""

    def __init__(self, most: int = MOST_ROOMS, window: int = WINDOW_MINUTES) -> None:
        self.most, self.window = most, window
        self.newest = NEVER
        """The newest epoch minute of which there is a forecast."""
        self.overflowing = False
        """Whether there have been more rooms than are kept."""
        self._rows: dict[str, int] = {}
        self._categories: dict[int, str] = {}
        self._channels: dict[int, Channels] = {}
        size = min(_FIRST_ROOMS, most)
        self._last = np.full(size, NEVER, np.int64)
        self._came_at = np.full((size, window), NEVER, np.int64)
        self._came = np.full((size, window), np.nan)
        self._made_at = np.full((size, window), NEVER, np.int64)
        self._fans = np.full((size, window, 3, HORIZONS), np.nan, np.float32)

    def __contains__(self, room_id: str) -> bool:
        return room_id in self._rows

    def names(self) -> list[str]:
        """Every room that is kept."""
        return list(self._rows)

    def live(self) -> int:
        """How many rooms had a forecast within the last minutes."""
        if self.newest < 0:
            return 0
        return int(np.count_nonzero(self._last > self.newest - QUIET_MINUTES))

    def last_minute(self, room_id: str) -> int:
        """The newest epoch minute with a forecast of this room; NEVER where there is none."""
        row = self._rows.get(room_id)
        return NEVER if row is None else int(self._last[row])

    def category(self, room_id: str) -> str:
        """The category in the room's newest record that had one."""
        return self._categories.get(self._rows.get(room_id, NEVER), "")

    def channels(self, room_id: str) -> Channels | None:
        """Through which channels people came, where the records say so."""
        return self._channels.get(self._rows.get(room_id, NEVER))

    def take_count(self, room_id: str, minute: int, count: float | None) -> bool:
        """A minute came, with its count or unmeasured. False where the room is one too many."""
        row = self._row(room_id)
        if row is None:
            return False
        slot = minute % self.window
        if minute >= self._came_at[row, slot]:
            self._came_at[row, slot] = minute
            self._came[row, slot] = np.nan if count is None else count
        return True

    def take_details(
        self, room_id: str, minute: int, category: str | None, channels: Sequence[tuple[str, float]]
    ) -> None:
        """What else that minute's record said; the room is one that `take_count` took."""
        row = self._rows[room_id]
        if category:
            self._categories[row] = category
        if channels:
            self._channels.setdefault(row, Channels(self.window)).take(minute, channels)

    def take_forecast(self, room_id: str, minute: int, fan: Sequence[Sequence[float]]) -> None:
        """A forecast was made after this minute: low, median and high, each for +1 to +10."""
        self.newest = max(self.newest, minute)
        row = self._row(room_id)
        if row is None:
            return
        self._last[row] = max(self._last[row], minute)
        slot = minute % self.window
        if minute >= self._made_at[row, slot]:
            self._made_at[row, slot] = minute
            self._fans[row, slot] = fan

    def came(self, room_id: str, minutes: NDArray[np.int64]) -> NDArray[np.float64]:
        """The counts of these epoch minutes, NaN where none came, or none that was measured."""
        row = self._rows.get(room_id)
        if row is None:
            return np.full(len(minutes), np.nan)
        slots = minutes % self.window
        return np.where(self._came_at[row, slots] == minutes, self._came[row, slots], np.nan)

    def fans(self, room_id: str, origins: NDArray[np.int64]) -> NDArray[np.float64]:
        """The forecasts made after these epoch minutes, (minutes, 3 quantiles, 10 horizons), NaN where none was."""
        row = self._rows.get(room_id)
        if row is None:
            return np.full((len(origins), 3, HORIZONS), np.nan)
        slots = origins % self.window
        made = (self._made_at[row, slots] == origins)[:, None, None]
        return np.where(made, self._fans[row, slots].astype(np.float64), np.nan)

    def all_came(self, minutes: NDArray[np.int64]) -> NDArray[np.float64]:
        """The same of all rooms at once, (rooms, minutes)."""
        slots, kept = minutes % self.window, len(self._rows)
        return np.where(self._came_at[:kept, slots] == minutes, self._came[:kept, slots], np.nan)

    def all_made(self, origins: NDArray[np.int64], horizon: int) -> NDArray[np.float64]:
        """Of all rooms the forecasts for `horizon` minutes after these, (rooms, minutes, 3 quantiles)."""
        slots, kept = origins % self.window, len(self._rows)
        made = (self._made_at[:kept, slots] == origins)[:, :, None]
        return np.where(made, self._fans[:kept][:, slots][..., horizon - 1].astype(np.float64), np.nan)

    def _row(self, room_id: str) -> int | None:
        row = self._rows.get(room_id)
        if row is None:
            row = self._admit(room_id)
        return row

    def _admit(self, room_id: str) -> int | None:
        """A row for a new room: a free one, or that of the room which has been silent for longest."""
        if len(self._rows) < self.most:
            row = len(self._rows)
            if row == len(self._last):
                self._grow()
            self._rows[room_id] = row
            return row
        row = int(np.argmin(self._last))
        if self._last[row] > self.newest - self.window:
            self.overflowing = True
            return None
        del self._rows[next(name for name, at in self._rows.items() if at == row)]
        self._rows[room_id] = row
        self._last[row] = NEVER
        self._came_at[row] = self._made_at[row] = NEVER
        self._categories.pop(row, None)
        self._channels.pop(row, None)
        return row

    def _grow(self) -> None:
        more = min(len(self._last), self.most - len(self._last))

        def grown(old: NDArray[Any], fill: float) -> NDArray[Any]:
            return np.concatenate([old, np.full((more, *old.shape[1:]), fill, old.dtype)])

        self._last = grown(self._last, NEVER)
        self._came_at = grown(self._came_at, NEVER)
        self._came = grown(self._came, np.nan)
        self._made_at = grown(self._made_at, NEVER)
        self._fans = grown(self._fans, np.nan)
