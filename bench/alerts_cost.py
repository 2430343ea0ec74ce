"""What the alert stage costs, on one thread: all of `judge`, and what of it is regime evidence."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.plain_records import plain_records
from roompulse.bundle import default_bundle, load_bundle
from roompulse.regimes import fresh_regimes
from roompulse.rooms import fresh_rooms
from roompulse.rules import rules_from
from roompulse.thresholds import Thresholds
from scorer.adapters.networks import open_forecaster
from scorer.pipeline.basis import Minutes
from scorer.pipeline.judge import judge
from scorer.pipeline.regime import advance
from scorer.pipeline.wave import advance as advance_rooms
from scorer.wiring import room_dtype_of

SERIES = (1_000, 10_000)
WARM_MINUTES, TICKS, ROUNDS, SEED = 60, 40, 5, 5
START = 26_500_000


def cost(**_: object) -> dict[str, Any]:
    """Microseconds an event at each number of rooms, the fastest of several rounds, and the bytes of a regime."""
    found: dict[str, Any] = {"regime_bytes": fresh_regimes(1).itemsize}
    for count in SERIES:
        found[f"judge_us_an_event_{count}"] = _fastest(_judging(count), count)
        found[f"regime_us_an_event_{count}"] = _fastest(_regimes(count), count)
    return found


def _fastest(ticks: Callable[[], None], count: int) -> float:
    rounds = []
    for _round in range(ROUNDS):
        started = time.process_time()
        ticks()
        rounds.append(time.process_time() - started)
    return float(f"{min(rounds) / TICKS / count * 1e6:.3g}")


def _judging(count: int) -> Callable[[], None]:
    """The alert stage as it is in a wave: rooms of an hour's age, an ordinary minute after another."""
    bundle = load_bundle(default_bundle())
    rules = rules_from(dict(bundle.rules))
    table, forecaster = Thresholds(rules), open_forecaster(bundle)
    rooms = fresh_rooms(count, room_dtype_of(bundle))
    random = np.random.default_rng(SEED)
    size = np.exp(random.normal(3.5, 1.5, count))
    for minute in range(WARM_MINUTES):
        records = plain_records(np.full(count, START + minute, np.int64), random.poisson(size).astype(np.float64))
        advance_rooms(rooms, records, forecaster, rules, table)
    last = START + WARM_MINUTES - 1
    newest = rooms["forecasts"][np.arange(count), last % 10, :, 0].astype(np.float64)
    values = random.poisson(size, (TICKS, count)).astype(np.float64)
    hour, origin, minute_now = (np.full(count, number, np.int64) for number in (12, last, last + 1))

    def ticks() -> None:
        for value in values:
            thresholds = table.of(rooms["category"], None)
            judge(rooms, Minutes(minute_now, hour, value, newest, origin), rules, thresholds)

    return ticks


def _regimes(count: int) -> Callable[[], None]:
    state, hour = fresh_regimes(count), np.zeros(count, np.int64)
    values = np.random.default_rng(SEED).poisson(100.0, (TICKS, count)).astype(np.float64)
    interval = np.tile([87.0, 100.0, 113.0], (count, 1))

    def ticks() -> None:
        for value in values:
            advance(state, value, interval, 1.0, hour)

    return ticks
