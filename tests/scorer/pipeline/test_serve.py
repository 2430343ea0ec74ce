"""From network to served forecast: rounding, sorting, widening."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scorer.pipeline.serve import WIDEN_LIMIT, calibrate, round4, widened_quantiles


def served_quantiles(
    outputs: NDArray[np.float32], reference: NDArray[np.float64], widen: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Widened and rounded, as they are published."""
    return round4(widened_quantiles(outputs, reference, widen))


_floats = st.floats(0, 1e15) | st.floats(0, 10) | st.integers(0, 10**6).map(float)


@given(st.lists(_floats, min_size=1, max_size=20))
def test_rounding_gives_the_decimal_of_four_digits(values: list[float]) -> None:
    """The same as printing with four digits and reading it again, up to halves; tiny values are nothing."""
    for value, found in zip(values, round4(np.array(values)).tolist(), strict=True):
        assert float(f"{found:.4g}") == found
        assert math.copysign(1, found) == 1
        if value >= 1e-6:
            assert abs(found - value) <= abs(float(f"{value:.4g}") - value) * (1 + 1e-9) + 1e-12 * value
        else:
            assert found in (0, 1e-6)


def test_rounding_keeps_what_is_missing() -> None:
    """NaN stays NaN; minus zero becomes zero."""
    found = round4(np.array([np.nan, -0.0, 1e-9, 123456.0, 0.00012345]))
    assert math.isnan(found[0])
    assert math.copysign(1, found[1]) == 1
    assert found[2:].tolist() == [0, 123500, 0.0001234]


def test_served_quantiles_are_sorted_positive_and_widened() -> None:
    """The median is the network's; the halves stretch by their own factors in log space."""
    outputs = np.zeros((2, 3, 10), np.float32)
    outputs[:, 0], outputs[:, 2] = math.log(2), -math.log(2)  # crossed on purpose
    widen = np.array([[0, 0], [0, math.log(2)]], np.float32)
    served = served_quantiles(outputs, np.full(2, math.log(100)), widen)
    assert served[0, :, 0].tolist() == [49, 99, 199]
    assert served[1, :, 0].tolist() == [49, 99, 399]
    low = served_quantiles(outputs - 20, np.full(2, math.log(100)), widen)
    assert (low == 0).all()


def test_a_rows_bits_do_not_depend_on_the_others() -> None:
    """One by one, in any order, in any number: elementwise."""
    chance = np.random.default_rng(5)
    outputs = chance.normal(0, 1, (97, 3, 10)).astype(np.float32)
    reference, widen = chance.normal(3, 2, 97), chance.normal(0, 0.3, (97, 2)).astype(np.float32)
    whole = served_quantiles(outputs, reference, widen)
    for row in range(97):
        assert (
            served_quantiles(outputs[row : row + 1], reference[row : row + 1], widen[row : row + 1]).tobytes()
            == whole[row].tobytes()
        )
    assert served_quantiles(outputs[::-2], reference[::-2], widen[::-2]).tobytes() == whole[::-2].tobytes()


def test_each_half_learns_to_miss_one_minute_in_ten() -> None:
    """A miss widens its half by nine times of what a hit narrows; limits hold; nothing judged, nothing learned."""
    widen = np.zeros((4, 2), np.float32)
    nan = np.nan
    value, low, high = np.array([5, 15, 25, nan]), np.array([10.0, 10, 10, 10]), np.array([20.0, 20, 20, 20])
    found = calibrate(widen, value, low, high)
    assert np.allclose(found, [[0.018, -0.002], [-0.002, -0.002], [-0.002, 0.018], [0.0, 0.0]])
    assert calibrate(widen, np.array([1.0, 1, 1, 1]), np.full(4, nan), high).tolist() == widen.tolist()
    limit = np.full((4, 2), WIDEN_LIMIT, np.float32)
    assert calibrate(limit, np.full(4, 5.0), low, high)[:, 0].tolist() == [WIDEN_LIMIT] * 4


def test_in_the_long_run_a_tenth_lies_outside_on_each_side() -> None:
    """Uniform values against an interval that is far too narrow: the widened one misses a tenth on each side."""
    chance = np.random.default_rng(1)
    widen = np.zeros((1, 2), np.float32)
    missed = np.zeros(2)
    outputs = np.zeros((1, 3, 10), np.float32)
    outputs[:, 0], outputs[:, 2] = -0.3, 0.3
    for minute in range(6000):
        low, _, high = served_quantiles(outputs, np.array([5.0]), widen)[0, :, 0]
        value = np.expm1(5 + chance.uniform(-0.5, 0.5, 1))
        if minute >= 1000:
            missed += [value[0] < low, value[0] > high]
        widen = calibrate(widen, value, np.array([low]), np.array([high]))
    assert np.allclose(missed / 5000, 0.1, atol=0.01)
