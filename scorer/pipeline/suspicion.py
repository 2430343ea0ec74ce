"""From one minute's surprise to the evidence of many: each room's suspicion, and what it is held against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS
from roompulse.rooms import HOTSPOT, SLUMP, SURGE
from roompulse.rules import Rules
from scorer.pipeline.basis import Basis, Flags, Minutes, beyond
from scorer.pipeline.evidence import Floats, accumulate, scaled_residual, surprise_of
from scorer.pipeline.regime import advance


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
    rows = np.flatnonzero(stands)
    earlier = rooms["forecasts"][rows, origin[rows] % HORIZONS, :, ahead[rows] - 1].astype(np.float64)
    value = minutes.value[rows]
    z = scaled_residual(value, earlier, rooms["spread"][rows].astype(np.float64))
    by_earlier = surprise_of(z, rules, upward=side == SURGE)  # 0 where there was no forecast then
    surprise = basis.surprise[:, side].copy()
    surprise[rows] = np.maximum(surprise[rows], by_earlier)
    growing = rooms["alerts"]["open"][:, side] & ~np.isnan(minutes.value)
    rooms["suspected"][:, side] = np.where(quiet & (evidence == 0), minutes.origin, origin)
    rooms["evidence"][:, side] = np.where(quiet | growing, accumulate(evidence, surprise, rules), evidence)
    explained = ~beyond(value, basis.interval[rows, side], side) & beyond(value, earlier, side)
    told = rows[explained]
    basis.interval[told, side] = earlier[explained]
    basis.origin[told, side] = origin[told]
    basis.surprise[told, side] = by_earlier[explained]


def heed_regimes(
    rooms: NDArray[np.void], minutes: Minutes, basis: Basis, bar: Floats, quiet: Flags, rules: Rules
) -> Flags:
    """Which `quiet` rooms (n,) are in a rare regime, by side (n, 2), from the bars (n, 2) of gathered evidence.

    Forecasts follow a slow move, so that none of its minutes is a surprise: a regime is held against the forecast of
    ten minutes before, as a hotspot is, and `basis` says so unless the gathered evidence does without it. The regimes
    themselves are taken one minute on, in place.
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
        alone = (rooms["evidence"][:, side] >= bar[:, side]) & beyond(minutes.value, basis.interval[:, side], side)
        instead = rare[:, side] & ~alone
        basis.interval[instead, side] = before[instead]
        basis.origin[instead, side] = basis.origin[instead, HOTSPOT]
        basis.surprise[instead, side] = regime[instead]
    return rare
