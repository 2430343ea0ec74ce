"""The network's inputs: one definition for training, scoring and backtests.

`observe` advances many rooms by one minute; `transform` is `observe` along a whole sequence. Everything is relative to
the room's own running level, so that one network serves rooms of any size. All arithmetic is elementwise or reduces
along the last axis of a contiguous array: the same bits for any number of rooms in a call.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.2
"""Weight of the newest minute in the running level (bias-corrected exponentially weighted mean)."""
MEDIAN_MINUTES = 20
MEAN_MINUTES = 192
"""The session's running mean stops growing its count here, so that long sessions stay adaptive."""
CLIP = 4.0

FEATURES = ("value", "session_mean", "median", "level", "age", "blank")

FINGERPRINT = hashlib.sha256(repr((1, FEATURES, ALPHA, MEDIAN_MINUTES, MEAN_MINUTES, CLIP)).encode()).hexdigest()[:16]
"""Names this definition; a bundle made for another one is refused."""

LEVEL_DTYPE = np.dtype(
    [
        ("recent", "<f4", (MEDIAN_MINUTES,)),  # by minute of session modulo its length; NaN where blank
        ("level_sum", "<f8"),
        ("level_weight", "<f8"),
        ("mean", "<f8"),
        ("mean_count", "<f4"),
        ("age", "<i4"),  # minutes of this session seen so far, blanks included
    ]
)
"""What the features need to remember of a room within a session."""


def fresh_levels(count: int) -> NDArray[np.void]:
    """Level state of `count` rooms at the start of a session."""
    levels = np.zeros(count, LEVEL_DTYPE)
    levels["recent"] = np.nan
    return levels


def observe(levels: NDArray[np.void], values: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Advance `levels` (changed in place, shape (n,)) by one minute.

    `values` has shape (n,), counts a minute, NaN for a blank. Returns the inputs (n, 6) and the reference level
    (n,), log1p of the running level, to which inputs and forecasts are relative. On a blank the levels are held.
    """
    seen = ~np.isnan(values)
    value = np.where(seen, values, 0.0)
    levels["level_sum"] = np.where(seen, (1 - ALPHA) * levels["level_sum"] + ALPHA * value, levels["level_sum"])
    levels["level_weight"] = np.where(seen, (1 - ALPHA) * levels["level_weight"] + ALPHA, levels["level_weight"])
    count = np.minimum(levels["mean_count"] + seen, MEAN_MINUTES).astype("<f4")
    levels["mean"] += np.where(seen, (value - levels["mean"]) / np.maximum(count, 1), 0.0)
    levels["mean_count"] = count
    slot = levels["age"] % MEDIAN_MINUTES
    levels["recent"][np.arange(len(levels)), slot] = values
    level = running_level(levels)
    reference = np.log1p(level)
    inputs = np.empty((len(levels), len(FEATURES)), np.float32)
    inputs[:, 0] = np.where(seen, np.clip(np.log1p(value) - reference, -CLIP, CLIP), 0.0)
    inputs[:, 1] = np.clip(np.log1p(levels["mean"]) - reference, -CLIP, CLIP)
    inputs[:, 2] = np.clip(np.log1p(recent_median(levels["recent"], level)) - reference, -CLIP, CLIP)
    inputs[:, 3] = (np.clip(reference, 0.0, 7.0) - 2.5) / 2
    inputs[:, 4] = np.minimum(np.log1p(levels["age"].astype(np.float64)) / 3, 1.6) - 1
    inputs[:, 5] = ~seen
    levels["age"] += 1
    return inputs, reference


def running_level(levels: NDArray[np.void]) -> NDArray[np.float64]:
    """The bias-corrected exponentially weighted mean, counts a minute; 0 before the first value."""
    level: NDArray[np.float64] = np.divide(
        levels["level_sum"], levels["level_weight"], out=np.zeros(len(levels)), where=levels["level_weight"] > 0
    )
    return level


def recent_median(recent: NDArray[np.float32], otherwise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median over the last axis of (n, k), NaN left out; `otherwise` (n,) where nothing is left."""
    ordered = np.sort(recent, axis=1)  # NaN sorts last
    known = (~np.isnan(ordered)).sum(axis=1)
    rows = np.arange(len(ordered))
    lower = ordered[rows, np.maximum(known - 1, 0) // 2].astype(np.float64)
    upper = ordered[rows, known // 2].astype(np.float64)  # k known of k gives k // 2, which is a place of the array
    return np.where(known > 0, (lower + upper) / 2, otherwise)


def transform(sequences: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Features of whole sessions: (n, minutes) counts to inputs (n, minutes, 6) and references (n, minutes)."""
    count, minutes = sequences.shape
    levels = fresh_levels(count)
    inputs = np.empty((count, minutes, len(FEATURES)), np.float32)
    references = np.empty((count, minutes))
    for step in range(minutes):
        inputs[:, step], references[:, step] = observe(levels, sequences[:, step])
    return inputs, references
