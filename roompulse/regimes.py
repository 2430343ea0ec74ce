"""What is remembered of a series to tell how rare its last minutes are; `scorer/pipeline/regime.py` moves it on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEATURES = ("shift", "ramp", "day", "volatility")
HOURS = 24

REGIME_DTYPE = np.dtype(
    [
        ("ticks", "<f4"),  # measured so far
        ("level", "<f4"),  # running mean of |value|: the unit of shift, ramp and day
        ("spread", "<f4"),  # running mean of |z|
        ("means", "<f4", (4,)),  # of the value: last ticks, last hundred, last fifteen, last thousand
        ("widths", "<f4", (2,)),  # of |z|: last fifty, last three hundred
        ("apart", "<f4"),  # running mean of the distance from the day's profile
        ("profile", "<f4", (HOURS,)),  # NaN: an hour not seen yet
        ("quantile", "<f4", (len(FEATURES),)),
        ("excess", "<f4", (len(FEATURES),)),
    ]
)
"""One series; `fresh_regimes` makes them."""

NORMAL_SPREAD = 0.8
"""Mean of |z| where z is standard normal: what a series' spread starts from."""


def fresh_regimes(count: int) -> NDArray[np.void]:
    """States of series that nobody has seen, shape (count,)."""
    state = np.zeros(count, REGIME_DTYPE)
    state["spread"] = NORMAL_SPREAD
    state["widths"] = NORMAL_SPREAD
    state["profile"] = np.nan
    return state
