"""Forecasts looked up in a table of texts are what the encoder writes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from roompulse.records import Quantiles, encode
from scorer.pipeline.forecast_text import quantile_texts
from scorer.pipeline.serve import round4

_numbers = st.one_of(st.floats(0, 1e15), st.floats(0, 10), st.sampled_from([0.0, 999.95, 9999.5, 1e-6, 1e8, np.nan]))


@given(arrays(np.float64, (2, 3, 10), elements=_numbers))
def test_the_texts_are_those_of_the_encoder(values: np.ndarray[tuple[int, int, int], np.dtype[np.float64]]) -> None:
    """For any size of number, and null for what is none."""
    rounded = round4(values)
    assert quantile_texts(rounded) == [encode(Quantiles(*row)) for row in rounded.tolist()]


def test_no_forecast_is_no_text() -> None:
    """An empty wave."""
    assert quantile_texts(np.empty((0, 3, 10))) == []


def test_every_number_of_four_digits_is_written_alike() -> None:
    """All 9,000 of them around 1, 1,000 and 1,000,000."""
    for power in (1e-3, 1.0, 1e3):
        numbers = round4(np.arange(1000, 10_000, dtype=np.float64) * np.float64(power)).reshape(-1, 3, 10)
        assert quantile_texts(numbers) == [encode(Quantiles(*row)) for row in numbers.tolist()]
