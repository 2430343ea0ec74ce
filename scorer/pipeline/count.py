"""What a wave adds to the counts that metrics and summaries are made from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scorer.pipeline.contest import in_counts
from scorer.pipeline.decode import Records
from scorer.pipeline.partition import Tally
from scorer.pipeline.wave import STATUSES, WaveOutcome


def count_wave(
    tally: Tally,
    partition: int,
    categories: Sequence[str | None],
    category: NDArray[np.int64],
    records: Records,
    outcome: WaveOutcome,
) -> None:
    """Count one wave in, in place; `category` (n,) are the places of the records' categories among all."""
    tally.events += len(records.minute)
    for code, name in enumerate(STATUSES):
        tally.status[name] += int((outcome.status == code).sum())
    tally.blanks += outcome.blanks
    tally.gated += outcome.gated
    tally.sessions += outcome.sessions
    known = ~np.isnan(outcome.errors) & ~np.isnan(outcome.naive)
    tally.judged[:, 0] += known.sum(axis=0)
    tally.judged[:, 1] += np.where(known, outcome.errors, 0.0).sum(axis=0)
    tally.judged[:, 2] += np.where(known, outcome.naive, 0.0).sum(axis=0)
    low, high = outcome.newest[:, 0], outcome.newest[:, 2]
    met = ~np.isnan(records.value) & ~np.isnan(low)
    inside = met & (records.value >= low) & (records.value <= high)
    tally.covered = (tally.covered[0] + int(met.sum()), tally.covered[1] + int(inside.sum()))
    judged, network, mean = outcome.contest
    tally.contest += np.array([judged, in_counts(network), in_counts(mean)])
    _count_errors(tally, partition, categories, category, outcome)


def _count_errors(
    tally: Tally, partition: int, categories: Sequence[str | None], category: NDArray[np.int64], outcome: WaveOutcome
) -> None:
    """Add up errors at +1 by category, for whoever watches them drift."""
    error, naive = outcome.errors[:, 0], outcome.naive[:, 0]
    known = ~np.isnan(error) & ~np.isnan(naive)
    columns = np.ones(int(known.sum())), error[known], naive[known]
    sums = np.stack([np.bincount(category[known], column, len(categories)) for column in columns], axis=1)
    for place in np.unique(category).tolist():
        key = partition, categories[place] or ""
        tally.errors[key] = tally.errors.get(key, 0.0) + sums[place]
