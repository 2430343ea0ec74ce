"""Is a tail probability what it says? Each judged minute's own, as the fold took it, against how often such came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roompulse.regimes import NORMAL_SPREAD
from roompulse.report.judged import Estimate
from roompulse.resampling import Floats, ratio, resampled, totals, units_of
from roompulse.rooms import HOTSPOT, KINDS
from roompulse.rules import Rules
from scorer.pipeline.evidence import learned_spread, scaled_residual, surprise_of
from scorer.report.alerts import Episode
from scorer.report.evaluate import Run

PROBABILITIES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)


def calibration(
    run: Run, rooms: Collection[str], alerts: Sequence[Episode], rules: Rules
) -> tuple[dict[str, tuple[Floats, Estimate]], int]:
    """By direction the probabilities and the share of minutes whose own was at most that; and the minutes judged.

    Every minute counts, also those of an alert: they are what the tail is made of. A room's running spread is followed
    as the fold follows it, which learns nothing while an alert is open.
    """
    z, session = _residuals(run, rooms, alerts)
    known = np.isfinite(z)
    z, session = z[known], session[known]
    if not len(z):
        return {}, 0
    units = units_of(session)[0]
    found = {}
    for name, upward in (("above the forecast", True), ("below the forecast", False)):
        surprise = surprise_of(z, rules, upward=upward)
        rare = surprise[:, None] >= -np.log10(PROBABILITIES) - 1e-9
        parts = totals(np.column_stack([np.ones(len(z)), rare]), units)
        found[name] = np.array(PROBABILITIES), resampled(parts, _shares)
    return found, len(z)


def _shares(sums: Floats) -> Floats:
    return ratio(sums[1:], np.full(len(sums) - 1, sums[0]))


def _residuals(run: Run, rooms: Collection[str], alerts: Sequence[Episode]) -> tuple[Floats, NDArray[np.int64]]:
    """Scaled residuals (n,) and their sessions (n,), all rooms advanced together, minute by minute of each life."""
    lives = _lives(run, rooms, alerts)
    length = max((len(of.value) for of in lives), default=0)
    value, quiet = np.full((length, len(lives)), np.nan), np.zeros((length, len(lives)), bool)
    interval, session = np.full((length, len(lives), 3), np.nan), np.full((length, len(lives)), -1)
    for at, life in enumerate(lives):
        part = slice(len(life.value))
        value[part, at], quiet[part, at] = life.value, life.quiet
        interval[part, at], session[part, at] = life.interval, life.session
    spread, z = np.full(len(lives), NORMAL_SPREAD), np.empty((length, len(lives)))
    for step in range(length):
        z[step] = scaled_residual(value[step], interval[step], spread)
        learns = quiet[step] & np.isfinite(z[step])
        spread = np.where(learns, learned_spread(spread, value[step], interval[step]), spread)
    return z.ravel(), session.ravel()


class _Life(NamedTuple):
    """A room's minutes in a row, sessions one after another: targets, forecasts of them, whether no alert was open."""

    value: Floats
    interval: Floats
    quiet: NDArray[np.bool_]
    session: NDArray[np.int64]


def _lives(run: Run, rooms: Collection[str], alerts: Sequence[Episode]) -> list[_Life]:
    told: dict[str, list[Episode]] = defaultdict(list)
    for one in alerts:
        told[one.alert.room_id].append(one)
    by_room: dict[str, list[int]] = defaultdict(list)
    for at, session in enumerate(run.sessions):
        if session.room in rooms:
            by_room[session.room].append(at)
    found = []
    for room, places in by_room.items():
        minutes = np.concatenate([run.sessions[at].start + np.arange(len(run.sessions[at].counts)) for at in places])
        quiet = np.ones(len(minutes), bool)
        for one in told[room]:
            hotspot = one.alert.kind == KINDS[HOTSPOT]  # one that opens does not keep its own minute from being learnt
            until = minutes[-1] if one.ended is None else one.ended
            quiet &= (minutes < one.opened + hotspot) | (minutes > until)
        found.append(
            _Life(
                np.concatenate([run.sessions[at].counts for at in places]),
                np.concatenate([run.next_minute(at) for at in places]),
                quiet,
                np.concatenate([np.full(len(run.sessions[at].counts), at) for at in places]),
            )
        )
    return found
