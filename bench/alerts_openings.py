"""The alert rule on whole rooms: the scorer's own waves over arrays of counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.plain_records import plain_records
from roompulse.bundle import default_bundle, load_bundle
from roompulse.rooms import KINDS
from roompulse.rules import Rules, rules_from
from scorer.adapters.networks import open_forecaster
from scorer.pipeline.judge import OPEN
from scorer.rehearsal import Rehearsal
from scorer.wiring import room_dtype_of

Floats = NDArray[np.float64]
START = 26_500_000
"""Epoch minute of the first column."""


class Opening(NamedTuple):
    """An alert that opened: room and minute count from 0; what the minute was judged by."""

    room: int
    kind: str
    minute: int
    interval: tuple[float, float, float]
    surprise: float


def openings(counts: Floats, rules: Rules | None = None) -> list[Opening]:
    """Every opening in rooms of `counts` (rooms, minutes), by the shipped model; NaN where no record comes.

    Without `rules` those of the model.
    """
    bundle = load_bundle(default_bundle())
    rules = rules or rules_from(dict(bundle.rules))
    rehearsal = Rehearsal(open_forecaster(bundle), rules, room_dtype_of(bundle))
    found: list[Opening] = []
    for minute in range(counts.shape[1]):
        rooms = np.flatnonzero(~np.isnan(counts[:, minute]))
        if not len(rooms):
            continue
        records = plain_records(np.full(len(rooms), START + minute, np.int64), counts[rooms, minute])
        told, _ = rehearsal.advance(rooms, records)
        found.extend(
            Opening(int(rooms[item.row]), KINDS[item.kind], minute, item.interval, item.surprise)
            for item in told
            if item.event == OPEN
        )
    return found
