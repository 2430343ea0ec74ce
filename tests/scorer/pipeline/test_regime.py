"""Regime evidence: a pure state machine over series, whose evidence depends on their own past only."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roompulse.regimes import REGIME_DTYPE, fresh_regimes
from scorer.pipeline.regime import DEFAULT_RATES, advance

Floats = NDArray[np.float64]
LEVEL = 100.0
SEEDS = st.integers(0, 2**32 - 1)


def noise(seed: int, ticks: int, series: int) -> Floats:
    return LEVEL + 10.0 * np.random.default_rng(seed).standard_normal((ticks, series))


def expected_of(value: Floats, level: float = LEVEL) -> Floats:
    """The interval that 90 % of `noise` falls into, whatever the value was."""
    return level * np.tile([0.87, 1.0, 1.13], (len(value), 1))


def run(state: NDArray[np.void], value: Floats, level: float = LEVEL, first: int = 0) -> Floats:
    """Evidence (ticks, n); a tick is five minutes."""
    found = []
    for tick, row in enumerate(value, first):
        hour = np.full(len(row), tick * 5 // 60 % 24)
        found.append(advance(state, row, expected_of(row, level), 5.0, hour))
    return np.array(found)


@settings(max_examples=8, deadline=None)
@given(seed=SEEDS, series=st.integers(2, 9))
def test_other_series_change_nothing(seed: int, series: int) -> None:
    """A series alone has the same evidence, to the bit, as among others."""
    value = noise(seed, 60, series)
    alone, among = fresh_regimes(1), fresh_regimes(series)
    assert np.array_equal(run(alone, value[:, :1]), run(among, value)[:, :1])
    assert alone.tobytes() == among[:1].tobytes()


@settings(max_examples=8, deadline=None)
@given(seed=SEEDS, cut=st.integers(1, 79))
def test_chunks_change_nothing(seed: int, cut: int) -> None:
    """A state written down and read again goes on as if nothing had been."""
    value, whole, first = noise(seed, 80, 3), fresh_regimes(3), fresh_regimes(3)
    head = run(first, value[:cut])
    second = np.frombuffer(first.tobytes(), REGIME_DTYPE).copy()
    assert np.array_equal(run(whole, value), np.concatenate([head, run(second, value[cut:], first=cut)]))
    assert whole.tobytes() == second.tobytes()


@settings(max_examples=8, deadline=None)
@given(seed=SEEDS, factor=st.floats(1e-3, 1e5))
def test_the_unit_of_a_series_does_not_matter(seed: int, factor: float) -> None:
    """Values and expectations times a constant give the same evidence, up to what float32 keeps."""
    value = noise(seed, 150, 2)
    given_units = run(fresh_regimes(2), value)
    other_units = run(fresh_regimes(2), value * factor, LEVEL * factor)
    assert np.allclose(given_units, other_units, atol=0.02)


@settings(max_examples=8, deadline=None)
@given(seed=SEEDS, no_value=st.booleans())
def test_a_minute_not_measured_is_no_evidence_and_teaches_nothing(seed: int, no_value: bool) -> None:
    """NaN as the value, or as what was expected of it."""
    state = fresh_regimes(2)
    run(state, noise(seed, 50, 2))
    before = state.tobytes()
    value = np.full(2, np.nan if no_value else 1e6)
    interval = expected_of(value) if no_value else np.full((2, 3), np.nan)
    assert not advance(state, value, interval, 5.0, np.zeros(2, np.int64)).any()
    assert state.tobytes() == before


@settings(max_examples=8, deadline=None)
@given(seed=SEEDS, excess=st.floats(1e4, 1e9))
def test_an_anomaly_teaches_at_most_the_clip(seed: int, excess: float) -> None:
    """However far out a minute is, the state is the one that the farthest believed value leaves."""
    believed, absurd = fresh_regimes(1), fresh_regimes(1)
    for state in (believed, absurd):
        run(state, noise(seed, 100, 1))
    half = 0.13 * LEVEL / 1.2816
    farthest = LEVEL + DEFAULT_RATES.clip * float(believed["spread"][0]) * half
    run(believed, np.array([[farthest]]), first=100)
    run(absurd, np.array([[farthest + excess]]), first=100)
    for name in REGIME_DTYPE.names or ():
        assert np.allclose(believed[name], absurd[name], rtol=1e-4, equal_nan=True), name


def test_a_slow_ramp_is_a_regime() -> None:
    """It tells even where the expectation follows."""
    state = fresh_regimes(5)
    run(state, noise(2, 800, 5))
    regimes = []
    for tick in range(60):
        level = LEVEL * (1 + 0.02 * tick)
        value = noise(100 + tick, 1, 5)[0] - LEVEL + level
        hour = np.full(5, (800 + tick) * 5 // 60 % 24)
        regimes.append(advance(state, value, expected_of(value, level), 5.0, hour))
    assert np.max(regimes, axis=0).min() > 4


def test_changed_volatility_is_a_regime() -> None:
    """Residuals of four times the usual size about the same mean."""
    state = fresh_regimes(5)
    calm = run(state, noise(3, 800, 5))
    value = LEVEL + 4 * (noise(4, 40, 5) - LEVEL)
    assert run(state, value, first=800).max(axis=0).min() > 3
    assert np.mean(calm[400:] > 3) < 0.02


def test_a_fresh_series_has_no_evidence_at_first() -> None:
    """For twenty ticks there is nothing to compare with."""
    assert not run(fresh_regimes(50), noise(5, 20, 50)).any()


def test_the_state_fits_the_room_record() -> None:
    """It is written to the checkpoint with every event: at most 200 bytes a series."""
    assert REGIME_DTYPE.itemsize <= 200
