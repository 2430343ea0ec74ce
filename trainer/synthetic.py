"""Rooms that never were: half of every training batch, and the reason why the network holds on unseen traffic.

Two families, both over-dispersed counts on a level that wanders in log space: slow walks with surges and slumps, and
autoregressive bursts. Both start low and fill up, as rooms do. Counts are gamma-mixed Poisson (negative binomial).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FAMILIES = 2


def synthetic(rng: np.random.Generator, rooms: int, minutes: int) -> NDArray[np.float64]:
    """Counts a minute, (rooms, minutes), half of the rooms from each family."""
    log_level = _walk(rng, rooms, minutes) + _opening(rng, rooms, minutes)
    surging = np.arange(rooms) % FAMILIES == 0
    shift = np.where(surging[:, None], _surges(rng, rooms, minutes), _bursts(rng, rooms, minutes))
    rate = np.exp(np.clip(log_level + shift, -4.0, 9.0))
    shape = np.exp(rng.uniform(np.log(1.5), np.log(80.0), (rooms, 1)))
    return rng.poisson(rate * rng.gamma(np.broadcast_to(shape, rate.shape)) / shape).astype(np.float64)


def _walk(rng: np.random.Generator, rooms: int, minutes: int) -> NDArray[np.float64]:
    """A log level from a fifth of a count to 300 a minute that wanders by 0.3 to 4 % a minute."""
    start = rng.uniform(np.log(0.2), np.log(300.0), (rooms, 1))
    pace = np.exp(rng.uniform(np.log(0.003), np.log(0.04), (rooms, 1)))
    steps = rng.standard_normal((rooms, minutes)) * pace
    return start + np.cumsum(steps, axis=1)


def _opening(rng: np.random.Generator, rooms: int, minutes: int) -> NDArray[np.float64]:
    """How far below its level a room is in its first minutes; about half of them have no such ramp."""
    depth = rng.uniform(-1.5, 0.6, (rooms, 1)) * (rng.random((rooms, 1)) < 0.5)
    pace = np.exp(rng.uniform(np.log(3.0), np.log(30.0), (rooms, 1)))
    return np.asarray(depth * np.exp(-np.arange(minutes) / pace))


def _surges(rng: np.random.Generator, rooms: int, minutes: int) -> NDArray[np.float64]:
    """Steps up (or down, one in four) by 1.5 to 5 times that stay 3 to 25 minutes or fade away."""
    shift = np.zeros((rooms, minutes))
    time = np.arange(minutes)
    for room in range(rooms):
        for _ in range(rng.poisson(minutes / 80)):
            since = time - rng.integers(minutes)
            size = np.log(rng.uniform(1.5, 5.0)) * (1.0 if rng.random() < 0.75 else -1.0)
            length = rng.uniform(3, 25)
            fades = rng.random() < 0.5
            form = np.exp(-np.maximum(since, 0) / length * 2) if fades else (since < length).astype(float)
            shift[room] += np.where(since >= 0, size * form, 0.0)
    return shift


def _bursts(rng: np.random.Generator, rooms: int, minutes: int) -> NDArray[np.float64]:
    """First-order autoregression in log space with the occasional large shock."""
    memory = rng.uniform(0.2, 0.95, rooms)
    pace = rng.uniform(0.05, 0.6, rooms) * np.sqrt(1 - memory**2)
    shocks = rng.standard_normal((rooms, minutes)) + (rng.random((rooms, minutes)) < 0.02) * rng.exponential(
        4.0, (rooms, minutes)
    )
    shift = np.empty((rooms, minutes))
    state = np.zeros(rooms)
    for minute in range(minutes):
        state = memory * state + pace * shocks[:, minute]
        shift[:, minute] = state
    return shift
