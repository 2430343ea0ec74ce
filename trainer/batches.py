"""Training batches: half of each from real sessions in several disguises, half from rooms that never were.

The generated half comes from `synthetic`; where simulated sessions are given, every second one of it is one of those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roompulse.features import transform
from roompulse.forecasting import HORIZONS
from roompulse.naive import targets_of
from trainer.sessions import Session
from trainer.synthetic import synthetic

CROP_MINUTES = 192
BLANK_SHARE = 0.04
"""Sequences that get one gap of 3 to 8 minutes, as a recorder or network outage leaves it."""
CHUNK = 10
"""Batches made at once: features cost by the minute, hardly by the room."""

SYNTHETIC_WEIGHTS = np.linspace(0.3, 1.0, HORIZONS)
"""Generated rooms teach mostly the far horizons; how noisy the next minute is, real rooms know better."""


class Batch(NamedTuple):
    """What one step of training sees; float32 throughout."""

    inputs: NDArray[np.float32]
    """(batch, time, 6)."""
    references: NDArray[np.float32]
    """(batch, time)."""
    targets: NDArray[np.float32]
    """(batch, time, 10), counts at +1 to +10, NaN where unknown."""
    horizon_weights: NDArray[np.float32]
    """(batch, 10)."""


def batches(
    sessions: Sequence[Session], simulated: Sequence[Session], rng: np.random.Generator, size: int
) -> Iterator[Batch]:
    """Endless batches of `size` sequences of 192 minutes."""
    crops, others = _crops(sessions), _crops(simulated)
    real = size // 2
    while True:
        generated = synthetic(rng, (size - real) * CHUNK, CROP_MINUTES)
        if others:
            for row in range(0, len(generated), 2):
                generated[row] = _padded(others[int(rng.integers(len(others)))])
        counts = np.concatenate([np.stack([_disguise(crops, rng) for _ in range(real * CHUNK)]), generated])
        _add_blanks(counts, rng)
        inputs, references = transform(counts)
        targets = targets_of(counts)
        weights = np.ones((len(counts), HORIZONS))
        weights[real * CHUNK :] = SYNTHETIC_WEIGHTS
        whole = Batch(inputs, *(part.astype(np.float32) for part in (references, targets, weights)))
        for index in range(CHUNK):
            rows = np.r_[index * real : (index + 1) * real]
            rows = np.r_[rows, real * CHUNK + np.r_[index * (size - real) : (index + 1) * (size - real)]]
            yield Batch(*(part[rows] for part in whole))


def _crops(sessions: Sequence[Session]) -> list[NDArray[np.float64]]:
    """A long session gives several crops, each as if the room had just been found."""
    crops = []
    for session in sessions:
        last = max(1, len(session.counts) - CROP_MINUTES // 2)
        crops += [session.counts[first : first + CROP_MINUTES] for first in range(0, last, CROP_MINUTES)]
    return crops


def _padded(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.pad(counts, (0, CROP_MINUTES - len(counts)), constant_values=np.nan)


def _disguise(crops: Sequence[NDArray[np.float64]], rng: np.random.Generator) -> NDArray[np.float64]:
    """One real crop, as it is or changed in a way that leaves it believable; padded with blanks to 192 minutes."""
    counts = crops[int(rng.integers(len(crops)))].copy()
    manner = rng.random()
    if manner < 0.15:  # fewer of the same people
        share = rng.uniform(0.2, 0.9)
        known = ~np.isnan(counts)
        counts[known] = rng.binomial(np.rint(counts[known]).astype(np.int64), share)
    elif manner < 0.30:  # the same room, larger or smaller: noise grows with it
        counts = np.rint(counts * np.exp(rng.uniform(-1.0, 1.5)))
    elif manner < 0.45:  # two rooms at once
        other = crops[int(rng.integers(len(crops)))]
        shared = min(len(counts), len(other))
        counts = counts[:shared] + other[:shared]
    elif manner < 0.60:
        counts = counts[::-1].copy()
    elif manner < 0.70:  # a calmer room
        known = ~np.isnan(counts)
        filled = np.where(known, counts, np.nanmean(counts))
        smooth = np.convolve(np.pad(filled, 3, mode="edge"), np.full(7, 1 / 7), mode="valid")
        counts = np.where(known, np.maximum(smooth + rng.uniform(0.3, 0.8) * (counts - smooth), 0.0), np.nan)
    return _padded(counts)


def _add_blanks(counts: NDArray[np.float64], rng: np.random.Generator) -> None:
    for row in np.flatnonzero(rng.random(len(counts)) < BLANK_SHARE):
        first = rng.integers(3, CROP_MINUTES - 10)
        counts[row, first : first + rng.integers(3, 9)] = np.nan
