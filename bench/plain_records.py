"""Records that say nothing but a count: what the benches send through the scorer's waves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roompulse.rooms import DRIVERS
from scorer.pipeline.decode import Records


def plain_records(minute: NDArray[np.int64], counts: NDArray[np.float64]) -> Records:
    """One record for each of n rooms, from epoch minutes (n,) and counts (n,); no channels, no category, no end."""
    rooms = len(counts)
    return Records(
        minute,
        np.zeros(rooms, np.int16),
        counts,
        np.zeros(rooms, np.bool_),
        np.full((rooms, DRIVERS), np.nan),
        np.zeros(rooms, np.uint32),
    )
