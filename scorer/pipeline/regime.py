"""Regime evidence: how rare the last minutes together are in the life of their own series.

A pure state machine over n series at once. Four sizes are taken each tick, and each is held against the tail of its own
past (`tails.py`), so that all speak in the same unit, decimal digits of surprise:

- shift: the last ticks against the last hundred;
- ramp: the last fifteen ticks against the last thousand;
- day: the last five ticks against the same hour of the days before, from the second day on;
- volatility: the spread of the last fifty ticks against that of the last three hundred.

All is computed from a value clipped at `Rates.clip` spreads from what was expected, so that an anomaly teaches no more
than that. A value of NaN, or one of which nothing was expected, is no evidence and teaches nothing. Single minutes out
of the ordinary are judged by `evidence.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.regimes import FEATURES, HOURS
from scorer.pipeline.tails import digits_of, learned_tail

Floats = NDArray[np.float64]

_DAY = FEATURES.index("day")
_DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast a series is learned: shares a tick."""

    means: tuple[float, float, float, float] = (0.5, 0.0085, 0.07, 0.001)
    widths: tuple[float, float] = (0.02, 0.003)
    spread: float = 0.001
    level: float = 0.0003
    apart: float = 0.2
    profile: float = 0.4
    """An hour, whatever the length of a tick."""
    quantile: float = 0.004
    clip: float = 100.0
    """Spreads from the expectation beyond which a value is taken for less."""


_LEAST_HALF = 1e-6  # of the level; keeps a degenerate interval from dividing by zero
_HALF_IN_SIGMAS = 1.2816
_LEAST_SPREAD = 0.05
_DELAY_TICKS = np.array([0.0, 0.0, 0.0, 100.0])  # until a feature's two means have parted
_STEADY = 0.05  # added to both widths: a series that hardly moves is not volatile at its first move
DEFAULT_RATES = Rates()


def advance(
    state: NDArray[np.void],
    value: Floats,
    interval: Floats,
    tick_minutes: float | Floats,
    hour: NDArray[np.int64],
    rates: Rates = DEFAULT_RATES,
) -> Floats:
    """Regime evidence (n,) of one tick of n series, in decimal digits from 0 to 6; it is learned, in place.

    `value` (n,), NaN: not measured; `interval` (n, 3) low, median and high expected of it; `tick_minutes` the length of
    a tick, one for all or (n,); `hour` (n,) of the local day, 0 to 23.
    """
    known = ~(np.isnan(value) | np.isnan(interval[:, 1]))
    median = np.where(known, interval[:, 1], 0.0)
    raw = np.where(known, value, 0.0) - median
    ticks = state["ticks"].astype(np.float64)
    level = state["level"].astype(np.float64)
    spread = np.maximum(state["spread"].astype(np.float64), _LEAST_SPREAD)
    side = np.where(raw >= 0, interval[:, 2] - interval[:, 1], interval[:, 1] - interval[:, 0])
    half = np.maximum(np.where(known, side, 1.0), _LEAST_HALF * np.maximum(level, np.abs(median))) / _HALF_IN_SIGMAS
    z = np.clip(raw / np.maximum(half, 1e-30), -rates.clip * spread, rates.clip * spread)
    seen = median + z * half
    early = 1.0 / (ticks + 1.0)
    size, new = _sizes(state, seen, z, early, rates)
    place, day = np.arange(len(state)), np.asarray(hour, np.int64) % HOURS
    minutes = ticks * tick_minutes
    usual = state["profile"][place, day].astype(np.float64)
    unit = np.maximum(_towards(level, np.abs(seen), np.maximum(rates.level, early)), 1e-30)
    second_day = (minutes >= _DAY_MINUTES) & ~np.isnan(usual)
    new["apart"] = np.where(second_day, _towards(state["apart"], (seen - usual) / unit, rates.apart), state["apart"])
    size[:, _DAY] = np.where(second_day, np.abs(new["apart"]), 0.0)
    size[:, :_DAY] /= unit[:, None]
    age = ticks[:, None] - _DELAY_TICKS
    age[:, _DAY] = np.where(second_day, (minutes - _DAY_MINUTES) / tick_minutes, -1.0)
    quantile, excess = state["quantile"].astype(np.float64), state["excess"].astype(np.float64)
    digits = np.where(known[:, None], digits_of(size, quantile, excess, age), 0.0)
    new["quantile"], new["excess"] = learned_tail(size, quantile, excess, age, rates.quantile)
    new["level"], new["ticks"] = unit, ticks + 1.0
    new["spread"] = _towards(spread, np.abs(z), np.maximum(rates.spread, 1.0 / (ticks + 50.0)))
    everything = bool(known.all())
    for name, learned in new.items():
        mask = known.reshape(-1, *([1] * (learned.ndim - 1)))
        state[name] = learned if everything else np.where(mask, learned, state[name])
    visit = np.minimum(rates.profile * np.asarray(tick_minutes) / 60.0, 1.0)
    state["profile"][place, day] = np.where(known, np.where(np.isnan(usual), seen, _towards(usual, seen, visit)), usual)
    shift, ramp, apart, volatility = digits.T
    regime: Floats = np.maximum(np.maximum(shift, ramp), np.maximum(apart, volatility))
    return regime


def _sizes(
    state: NDArray[np.void], seen: Floats, z: Floats, early: Floats, rates: Rates
) -> tuple[Floats, dict[str, Floats]]:
    """The features' sizes (n, 4), the day's still open, and the running means that they come from, one tick on."""
    before = state["means"].astype(np.float64)
    means = _towards(before, seen[:, None], np.maximum(np.array(rates.means), early[:, None]))
    widths = _towards(
        state["widths"].astype(np.float64),
        np.abs(z)[:, None],
        np.maximum(np.array(rates.widths), 1.0 / (1.0 / early[:, None] + 20.0)),
    )
    started = early < 1.0
    size = np.empty((len(state), len(FEATURES)))
    size[:, 0] = np.where(started, np.abs(means[:, 0] - before[:, 1]), 0.0)
    size[:, 1] = np.where(started, np.abs(means[:, 2] - before[:, 3]), 0.0)
    short, long = widths[:, 0] + _STEADY, widths[:, 1] + _STEADY
    size[:, 3] = np.maximum(short, long) / np.minimum(short, long) - 1.0
    return size, {"means": means, "widths": widths}


def _towards(mean: Floats, value: Floats, rate: float | Floats) -> Floats:
    return np.asarray(mean + rate * (value - mean), np.float64)
