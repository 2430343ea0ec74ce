"""From a room's last minutes to inputs and back: filling, scaling, calendar, rolling forward."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from roompulse.errors import BundleError
from roompulse.forecasting import quantiles_from
from roompulse.holidays import is_holiday
from roompulse.window import WindowSpecification, calendar, fill_blanks, look_ahead, padded, relative, window_from

NAN = float("nan")
SPECIFICATION = WindowSpecification(
    preset="tiny",
    minutes=4,
    series=1,
    fill="zero",
    center=(10.0,),
    scale=(20.0,),
    direct=False,
    time_features=False,
    residuals=((-0.5,) * 10, (0.0,) * 10, (0.25,) * 10),
)


def epoch_day(of: date) -> int:
    """Days since 1970."""
    return (of - date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("fill", "expected"), [("zero", [0, 0, 5, 0, 7, 0]), ("hold", [5, 5, 5, 5, 7, 7])], ids=["zero", "hold"]
)
def test_blanks_are_filled_as_the_preset_says(fill: str, expected: list[float]) -> None:
    """Zero, or the value before; before the first value there is that one; of nothing comes zero."""
    window = np.array([[NAN, NAN, 5, NAN, 7, NAN], [NAN] * 6], np.float32)[:, :, None]
    filled = fill_blanks(window, fill)
    assert filled[0, :, 0].tolist() == expected
    assert filled[1, :, 0].tolist() == [0] * 6


@dataclass
class MeanNetwork:
    """Gives the mean of each window's first feature and half a unit; remembers what it was shown."""

    shown: list[NDArray[np.float32]] = field(default_factory=list)

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        self.shown.append(inputs.copy())
        return np.asarray(inputs[:, :, 0].mean(axis=1, keepdims=True) + 0.5, np.float32)


def test_a_network_of_one_step_is_rolled_forward_over_its_own_forecasts() -> None:
    """Ten steps by hand: scaled, shifted, the forecast appended, scaled back."""
    network = MeanNetwork()
    window = np.array([[30, NAN, 10, 50]], np.float32)[:, :, None]
    values = [(v - 10) / 20 for v in (30, 0, 10, 50)]
    expected = []
    for _ in range(10):
        values = [*values[1:], float(np.mean(values)) + 0.5]
        expected.append(values[-1] * 20 + 10)
    got = look_ahead(SPECIFICATION, network, window, np.array([0]))
    assert np.allclose(got, [expected], rtol=1e-5)
    assert len(network.shown) == 10


def test_series_beside_the_target_keep_their_last_values_and_the_calendar_moves_on() -> None:
    """What is not forecast is held; time of day is known ahead."""
    network = MeanNetwork()
    series = 27
    specification = msgspec.structs.replace(
        SPECIFICATION, series=series, center=(0.0,) * series, scale=(1.0,) * series, time_features=True
    )
    window = np.arange(4 * series, dtype=np.float32).reshape(1, 4, series)
    minutes = np.array([26_297_280])
    look_ahead(specification, network, window, minutes)
    last = network.shown[9]
    assert last.shape == (1, 4, series + 5)
    assert (last[0, :, 1:series] == window[0, 3, 1:]).all()
    assert np.array_equal(last[0, :, series:], calendar(minutes[:, None] + np.arange(6, 10))[0])


def test_a_direct_head_is_asked_once() -> None:
    """Ten outputs are the ten minutes; what is below zero is zero."""
    direct = msgspec.structs.replace(SPECIFICATION, direct=True)
    calls = []

    def network(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        calls.append(len(inputs))
        return np.tile(np.linspace(-1, 0.8, 10, dtype=np.float32), (len(inputs), 1))

    got = look_ahead(direct, network, np.ones((3, 4, 1), np.float32), np.zeros(3, np.int64))
    assert calls == [3]
    assert got[0].tolist() == pytest.approx([max(0, 10 + 20 * x) for x in np.linspace(-1, 0.8, 10)], rel=1e-5)


def test_padding_adds_rows_for_the_network_and_takes_them_off_again() -> None:
    """Seventeen rows become thirty-two; the answer has seventeen, those of the rows themselves."""
    network = MeanNetwork()
    inputs = np.random.default_rng(0).random((17, 4, 1), np.float32)
    assert padded(network, 16)(inputs).tobytes() == network(inputs).tobytes()
    assert [len(shown) for shown in network.shown] == [32, 17]


def test_quantiles_are_the_residuals_around_the_forecast_whatever_the_level() -> None:
    """In log1p space: the level that raw outputs are relative to falls out again."""
    ahead = np.array([[7.0] * 10, [0.0] * 10])
    for level in (0.0, 3.0):
        references = np.full(2, level)
        quantiles = quantiles_from(relative(SPECIFICATION, ahead, references), references)
        assert quantiles[0, :, 3] == pytest.approx(np.expm1(np.log1p(7) + np.array([-0.5, 0, 0.25])), rel=1e-5)
        assert quantiles[1, 0, 0] == 0


def test_the_calendar_knows_time_weekday_and_holiday() -> None:
    """Noon of Wednesday, 1 January 2020, a holiday, and of the next Monday, none."""
    holiday, monday = (1440 * epoch_day(day) + 720 for day in (date(2020, 1, 1), date(2020, 1, 6)))
    got = calendar(np.array([[holiday, monday]]))[0]
    assert got[:, :2] == pytest.approx(np.array([[0, -1], [0, -1]]), abs=1e-6)
    assert got[1, 2:4].tolist() == [0, 1]
    assert got[0, 2:4] == pytest.approx([np.sin(4 * np.pi / 7), np.cos(4 * np.pi / 7)], rel=1e-6)
    assert got[:, 4].tolist() == [1, 0]


def test_holidays_are_those_of_the_published_calendar() -> None:
    """Every day from 2018 to 2026 against the notices as another package has them."""
    published = pytest.importorskip("chinese_calendar", reason="the extra `train` has it")
    day, end = date(2018, 1, 1), date(2026, 12, 31)
    while day <= end:
        off = day in published.constants.holidays
        assert bool(is_holiday(np.array(epoch_day(day)))) == off, day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fill": "mean"}, "fill"),
        ({"series": 2}, "expected 1 or 27 series"),
        ({"minutes": 0}, "0 minutes"),
        ({"row_multiple": 0}, "row_multiple"),
        ({"scale": [0.0]}, "no scale of 0"),
        ({"center": [1.0, 2.0]}, "center and scale"),
        ({"residuals": [[0.0] * 10] * 2}, "residuals"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    """What a manifest says of its window is checked field by field."""
    assert window_from(msgspec.to_builtins(SPECIFICATION)) == SPECIFICATION
    with pytest.raises(BundleError, match=message):
        window_from(msgspec.to_builtins(SPECIFICATION) | changes)
