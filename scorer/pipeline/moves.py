"""How many rooms of a partition moved in one minute, and which way: what a fleet event is judged by."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from roompulse.rules import Rules

BASE_MINUTES = 10
"""A room is compared from its tenth minute on; a room's own level is the mean of so many minutes."""
_BASE_MEASURED = 5
"""Least minutes of those that must have been measured."""
_PER_UNIT = 100
"""Sums are of whole hundredths: the same in whatever order and parts they are added."""

Floats = NDArray[np.float64]


class Moves(Struct, frozen=True, array_like=True):
    """Rooms compared in a minute, those beyond what was expected of them on either side, and both totals.

    `actual_units` and `expected_units` are in hundredths of a count.
    """

    rooms: int = 0
    up: int = 0
    down: int = 0
    actual_units: int = 0
    expected_units: int = 0

    def plus(self, other: Moves) -> Moves:
        """Both together."""
        return Moves(
            self.rooms + other.rooms,
            self.up + other.up,
            self.down + other.down,
            self.actual_units + other.actual_units,
            self.expected_units + other.expected_units,
        )

    @property
    def actual(self) -> float:
        """What the compared rooms had, counts a minute."""
        return self.actual_units / _PER_UNIT

    @property
    def expected(self) -> float:
        """What was expected of them, counts a minute."""
        return self.expected_units / _PER_UNIT

    @property
    def deviation(self) -> float:
        """Actual less expected as a share of the expected; 0 for no rooms."""
        return (self.actual_units - self.expected_units) / max(self.expected_units, 1)


def count_moves(
    rooms: NDArray[np.void], minute: int, value: Floats, newest: Floats, before: int | None, rules: Rules
) -> Moves:
    """Compare `rooms` (n,), which have taken `minute` in, with what was expected of them.

    `value` (n,) is what each had, NaN for one that is not to be compared; `newest` (n, 3) the forecast it was met with.
    Without `before` that is its 10-90 % interval, where it was made a minute earlier; with it, the room's own mean of
    the ten minutes up to `before`, give or take the rules' percentage and one standard deviation of counting noise.
    """
    if before is None:
        low, expected, high = newest[:, 0], newest[:, 1], newest[:, 2]
        made = _ring(rooms, minute, minute - 1)
    else:
        made = expected = level_before(rooms, minute, before)
        away = rules.fleet_move_percent / 100 * expected + np.sqrt(expected)
        low, high = expected - away, expected + away
    settled = rooms["session_start"] <= minute - BASE_MINUTES
    compared = settled & ~np.isnan(value) & ~np.isnan(made) & (expected >= rules.fleet_minimum_expected)
    return Moves(
        int(compared.sum()),
        int((compared & (value > high)).sum()),
        int((compared & (value < low)).sum()),
        _units(value[compared]),
        _units(expected[compared]),
    )


def level_before(rooms: NDArray[np.void], minute: int, before: int) -> Floats:
    """Each room's mean (n,) of the ten minutes up to `before`, from its ring at `minute`; NaN for fewer than five."""
    total, measured = np.zeros(len(rooms)), np.zeros(len(rooms))
    for earlier in range(before - BASE_MINUTES + 1, before + 1):  # one by one: a fixed order of additions
        count = _ring(rooms, minute, earlier)
        known = ~np.isnan(count)
        total += np.where(known, count, 0.0)
        measured += known
    mean: Floats = np.where(measured >= _BASE_MEASURED, total / np.maximum(measured, 1), np.nan)
    return mean


def _ring(rooms: NDArray[np.void], minute: int, earlier: int) -> Floats:
    """What the rooms had in an `earlier` minute of this session (n,); NaN where the ring no longer reaches back."""
    window = rooms["ring"].shape[1]
    if minute - earlier >= window:
        return np.full(len(rooms), np.nan)
    ring: Floats = rooms["ring"][:, earlier % window].astype(np.float64)
    return ring


def _units(counts: Floats) -> int:
    return int(np.rint(_PER_UNIT * counts).astype(np.int64).sum())
