"""What regime evidence costs, on one thread."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from roompulse.regimes import fresh_regimes
from scorer.pipeline.regime import advance

SERIES = (1_000, 10_000)
TICKS, ROUNDS, SEED = 40, 4, 5


def cost(**_: bool) -> dict[str, Any]:
    """Microseconds an event at each number of series, the fastest of several rounds, and the bytes of a series."""
    random = np.random.default_rng(SEED)
    found: dict[str, Any] = {"regime_bytes": fresh_regimes(1).itemsize}
    for count in SERIES:
        state, hour = fresh_regimes(count), np.zeros(count, np.int64)
        value = random.poisson(100.0, (TICKS, count)).astype(np.float64)
        interval = np.tile([87.0, 100.0, 113.0], (count, 1))
        rounds = []
        for _round in range(ROUNDS):
            started = time.process_time()
            for row in value:
                advance(state, row, interval, 1.0, hour)
            rounds.append(time.process_time() - started)
        found[f"regime_us_an_event_{count}"] = float(f"{min(rounds) / TICKS / count * 1e6:.3g}")
    return found
