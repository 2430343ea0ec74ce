"""The gate between network and plain mean, case by case."""

from __future__ import annotations

import numpy as np
import pytest

from roompulse.forecasting import HORIZONS
from roompulse.gate import GATE_DTYPE, WARM_MINUTES, choose, learn, misses, reset, take_in

YES = np.ones(1, np.bool_)


def fresh() -> np.ndarray:
    """One room's gate, as nobody has seen it."""
    gate = np.zeros(1, GATE_DTYPE)
    reset(gate, everything=True)
    return gate


def network(value: float) -> np.ndarray:
    """A forecast of one value at every horizon and quantile."""
    return np.full((1, 3, HORIZONS), value)


def live(gate: np.ndarray, values: list[float], forecast: float, fair: np.ndarray = YES) -> np.ndarray:
    """Let minutes come, the network saying `forecast` each time; returns what is served after the last."""
    served = network(forecast)
    for minute, value in enumerate(values):
        now = np.array([1000 + minute])
        learn(gate, now, np.array([value]), misses(gate, now, np.array([value])), fair & (minute > 0))
        served = choose(gate, network(forecast), take_in(gate, now, np.array([value])))
    return served


def test_a_network_that_is_right_is_served() -> None:
    """On a level of 50 the network says 50: nothing is gained by the mean."""
    gate = fresh()
    assert live(gate, [50.0] * 60, 50.0)[0, 1, 0] == 50.0
    assert not gate["closed"][0]


def test_a_network_that_is_wrong_gives_way_after_an_hour() -> None:
    """The network says 80 where 50 come: from the sixtieth judged minute on, not before, the mean is served."""
    gate = fresh()
    assert live(gate, [50.0] * WARM_MINUTES, 80.0)[0, 1, 0] == 80.0
    gate = fresh()
    assert live(gate, [50.0] * (WARM_MINUTES + 1), 80.0)[0, 1, 0] == pytest.approx(50.0)


def test_a_network_that_recovers_is_served_again() -> None:
    """Being right for hours after ninety minutes of being wrong opens the gate: errors are forgotten by and by."""
    gate = fresh()
    values = [50.0 + (3 if minute % 2 else -3) for minute in range(90)]
    live(gate, values, 80.0)
    assert gate["closed"][0]
    for minute, value in enumerate([50.0 + (3 if minute % 2 else -3) for minute in range(160)]):
        now = np.array([1090 + minute])
        learn(gate, now, np.array([value]), misses(gate, now, np.array([value])), YES)
        choose(gate, network(50.0), take_in(gate, now, np.array([value])))
    assert not gate["closed"][0]


def test_unfair_minutes_teach_nothing() -> None:
    """With an alert open, or after a blank, neither forecast is blamed."""
    gate = fresh()
    live(gate, [50.0] * 60, 80.0, fair=~YES)
    assert not gate["closed"][0]
    assert gate["judged"][0] == 0


def test_the_means_interval_holds_what_it_promises() -> None:
    """After a while of noise, about 80 % of the minutes lie inside the mean's interval, a minute and ten ahead."""
    gate, random = fresh(), np.random.default_rng(7)
    values = random.poisson(100, 4000).astype(float)
    served: list[np.ndarray] = []
    for minute, value in enumerate(values):
        now = np.array([1000 + minute])
        learn(gate, now, np.array([value]), misses(gate, now, np.array([value])), YES & (minute > 0))
        served.append(choose(gate, network(200.0), take_in(gate, now, np.array([value])))[0])
    for horizon in (1, 10):
        inside = [
            served[origin][0, horizon - 1] <= values[origin + horizon] <= served[origin][2, horizon - 1]
            for origin in range(1000, 4000 - horizon)
        ]
        assert 0.76 <= np.mean(inside) <= 0.84


def test_a_new_session_forgets_the_errors_and_keeps_the_residuals() -> None:
    """What a session taught about sizes of surprise lasts; who was better has to be shown anew."""
    gate = fresh()
    live(gate, [50.0] * 60, 80.0)
    kept = gate["residuals"].copy()
    reset(gate)
    assert not gate["closed"][0]
    assert gate["judged"][0] == 0
    assert (gate["residuals"] == kept).all()
