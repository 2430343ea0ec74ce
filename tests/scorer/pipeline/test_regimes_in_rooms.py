"""A slow move that the forecast follows: no minute is a surprise, and all of them together are."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from tests.scorer.fakes import RULES, Event, Lab, context_of, event, one_bar, text

NOISE = np.random.default_rng(3).poisson(100, 400).tolist()
QUIET = [event("a", minute, NOISE[minute]) for minute in range(200)]


def ramp(step: float) -> list[Event]:
    """Forty minutes of it, each minute `step` times the one before."""
    return [event("a", 200 + minute, round(NOISE[200 + minute] * step**minute)) for minute in range(40)]


def lab_of(regime_bar: float) -> Lab:
    """A room in which nothing but a regime opens an alert."""
    return Lab(
        context_of(rules=replace(RULES, regime_bar=regime_bar, regime_share=0.0, hotspot_minutes=60, **one_bar(50.0)))
    )


def test_a_slow_rise_opens_a_surge_against_the_forecast_of_ten_minutes_before() -> None:
    """What is published as expected was forecast ten minutes earlier for this minute."""
    lab = lab_of(3.5)
    quiet, moving = lab.send(QUIET), lab.send(ramp(1.03))
    assert quiet.alerts == []
    opened = moving.alerts[0]
    assert (opened["event"], opened["kind"]) == ("open", "surge")
    made = {forecast["minute"]: forecast["quantiles"] for forecast in quiet.forecasts + moving.forecasts}
    minute = next(number for number in range(200, 240) if text(number) == opened["opened"])
    before = made[text(minute - 10)]
    assert [opened[name] for name in ("low", "expected", "high")] == [before[name][9] for name in ("0.1", "0.5", "0.9")]
    assert opened["actual"] > opened["high"]
    assert 1e-6 <= opened["tail_probability"] <= 10**-3.5


def test_without_regimes_the_same_rise_is_not_seen() -> None:
    """So it is the regime that opened it."""
    assert lab_of(99.0).send(QUIET, ramp(1.03)).alerts == []


def test_noise_is_no_regime() -> None:
    """Four hundred ordinary minutes."""
    assert lab_of(3.5).send([event("a", minute, value) for minute, value in enumerate(NOISE)]).alerts == []
