"""Which sessions are dead: what `describe` reports and `train` leaves out, by one rule.

A session with fewer than 15 measured minutes is `short`: forecasts reach ten minutes, and a few must come before. One
whose target is zero or missing in at least 90 % of its minutes is `silent`: nobody came, or nothing was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

LEAST_MINUTES = 15
DEAD_PERCENT = 90
REASONS = {
    "short": f"fewer than {LEAST_MINUTES} measured minutes",
    "silent": f"the target zero or missing in at least {DEAD_PERCENT} % of the minutes",
}


def why_dead(counts: NDArray[np.float64]) -> str | None:
    """`short` or `silent` for a session's counts, (minutes,) with NaN for a blank; None where it is alive."""
    if np.count_nonzero(~np.isnan(counts)) < LEAST_MINUTES:
        return "short"
    idle = len(counts) - np.count_nonzero(counts > 0)  # NaN is not above zero
    return "silent" if 100 * idle >= DEAD_PERCENT * len(counts) else None


def dead_text(dead: Mapping[str, int]) -> str:
    """How many sessions were dead, by reason, for people; empty where none was."""
    told = (f"{dead[reason]:,} with {text}" for reason, text in REASONS.items() if dead.get(reason))
    return "; ".join(told)
