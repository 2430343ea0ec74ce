"""When an alert opens, changes and ends: the thresholds that a bundle brings and the fold follows."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from roompulse.errors import BundleError

BUDGET_KNOTS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Alerts per room-day for which the bars are known."""
Bars = tuple[float, float, float, float, float, float]
Table = tuple[Bars, Bars, Bars]
_SIZE_BOUNDS = np.array([3.0, 20.0])
SIZES = len(_SIZE_BOUNDS) + 1


def size_of(expected: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which size each room is by what is expected of it, (n,) counts a minute: 0 under 3, 1 under 20, 2; NaN is 0."""
    return np.searchsorted(_SIZE_BOUNDS, np.nan_to_num(expected), side="right").astype(np.int64)


class CategoryBars(Struct, frozen=True, forbid_unknown_fields=True):
    """Bars of a category's rooms, as in `Rules`."""

    surge_bars: Table
    slump_bars: Table


class Rules(Struct, frozen=True, forbid_unknown_fields=True):
    """Thresholds of the alert rule. Evidence is in decimal digits of surprise: 2 is one minute in a hundred."""

    tail_z: tuple[float, ...] = (0.0, 0.5, 1.28, 1.87, 2.35, 2.85, 3.3, 4.0, 6.0, 8.0)
    """Knots of the tail: scaled residuals..."""
    tail_up: tuple[float, ...] = (0.3, 0.51, 1.0, 1.52, 2.0, 2.52, 3.0, 3.6, 5.0, 6.0)
    """...and the surprise of a residual at least that large upward,"""
    tail_down: tuple[float, ...] = (0.3, 0.51, 1.0, 1.5, 1.9, 2.3, 2.7, 3.2, 4.5, 5.5)
    """or downward. Both are measured on held-out sessions."""
    surprise_limit: float = 6.0
    """The most that one minute can add."""
    drift: float = 1.0
    """Taken from the evidence each minute; an ordinary minute adds less than this."""
    surge_budget: float = 1.0
    """Surges that a reader wants to see in a room's day: a room's own bar rises with each and falls between them."""
    slump_budget: float = 0.5
    surge_bars: Table = (
        (3.11, 2.38, 1.78, 1.36, 1.03, 1.0),
        (4.02, 3.36, 2.7, 2.04, 1.52, 1.0),
        (6.3, 5.27, 4.25, 3.28, 2.37, 1.58),
    )
    """The evidence from which a new room opens as many alerts as each of `BUDGET_KNOTS` says, in rooms under 3, from 3
    to 20, and from 20 a minute;"""
    slump_bars: Table = (
        (2.3, 1.4, 1.0, 1.0, 1.0, 1.0),
        (4.29, 3.66, 3.1, 2.61, 2.09, 1.52),
        (4.77, 3.94, 3.24, 2.63, 2.07, 1.5),
    )
    """both as `roompulse calibrate` found them,"""
    category_bars: dict[str, CategoryBars] = {}
    """and the same for rooms of a category."""
    own_step: float = 0.3
    """Digits by which one alert raises its room's own bar."""
    own_least: float = -1.5
    own_most: float = 4.0
    """How far, in digits, a room's own bar may move away from where it began."""
    least_bar: float = 1.0
    regime_bar: float = 2.3
    regime_share: float = 0.42
    """A regime opens an alert from `regime_bar` digits and this share of the bar."""
    warm_up: float = 4.0
    """Added to the bar at a session's first minute, fading with a time constant of 10 minutes."""
    settled_minutes: int = 8
    """A forecast from before this minute of a session is not held on to: rooms fill up in their first minutes."""
    cool_down: float = 2.0
    """Added to the bar when an alert has ended, fading with a time constant of 20 minutes."""
    warning_evidence: float = 4.6
    critical_evidence: float = 6.1
    """Evidence from which an alert may be a warning, or critical, if its size says so too; whatever the budget."""
    minimum_excess: float = 5.0
    """Least absolute deviation of a surge or slump, counts a minute."""
    minimum_surge_percent: float = 30.0
    minimum_slump_percent: float = 30.0
    minimum_slump_expected: float = 5.0
    """A slump needs something to fall from, counts a minute."""
    back_minutes: int = 3
    """Minutes in a row back inside the interval that end an alert as recovered."""
    level_minutes: int = 30
    """An alert that is still open after this many minutes is the new level."""
    update_minutes: int = 5
    """Least time between two records about a growing peak."""
    update_growth: float = 1.25
    """A peak this many times the published one is worth a record."""
    hotspot_percent: float = 10.0
    """Deviation from the forecast of ten minutes before that is heat."""
    hotspot_minutes: int = 12
    """Minutes in a row of heat that make a hotspot."""
    hotspot_settled_minutes: int = 20
    """A forecast from before this minute of a session is no measure of heat."""
    hotspot_noise: float = 3.0
    """Standard deviations of counting noise by which the heat has to exceed the threshold."""
    noise_shift: float = 0.4
    """Added to a room's own bar by each verdict `noise`,"""
    useful_shift: float = -0.2
    """and by each verdict `useful`; both in digits, and for a hotspot in standard deviations."""
    shift_bounds: tuple[float, float] = (-0.8, 2.4)
    """How far verdicts may move a room's bar in all, down and up."""
    hotlist_size: int = 20
    """Rooms on each partition's hotlist."""
    hotlist_leave: float = 0.7
    """A listed room keeps its place until another's excess is larger than its own divided by this."""
    fleet_percent: float = 25.0
    """Least share of a partition's compared rooms that moved together in one direction,"""
    fleet_noise: float = 4.0
    """and the standard errors by which it has to exceed the share that does so by chance,"""
    fleet_minutes: int = 2
    """for so many minutes in a row."""
    fleet_minimum_rooms: int = 20
    """Rooms that have to be compared in a minute."""
    fleet_minimum_expected: float = 10.0
    """A room is compared where a move could be told from counting noise, counts a minute."""
    fleet_move_percent: float = 20.0
    """Once a fleet event is suspected: least deviation of a room from its own level before, that counts as moved."""


def rules_from(values: dict[str, Any]) -> Rules:
    """Read rules from a bundle's JSON object. Raises BundleError naming the field."""
    try:
        rules = msgspec.convert(values, Rules)
    except msgspec.ValidationError as error:
        raise BundleError(f"rules: {error}") from None
    if not len(rules.tail_z) == len(rules.tail_up) == len(rules.tail_down) >= 2:
        raise BundleError("rules: tail_z, tail_up and tail_down: expected the same number of knots, at least two")
    if list(rules.tail_z) != sorted(set(rules.tail_z)):
        raise BundleError("rules: tail_z: expected rising knots")
    if not min(rules.surge_budget, rules.slump_budget) > 0:
        raise BundleError("rules: surge_budget and slump_budget: expected numbers above 0")
    return rules
