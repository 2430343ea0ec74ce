"""Forecasts as the scorer serves them: its own pipeline, minute by minute, with gate, calibration and rounding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.plain_records import plain_records
from roompulse.bundle import Bundle
from roompulse.forecasting import HORIZONS, QUANTILES
from roompulse.rooms import fresh_rooms, room_dtype
from roompulse.rules import rules_from
from roompulse.thresholds import Thresholds
from scorer.adapters.onnx_forecaster import open_step
from scorer.pipeline.wave import advance
from trainer.sessions import Session


class Served(NamedTuple):
    """What one session was served."""

    quantiles: NDArray[np.float64]
    """(minutes, 3, 10), NaN on blanks."""
    gated: NDArray[np.bool_]
    """(minutes,), whether the room was served the mean instead of the network."""


def serve(bundle: Bundle, sessions: Sequence[Session]) -> list[Served]:
    """Run the pipeline over whole rooms, their sessions in order, and give what each session was served.

    What lasts from session to session (the room's interval width) lasts here too.
    """
    by_room: dict[str, list[int]] = {}
    for index in sorted(range(len(sessions)), key=lambda place: sessions[place].start):
        by_room.setdefault(sessions[index].room, []).append(index)
    found = [_nothing(len(session.counts)) for session in sessions]
    steps = [[(i, m) for i in places for m in _measured(sessions[i])] for places in by_room.values()]
    steps.sort(key=len, reverse=True)
    rooms = fresh_rooms(len(steps), room_dtype(bundle.units, bundle.specification.window_minutes))
    forecaster, rules = open_step(bundle), rules_from(dict(bundle.rules))
    thresholds = Thresholds(rules)
    active = len(steps)
    for step in range(len(steps[0]) if steps else 0):
        while len(steps[active - 1]) <= step:
            active -= 1
        places = [steps[room][step] for room in range(active)]
        part = rooms[:active]
        records = plain_records(
            np.array([sessions[index].start + minute for index, minute in places], np.int64),
            np.array([sessions[index].counts[minute] for index, minute in places]),
        )
        outcome = advance(part, records, forecaster, rules, thresholds)
        for row, (index, minute) in enumerate(places):
            found[index].quantiles[minute] = outcome.quantiles[row]
            found[index].gated[minute] = part["gate"]["closed"][row]
    return found


def _measured(session: Session) -> list[int]:
    return np.flatnonzero(~np.isnan(session.counts)).tolist()


def _nothing(minutes: int) -> Served:
    return Served(np.full((minutes, len(QUANTILES), HORIZONS), np.nan), np.zeros(minutes, np.bool_))
