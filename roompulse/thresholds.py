"""Each room's thresholds as columns, looked up for many rooms at once."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from roompulse.errors import UsageError
from roompulse.overrides import Override, Overrides
from roompulse.rooms import KINDS
from roompulse.rules import BUDGET_KNOTS, SIZES, CategoryBars, Rules

_BARS = ("surge_bars", "slump_bars")
_SHAPES: dict[str, tuple[int, ...]] = {"kinds": (len(KINDS),)} | dict.fromkeys(_BARS, (SIZES, len(BUDGET_KNOTS)))
THRESHOLD_DTYPE = np.dtype(
    # Of one type all, so that a row is a row of numbers too.
    [(name, "<f8", _SHAPES.get(name, ())) for name in (*Override.__struct_fields__, *_BARS)]
)
_WIDTH = THRESHOLD_DTYPE.itemsize // 8


def category_code(category: str | None) -> int:
    """What a room remembers of its category: its CRC-32; 0 for none."""
    return 0 if category is None else zlib.crc32(category.encode()) or 1


def check_categories(names: Iterable[str]) -> None:
    """Raise UsageError where two categories have one code: rooms could not tell them apart."""
    codes = [category_code(name) for name in names]
    if len(set(codes)) < len(codes):
        raise UsageError("two categories of the settings have the same CRC-32: rename one of them")


class Thresholds:
    """The rules' thresholds with what overrides say of all rooms, categories and rooms."""

    def __init__(self, rules: Rules, overrides: Overrides | None = None) -> None:
        overrides = overrides or Overrides()
        base = _overlaid(_row_of(rules), _own(overrides.rules))
        by_code = {
            category_code(name): _overlaid(base, _calibrated(bars)) for name, bars in rules.category_bars.items()
        }
        for name, own in overrides.category.items():
            code = category_code(name)
            by_code[code] = _overlaid(by_code.get(code, base), _own(own))
        self._codes = np.array(sorted(by_code), np.uint32)
        # The last one is for all other rooms.
        self._by_category = np.stack([*(by_code[code] for code in self._codes.tolist()), base])
        self._by_room = np.array([_own(own) for own in overrides.room.values()]).reshape(-1, _WIDTH)
        self._places = {room: place for place, room in enumerate(overrides.room)}

    def places(self, rooms: Sequence[str]) -> NDArray[np.int64] | None:
        """Where each room's own overrides are, -1 for a room without; None where no room at all has any."""
        if not self._places:
            return None
        return np.array([self._places.get(room, -1) for room in rooms], np.int64)

    def of(self, category: NDArray[np.uint32], places: NDArray[np.int64] | None) -> NDArray[np.void]:
        """Thresholds (n,) by the rooms' category codes (n,) and their `places` (n,)."""
        if len(self._codes):
            found = np.minimum(np.searchsorted(self._codes, category), len(self._codes) - 1)
            rows = self._by_category[np.where(self._codes[found] == category, found, -1)]
        else:
            rows = np.broadcast_to(self._by_category[0], (len(category), _WIDTH))
        if places is not None and (own := np.flatnonzero(places >= 0)).size:
            rows = rows.copy()
            rows[own] = _overlaid(rows[own], self._by_room[places[own]])
        if rows.strides[0] == 0:  # one row for all, and none of them copied
            return np.broadcast_to(self._by_category[0].view(THRESHOLD_DTYPE)[0], (len(category),))
        return rows.view(THRESHOLD_DTYPE)[:, 0]


def _overlaid(under: NDArray[np.float64], over: NDArray[np.float64]) -> NDArray[np.float64]:
    """The upper numbers where there are any."""
    return np.where(np.isnan(over), under, over)


def _row_of(rules: Rules) -> NDArray[np.float64]:
    row = np.ones((), THRESHOLD_DTYPE)  # every kind is on
    for name in THRESHOLD_DTYPE.names or ():
        if name != "kinds":
            row[name] = getattr(rules, name)
    return row.reshape(1).view(np.float64)


def _calibrated(bars: CategoryBars) -> NDArray[np.float64]:
    """A category's bars as a row, NaN in all else."""
    row = np.full(_WIDTH, np.nan).view(THRESHOLD_DTYPE)
    for name in _BARS:
        row[name] = getattr(bars, name)
    return row.view(np.float64)


def _own(override: Override) -> NDArray[np.float64]:
    """An override as a row, NaN where it says nothing."""
    row = np.full(_WIDTH, np.nan).view(THRESHOLD_DTYPE)
    for name in Override.__struct_fields__:
        value = getattr(override, name)
        if value is not UNSET:
            row[name] = [kind in value for kind in KINDS] if name == "kinds" else value
    return row.view(np.float64)
