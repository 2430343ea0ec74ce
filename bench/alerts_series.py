"""Series to judge: what was measured, what was expected of it, and what a detector made of the two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.served import serve
from roompulse.bundle import default_bundle, load_bundle
from roompulse.regimes import fresh_regimes
from scorer.pipeline.regime import DEFAULT_RATES, Rates, advance
from trainer.sessions import Session

Floats = NDArray[np.float64]

LEVEL_RATE, SPREAD_RATE = 0.3, 0.02
_HALF_IN_SIGMAS = 1.2816
_SIGMAS_A_DEVIATION = 1.2533  # a normal's standard deviation over its mean absolute one
_LEAST_SHARE = 0.02  # of the level: the least mean deviation that an interval is made of
_SERVED_MEDIAN = 100.0
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
    ticks, count = value.shape
    expected = np.full((ticks, count, 3), np.nan)
    mean, deviation, seen = np.full(count, np.nan), np.zeros(count), np.zeros(count)
    for tick in range(ticks):
        half = _HALF_IN_SIGMAS * _SIGMAS_A_DEVIATION * np.maximum(deviation, _LEAST_SHARE * np.abs(mean))
        expected[tick] = np.stack([mean - half, mean, mean + half], axis=1)
        known, first = ~np.isnan(value[tick]), np.isnan(mean)
        residual = np.where(known & ~first, value[tick] - mean, 0.0)
        early = 1.0 / (seen + 1.0)
        learned = deviation + np.maximum(SPREAD_RATE, early) * (np.abs(residual) - deviation)
        deviation = np.where(known & ~first, learned, deviation)
        mean = np.where(first, value[tick], mean + np.maximum(LEVEL_RATE, early) * residual)
        seen += known
    return expected


def served(series: Series) -> Floats:
    """What the scorer's pipeline serves with the shipped network, a tick for a minute: (ticks, n, 3).

    Each series is scaled so that the median of its first 15 % is 100 (its mean, where the median is 0).
    """
    sessions, scales = [], []
    for name, length, column in zip(series.names, series.lengths, series.value.T, strict=True):
        start = column[: max(1, int(LEARNT_SHARE * length))]
        usual = float(np.nanmedian(start)) or float(np.nanmean(np.abs(start))) or 1.0
        scales.append(_SERVED_MEDIAN / abs(usual))
        sessions.append(Session(name, 0, np.maximum(column[:length] * scales[-1], 0.0)))
    expected = np.full((*series.value.shape, 3), np.nan)
    for place, (found, scale) in enumerate(zip(serve(load_bundle(default_bundle()), sessions), scales, strict=True)):
        expected[1 : len(found.quantiles), place] = found.quantiles[:-1, :, 0] / scale
    return expected


def evidence(series: Series, expected: Floats, rates: Rates = DEFAULT_RATES) -> tuple[Floats, Floats]:
    """Spike and regime evidence of the whole of all series, each (ticks, n), in decimal digits."""
    state = fresh_regimes(len(series.names))
    spike, regime = np.zeros(series.value.shape), np.zeros(series.value.shape)
    for tick, value in enumerate(series.value):
        found = advance(state, value, expected[tick], series.tick_minutes, series.hour[tick], rates)
        spike[tick], regime[tick] = found.spike, found.regime
    return spike, regime


def plain_z(series: Series, expected: Floats) -> Floats:
    """|residual| over the half of the interval on its side: the scaled z that evidence has to beat."""
    residual = series.value - expected[..., 1]
    half = np.where(residual >= 0, expected[..., 2] - expected[..., 1], expected[..., 1] - expected[..., 0])
    return np.nan_to_num(_HALF_IN_SIGMAS * np.abs(residual) / np.maximum(half, 1e-12))


@dataclass(frozen=True, slots=True)
class Setting:
    """What a user of the evidence may choose: what each kind weighs, and how the bar rises after an alert."""

    spike: float
    regime: float
    bar: float
    """Digits that open an alert."""
    rise: float
    """Added to the bar by each alert, in digits."""
    fading: float
    """Ticks after which a third of the rise is left."""


def behind_bar(spike: Floats, regime: Floats, setting: Setting) -> Floats:
    """Evidence less what the bar has risen by, (ticks, n): each alert raises it, and it fades."""
    found = np.maximum(setting.spike * spike, setting.regime * regime)
    raised, fade = np.zeros(found.shape[1]), np.exp(-1.0 / setting.fading)
    left = np.empty_like(found)
    for tick, digits in enumerate(found):
        left[tick] = digits - raised
        raised = (raised + np.where(left[tick] > setting.bar, setting.rise, 0.0)) * fade
    return left
