"""The alert rule on whole rooms: the scorer's own waves over arrays of counts, and how well it found what was put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roompulse.bundle import default_bundle, load_bundle
from roompulse.rooms import DRIVERS, KINDS, fresh_rooms, room_dtype
from roompulse.rules import Rules
from roompulse.simulation import SimulationSettings, simulate_counts
from scorer.adapters.networks import open_forecaster
from scorer.pipeline.judge import OPEN
from scorer.pipeline.wave import advance
from scorer.pipeline.decode import Records

Floats = NDArray[np.float64]
START = 26_500_000
"""Epoch minute of the first column."""


class Opening(NamedTuple):
    """An alert that opened: room and minute count from 0."""

    room: int
    kind: str
    minute: int
    expected: float


def alerts_of(counts: Floats, rules: Rules, live: NDArray[np.bool_] | None = None) -> list[Opening]:
    """Every opening in rooms of `counts` (rooms, minutes); NaN where no record comes."""
    bundle = load_bundle(default_bundle())
    forecaster = open_forecaster(bundle)
    rooms = fresh_rooms(len(counts), room_dtype(bundle.specification.units, bundle.specification.window_minutes))
    found: list[Opening] = []
    for minute in range(counts.shape[1]):
        rows = np.flatnonzero(~np.isnan(counts[:, minute]))
        if not len(rows):
            continue
        part = rooms[rows]
        n = len(rows)
        records = Records(
            np.full(n, START + minute, np.int64),
            np.zeros(n, np.int16),
            counts[rows, minute],
            np.zeros(n, np.bool_),
            np.full((n, DRIVERS), np.nan),
        )
        outcome = advance(part, records, forecaster, rules)
        rooms[rows] = part
        for told in outcome.told:
            if told.event == OPEN:
                found.append(Opening(int(rows[told.row]), KINDS[told.kind], minute, told.interval[1]))
    return found
