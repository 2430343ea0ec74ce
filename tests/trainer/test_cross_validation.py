"""Judging by rooms that were never seen, with trainings that run beside each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from roompulse.bundle import load_bundle
from trainer.cross_validation import FOLDS, cross_validate_and_fit, folds_by_room
from trainer.fitting import TrainingSettings, fit
from trainer.sessions import Session

SETTINGS = TrainingSettings(units=2, members=1, steps=3, batch_size=4)


def sessions() -> list[Session]:
    """Two sessions in each of six rooms."""
    rng = np.random.default_rng(0)
    return [
        Session(f"r{room}", start, rng.poisson(4.0 * (room + 1), 40).astype(float))
        for room in range(6)
        for start in (0, 100)
    ]


def test_a_room_is_learnt_from_or_judged_by_but_never_both() -> None:
    """Every session is judged once, by a fold that has none of its room; the seed decides which."""
    folds = folds_by_room(sessions(), seed=0)
    assert len(folds) == FOLDS
    for training, heldout in folds:
        assert not {session.room for session in training} & {session.room for session in heldout}
        assert len(training) + len(heldout) == len(sessions())
    assert sum(len(heldout) for _, heldout in folds) == len(sessions())


@pytest.mark.timeout(300)
def test_training_in_processes_gives_the_bits_of_training_here(tmp_path: Path) -> None:
    """Weights for all rooms as `fit` gives them, a forecast for each minute of each session, a bundle for each fold."""
    steps: list[int] = []
    scored, weights = cross_validate_and_fit(
        sessions(), [], SETTINGS, lambda member, step, loss: steps.append(step), tmp_path
    )
    for expected, got in zip(fit(sessions(), SETTINGS, lambda *_: None), weights, strict=True):
        np.testing.assert_array_equal(expected, got)
    assert sorted(steps) == sorted([1, 2, 3] * (FOLDS + 1))
    assert len(scored.truth) == sum(len(session.counts) for session in sessions())
    labels = [load_bundle(tmp_path / f"fold-{fold}").label for fold in range(FOLDS)]
    assert [label.partition("-1+")[0] for label in labels] == ["fold-0", "fold-1", "fold-2"]
