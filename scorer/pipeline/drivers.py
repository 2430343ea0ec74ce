"""Why: the channels and metrics that moved with an alert, each against its own running level."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from roompulse.records import METRICS, Driver, number
from roompulse.rooms import SLUMP
from scorer.pipeline.serve import rounded
from scorer.pipeline.tell import Told

MOST_DRIVERS = 5
_MOST_CHANNELS, _MOST_METRICS = 3, 2
_LEAST_SHARE = 0.1
"""Share of the excess from which a channel is told."""
_LEAST_MOVE = 0.5
"""Move, as a share of its own level, from which a metric is told."""


def drivers_of(told: Told, names: Sequence[str]) -> list[Driver]:
    """Channels by their share of the excess, then other metrics by how far they left their own level.

    `names` are those of the DRIVERS columns. A channel that this room uses for the first time rose from nothing, if
    others of its channels were measured before.
    """
    first = len(METRICS)
    series, levels = told.series, told.levels.astype(np.float64)
    if not np.isnan(levels[first:]).all():
        levels[first:] = np.nan_to_num(levels[first:])
    sign = -1.0 if told.kind == SLUMP else 1.0
    moved = np.nan_to_num((series - levels) * sign)
    total = max((told.actual - told.interval[1]) * sign, 1.0) if math.isfinite(told.actual) else math.inf
    share = moved / total
    share[:first] = -1.0
    # Metrics are counted in units of their own, so they are compared with their own level instead.
    own = np.nan_to_num(moved[:first] / np.maximum(levels[:first], 1.0))
    own[0] = -1.0  # the target itself explains nothing
    channels = [place for place in np.argsort(-share, kind="stable").tolist() if share[place] >= _LEAST_SHARE]
    metrics = [place for place in np.argsort(-own, kind="stable").tolist() if own[place] >= _LEAST_MOVE]
    return [
        Driver(names[place], number(float(series[place])), rounded(float(levels[place])) or 0.0)
        for place in [*channels[:_MOST_CHANNELS], *metrics[:_MOST_METRICS]][:MOST_DRIVERS]
    ]
