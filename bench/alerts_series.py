"""Series to judge: what was measured, what was expected of it, and what a detector made of the two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.served import serve
from roompulse.bundle import default_bundle, load_bundle
from roompulse.regimes import NORMAL_SPREAD, fresh_regimes
from roompulse.rules import Rules
from scorer.pipeline.evidence import accumulate, learned_spread, scaled_residual, surprise_of
from scorer.pipeline.regime import DEFAULT_RATES, Rates, advance
from trainer.sessions import Session

Floats = NDArray[np.float64]

LEVEL_RATE, SPREAD_RATE = 0.3, 0.02
LOG_LEVEL_RATE, LOG_SPREAD_RATE = 0.4, 0.002
"""In log1p space; found on the development part of the AIOps indicators."""
_HALF_IN_SIGMAS = 1.2816
_SIGMAS_A_DEVIATION = 1.2533  # a normal's standard deviation over its mean absolute one
_LEAST_SHARE = 0.02  # of the level: the least mean deviation that an interval is made of
_USUAL_COUNT = 100.0
LEARNT_SHARE = 0.15
"""The first part of a series, on which NAB scores nothing: scales may be taken from it."""


@dataclass(frozen=True, slots=True)
class Series:
    """n series side by side: `value` (ticks, n), NaN after a series' end; `hour` (ticks, n); `tick_minutes` (n,)."""

    names: list[str]
    value: Floats
    hour: NDArray[np.int64]
    tick_minutes: Floats

    @property
    def lengths(self) -> list[int]:
        """Ticks of each."""
        return [int(np.flatnonzero(~np.isnan(column))[-1]) + 1 for column in self.value.T]


def smoothed(value: Floats) -> Floats:
    """An exponentially weighted mean of what came before, with its running 10-90 % interval: (ticks, n, 3)."""
    return _followed(value, LEVEL_RATE, SPREAD_RATE, relative=True)


def smoothed_counts(counts: Floats) -> Floats:
    """The same in log1p space, where the rooms' evidence measures: a fall counts as much as a rise."""
    return np.asarray(np.expm1(_followed(np.log1p(counts), LOG_LEVEL_RATE, LOG_SPREAD_RATE, relative=False)))


def _followed(value: Floats, level_rate: float, spread_rate: float, *, relative: bool) -> Floats:
    ticks, count = value.shape
    expected = np.full((ticks, count, 3), np.nan)
    mean, deviation, seen = np.full(count, np.nan), np.zeros(count), np.zeros(count)
    for tick in range(ticks):
        least = _LEAST_SHARE * np.abs(mean) if relative else _LEAST_SHARE
        half = _HALF_IN_SIGMAS * _SIGMAS_A_DEVIATION * np.maximum(deviation, least)
        expected[tick] = np.stack([mean - half, mean, mean + half], axis=1)
        known, first = ~np.isnan(value[tick]), np.isnan(mean)
        residual = np.where(known & ~first, value[tick] - mean, 0.0)
        early = 1.0 / (seen + 1.0)
        learned = deviation + np.maximum(spread_rate, early) * (np.abs(residual) - deviation)
        deviation = np.where(known & ~first, learned, deviation)
        mean = np.where(first, value[tick], mean + np.maximum(level_rate, early) * residual)
        seen += known
    return expected


def as_counts(series: Series) -> Floats:
    """The values as a room's counts, (ticks, n): the median of a series' first 15 % is 100, and none is below 0."""
    return np.maximum(series.value * _scales(series), 0.0)


def served(series: Series) -> Floats:
    """What the scorer's pipeline serves with the shipped network of `as_counts`, a tick for a minute: (ticks, n, 3)."""
    sessions = [
        Session(name, 0, column[:length])
        for name, length, column in zip(series.names, series.lengths, as_counts(series).T, strict=True)
    ]
    expected = np.full((*series.value.shape, 3), np.nan)
    for place, found in enumerate(serve(load_bundle(default_bundle()), sessions)):
        expected[1 : len(found.quantiles), place] = found.quantiles[:-1, :, 0]
    return expected


def in_units(series: Series, expected: Floats) -> Floats:
    """What was expected of `as_counts`, in the series' own units."""
    return np.asarray(expected / _scales(series)[:, None], np.float64)


def spikes(counts: Floats, expected: Floats, rules: Rules) -> Floats:
    """The rooms' own evidence of surges and slumps, the larger of the two, (ticks, n) in decimal digits."""
    ticks, count = counts.shape
    spread, surge, slump = np.full(count, NORMAL_SPREAD), np.zeros(count), np.zeros(count)
    found = np.zeros((ticks, count))
    for tick, (value, interval) in enumerate(zip(counts, expected, strict=True)):
        z = scaled_residual(value, interval, spread)
        surge = accumulate(surge, surprise_of(z, rules, upward=True), rules)
        slump = accumulate(slump, surprise_of(z, rules, upward=False), rules)
        spread = np.where(np.isnan(z), spread, learned_spread(spread, value, interval))
        found[tick] = np.maximum(surge, slump)
    return found


def regimes(series: Series, expected: Floats, rates: Rates = DEFAULT_RATES) -> Floats:
    """Regime evidence of the whole of all series, (ticks, n), in decimal digits."""
    state = fresh_regimes(len(series.names))
    found = np.zeros(series.value.shape)
    for tick, value in enumerate(series.value):
        found[tick] = advance(state, value, expected[tick], series.tick_minutes, series.hour[tick], rates)
    return found


def plain_z(series: Series, expected: Floats) -> Floats:
    """|residual| over the half of the interval on its side: the scaled z that evidence has to beat."""
    residual = series.value - expected[..., 1]
    half = np.where(residual >= 0, expected[..., 2] - expected[..., 1], expected[..., 1] - expected[..., 0])
    return np.nan_to_num(_HALF_IN_SIGMAS * np.abs(residual) / np.maximum(half, 1e-12))


@dataclass(frozen=True, slots=True)
class Setting:
    """What a user of the evidence may choose: the bar, and how it rises after an alert."""

    bar: float
    """Digits that open an alert."""
    rise: float
    """Added to the bar by each alert, in digits."""
    fading: float
    """Ticks after which a third of the rise is left."""


def behind_bar(found: Floats, setting: Setting) -> Floats:
    """Evidence less what the bar has risen by, (ticks, n): each alert raises it, and it fades."""
    raised, fade = np.zeros(found.shape[1]), np.exp(-1.0 / setting.fading)
    left = np.empty_like(found)
    for tick, digits in enumerate(found):
        left[tick] = digits - raised
        raised = (raised + np.where(left[tick] > setting.bar, setting.rise, 0.0)) * fade
    return left


def _scales(series: Series) -> Floats:
    """What each series is multiplied by, (n,); where the median is 0, its mean becomes 100."""
    found = []
    for length, column in zip(series.lengths, series.value.T, strict=True):
        start = column[: max(1, int(LEARNT_SHARE * length))]
        usual = float(np.nanmedian(start)) or float(np.nanmean(np.abs(start))) or 1.0
        found.append(_USUAL_COUNT / abs(usual))
    return np.array(found)
