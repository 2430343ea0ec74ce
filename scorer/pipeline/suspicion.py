"""From one minute's surprise to the evidence of many: each room's suspicion, and what it is held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS
from roompulse.rooms import HOTSPOT, KINDS, SLUMP, SURGE
from roompulse.rules import Rules
from scorer.pipeline.evidence import Floats, accumulate, scaled_residual, surprise_of
from scorer.pipeline.regime import advance

LOW, MEDIAN, HIGH = range(3)
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Minutes:
    """One minute of each of n rooms, as it is judged.

    `minute` (n,) epoch minutes, `hour` (n,) of the room's own day, `value` (n,) the target (NaN: not measured),
    `newest` (n, 3) the newest forecast for this minute (NaN: none), made at the epoch minutes `origin` (n,).
    """

    minute: NDArray[np.int64]
    hour: NDArray[np.int64]
    value: Floats
    newest: Floats
    origin: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Basis:
    """What each kind is judged by: `interval` (n, kinds, 3), made at `origin` (n, kinds), and the minute's `surprise`
    (n, kinds) in decimal digits.
    """

    interval: Floats
    origin: NDArray[np.int64]
    surprise: Floats


def surprises(spread: NDArray[np.float32], value: Floats, interval: Floats, rules: Rules) -> Floats:
    """Each kind's surprise (n, kinds), in decimal digits, from values (n,) and intervals (n, kinds, 3)."""
    wide = spread.astype(np.float64)
    by_kind = [
        surprise_of(scaled_residual(value, interval[:, kind], wide), rules, upward=kind != SLUMP)
        for kind in range(len(KINDS))
    ]
    return np.stack(by_kind, axis=1)


def gather(rooms: NDArray[np.void], minutes: Minutes, basis: Basis, side: int, quiet: Flags, rules: Rules) -> None:
    """Gather evidence in one direction, in place: of `quiet` rooms, and of those whose alert of this side is open.

    While there is suspicion, a minute is also held against the forecast made before it arose: newer ones have begun to
    follow what is suspected. A minute that the newest forecast already allows for, and that one does not, is judged by
    that one from here on: `basis` says so.
    """
    evidence = rooms["evidence"][:, side].astype(np.float64)
    origin = rooms["suspected"][:, side].astype(np.int64)
    ahead = minutes.minute - origin
    stands = quiet & (evidence > 0) & (ahead > 1) & (ahead <= HORIZONS)
    stands &= origin - rooms["session_start"] >= rules.settled_minutes
    place = np.arange(len(rooms))
    earlier = rooms["forecasts"][place, origin % HORIZONS, :, np.where(stands, ahead, 1) - 1].astype(np.float64)
    stands &= ~np.isnan(earlier[:, MEDIAN])
    z = scaled_residual(minutes.value, earlier, rooms["spread"].astype(np.float64))
    regime = np.where(stands, surprise_of(z, rules, upward=side == SURGE), 0.0)
    surprise = np.maximum(basis.surprise[:, side], regime)
    growing = rooms["alerts"]["open"][:, side] & ~np.isnan(minutes.value)
    rooms["suspected"][:, side] = np.where(quiet & (evidence == 0), minutes.origin, origin)
    rooms["evidence"][:, side] = np.where(quiet | growing, accumulate(evidence, surprise, rules), evidence)
    explained = stands & ~beyond(minutes.value, basis.interval[:, side], side) & beyond(minutes.value, earlier, side)
    basis.interval[explained, side] = earlier[explained]
    basis.origin[explained, side] = origin[explained]
    basis.surprise[explained, side] = regime[explained]


def heed_regimes(
    rooms: NDArray[np.void], minutes: Minutes, basis: Basis, bar: Floats, quiet: Flags, rules: Rules
) -> Flags:
    """Which `quiet` rooms (n,) are in a rare regime, by side (n, 2), from the bars (n, 2) of gathered evidence.

    Forecasts follow a slow move, so that none of its minutes is a surprise: a regime is held against the forecast of
    ten minutes before, as a hotspot is, and `basis` says so. The regimes themselves are taken one minute on, in place.
    """
    regime = advance(rooms["regime"], minutes.value, minutes.newest, 1.0, minutes.hour)
    settled = minutes.minute - HORIZONS - rooms["session_start"] >= rules.hotspot_settled_minutes
    rare = np.zeros((len(rooms), HOTSPOT), np.bool_)
    before = basis.interval[:, HOTSPOT]
    for side in (SURGE, SLUMP):
        rare[:, side] = (
            quiet
            & settled
            & (regime >= rules.regime_bar + rules.regime_share * bar[:, side])
            & beyond(minutes.value, before, side)
        )
        instead = rare[:, side] & ~beyond(minutes.value, basis.interval[:, side], side)
        basis.interval[instead, side] = before[instead]
        basis.origin[instead, side] = basis.origin[instead, HOTSPOT]
        basis.surprise[instead, side] = regime[instead]
    return rare


def beyond(value: Floats, interval: Floats, side: int) -> Flags:
    """Whether values (n,) lie outside their intervals (n, 3) on this side; never for NaN."""
    outside: Flags = value < interval[:, LOW] if side == SLUMP else value > interval[:, HIGH]
    return outside
