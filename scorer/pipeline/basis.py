"""What a minute is judged by: the forecast for it that is in force for each kind of alert, and the surprise at that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS
from roompulse.rooms import HOTSPOT, KINDS, SLUMP, SURGE
from roompulse.rules import Rules
from scorer.pipeline.evidence import Floats, scaled_residual, surprise_of
from scorer.pipeline.serve import round4

LOW, MEDIAN, HIGH = range(3)
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


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

    def take(self, rows: NDArray[np.int64]) -> Minutes:
        """Those of some rooms."""
        return Minutes(self.minute[rows], self.hour[rows], self.value[rows], self.newest[rows], self.origin[rows])


@dataclass(frozen=True, slots=True)
class Basis:
    """What each kind is judged by: `interval` (n, kinds, 3), made at `origin` (n, kinds), and the minute's `surprise`
    (n, kinds) in decimal digits.
    """

    interval: Floats
    origin: NDArray[np.int64]
    surprise: Floats


def basis_of(rooms: NDArray[np.void], minutes: Minutes, rules: Rules) -> Basis:
    """The newest forecast, for a hotspot the one of ten minutes before, for an open alert the one frozen with it."""
    interval = np.repeat(minutes.newest[:, None, :], len(KINDS), axis=1)
    origin = np.repeat(minutes.origin[:, None], len(KINDS), axis=1)
    place = np.arange(len(rooms))
    interval[:, HOTSPOT] = rooms["forecasts"][place, minutes.minute % HORIZONS, :, HORIZONS - 1]
    origin[:, HOTSPOT] = minutes.minute - HORIZONS
    z = scaled_residual(minutes.value, minutes.newest, rooms["spread"].astype(np.float64))
    surprise = np.zeros((len(rooms), len(KINDS)))  # a hotspot's is told once it is open
    for side in (SURGE, SLUMP):
        surprise[:, side] = surprise_of(z, rules, upward=side == SURGE)
    row, kind = np.nonzero(rooms["alerts"]["open"])
    interval[row, kind] = held_interval(rooms["alerts"][row, kind], minutes.minute[row])
    basis = Basis(interval, origin, surprise)
    surprise[row, kind] = surprise_at(rooms, minutes, basis, row, kind, rules)
    return basis


def surprise_at(
    rooms: NDArray[np.void], minutes: Minutes, basis: Basis, row: Places, kind: Places, rules: Rules
) -> Floats:
    """The surprise (m,) of the alerts at these rows and kinds (m,) by what they are judged by."""
    by_kind = surprises(rooms["spread"][row], minutes.value[row], basis.interval[row], rules)
    found: Floats = by_kind[np.arange(len(row)), kind]
    return found


def surprises(spread: NDArray[np.float32], value: Floats, interval: Floats, rules: Rules) -> Floats:
    """Each kind's surprise (n, kinds), in decimal digits, from values (n,) and intervals (n, kinds, 3)."""
    wide = spread.astype(np.float64)
    by_kind = [
        surprise_of(scaled_residual(value, interval[:, kind], wide), rules, upward=kind != SLUMP)
        for kind in range(len(KINDS))
    ]
    return np.stack(by_kind, axis=1)


def held_interval(alerts: NDArray[np.void], minute: NDArray[np.int64]) -> Floats:
    """The frozen forecast (m, 3) of open `alerts` (m,) for `minute` (m,): +1 to +10 from its origin, then +10 held."""
    ahead = np.clip(minute - alerts["origin"], 1, HORIZONS) - 1
    return round4(alerts["frozen"][np.arange(len(alerts)), :, ahead].astype(np.float64))


def beyond(value: Floats, interval: Floats, side: int) -> Flags:
    """Whether values (n,) lie outside their intervals (n, 3) on this side; never for NaN."""
    outside: Flags = value < interval[:, LOW] if side == SLUMP else value > interval[:, HIGH]
    return outside
