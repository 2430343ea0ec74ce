"""From raw outputs to quantiles."""

from __future__ import annotations

import math

import numpy as np

from roompulse.forecasting import HORIZONS, OUTPUTS, QUANTILES, quantiles_from


def test_quantiles_follow_the_formula() -> None:
    """Each number is expm1 of reference plus raw output, quantile by quantile with ten horizons each."""
    raw = np.linspace(-0.9, 0.9, OUTPUTS, dtype=np.float32)[None]
    quantiles = quantiles_from(raw, np.array([2.0]))
    assert quantiles.shape == (1, len(QUANTILES), HORIZONS)
    for quantile in range(len(QUANTILES)):
        for horizon in range(HORIZONS):
            expected = math.expm1(2.0 + float(raw[0, quantile * HORIZONS + horizon]))
            assert math.isclose(quantiles[0, quantile, horizon], expected, rel_tol=1e-12)


def test_quantiles_are_sorted_and_never_below_zero() -> None:
    """Crossing quantiles are put in order and nothing below an empty room is forecast."""
    rng = np.random.default_rng(0)
    quantiles = quantiles_from(rng.normal(0, 3, (500, OUTPUTS)).astype(np.float32), rng.uniform(0, 3, 500))
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert quantiles.min() >= 0


def test_both_shapes_of_raw_outputs_mean_the_same() -> None:
    """(n, 30) from the network and (n, 3, 10) from the forecaster port give the same quantiles."""
    raw = np.random.default_rng(0).normal(size=(4, OUTPUTS)).astype(np.float32)
    reference = np.arange(4.0)
    assert (quantiles_from(raw, reference) == quantiles_from(raw.reshape(4, 3, 10), reference)).all()


def test_a_row_has_the_same_bits_in_any_company() -> None:
    """Converting rows one by one, in sevens or all at once gives the same bits."""
    rng = np.random.default_rng(1)
    raw, reference = rng.normal(size=(1001, OUTPUTS)).astype(np.float32), rng.uniform(0, 9, 1001)
    together = quantiles_from(raw, reference)
    for size in (1, 7):
        parts = [quantiles_from(raw[i : i + size], reference[i : i + size]) for i in range(0, len(raw), size)]
        assert np.concatenate(parts).tobytes() == together.tobytes()


def test_no_rows_give_no_quantiles() -> None:
    """An empty batch is a batch."""
    assert quantiles_from(np.empty((0, OUTPUTS), np.float32), np.empty(0)).shape == (0, 3, 10)
