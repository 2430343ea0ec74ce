"""The arithmetic of the benches: does a lag grow, what does an event cost, how far apart are the runs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

GROWTH = 0.01
"""A lag that grows by less than this share of the events offered counts as not growing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What had been used up at one moment: `events` scored, and CPU seconds by process."""

    events: int
    cpu_s: Mapping[str, float]


def slope_of(times_s: Sequence[float], values: Sequence[float]) -> float:
    """The least-squares slope of `values`, a second. Raises ValueError for fewer than three samples."""
    if len(times_s) < 3:
        raise ValueError(f"got {len(times_s)} samples, expected at least 3")
    return statistics.linear_regression(times_s, values).slope


def grows(slope_per_s: float, offered_per_s: float) -> bool:
    """Whether a lag grows by more than the share `GROWTH` of the events offered."""
    return slope_per_s > GROWTH * offered_per_s


def cpu_us_per_event(before: Reading, after: Reading) -> dict[str, float]:
    """Microseconds of CPU an event between two readings, by process. Raises ValueError where nothing was scored."""
    events = after.events - before.events
    if events <= 0:
        raise ValueError("no event was scored between the two readings")
    return {name: (after.cpu_s[name] - used) / events * 1e6 for name, used in before.cpu_s.items()}


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each name over the runs."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}
