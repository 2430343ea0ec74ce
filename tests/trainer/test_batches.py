"""Training batches: right targets, real and generated halves, blanks, and the same again from the same seed."""

from __future__ import annotations

from itertools import islice

import numpy as np

from roompulse.naive import targets_of
from trainer.batches import CROP_MINUTES, SYNTHETIC_WEIGHTS, batches
from trainer.sessions import Session
from trainer.synthetic import synthetic


def rooms() -> list[Session]:
    """A short, a long and a holed session."""
    rng = np.random.default_rng(0)
    holed = rng.poisson(30.0, 100).astype(float)
    holed[40:45] = np.nan
    return [
        Session("a", 0, rng.poisson(5.0, 20).astype(float)),
        Session("b", 0, rng.poisson(80.0, 500) / 2),
        Session("c", 0, holed),
    ]


def test_targets_are_the_next_ten_minutes() -> None:
    """Target h of minute t is the count of minute t + h, unknown past the end."""
    targets = targets_of(np.arange(15.0)[None])[0]
    assert targets[0].tolist() == list(range(1, 11))
    assert targets[12, :2].tolist() == [13, 14]
    assert np.isnan(targets[12, 2:]).all()
    assert np.isnan(targets[14]).all()


def test_a_batch_is_half_real_half_generated() -> None:
    """Shapes fit, inputs are finite, and the second half carries the horizon weights of generated rooms."""
    batch = next(batches(rooms(), [], np.random.default_rng(1), 12))
    assert batch.inputs.shape == (12, CROP_MINUTES, 6)
    assert batch.targets.shape == (12, CROP_MINUTES, 10)
    assert np.isfinite(batch.inputs).all()
    assert (batch.horizon_weights[:6] == 1).all()
    np.testing.assert_allclose(batch.horizon_weights[6:], np.tile(SYNTHETIC_WEIGHTS, (6, 1)), rtol=1e-6)


def test_simulated_sessions_take_every_second_place_of_the_generated_half() -> None:
    """A simulated room that is unmistakable shows up in half of the generated rows and nowhere else."""
    marked = Session("simulated", 0, np.full(300, 123_456.0))
    batch = next(batches(rooms(), [marked], np.random.default_rng(1), 8))
    found = np.nanmax(batch.targets, axis=(1, 2)) == 123_456
    assert found.tolist() == [False] * 4 + [True, False, True, False]


def test_the_same_seed_gives_the_same_batches() -> None:
    """Bit for bit over several batches; another seed gives others."""
    first, again, other = (
        [b"".join(part.tobytes() for part in batch) for batch in islice(batches(rooms(), [], generator, 4), 12)]
        for generator in map(np.random.default_rng, (7, 7, 8))
    )
    assert first == again
    assert first != other


def test_generated_rooms_are_counts_of_all_sizes() -> None:
    """Whole numbers from nothing to thousands, over-dispersed against Poisson."""
    counts = synthetic(np.random.default_rng(0), 400, 120)
    assert counts.shape == (400, 120)
    assert (counts >= 0).all()
    assert (counts == np.rint(counts)).all()
    means = counts.mean(axis=1)
    assert means.min() < 1
    assert means.max() > 200
    assert np.median(counts.var(axis=1) / np.maximum(means, 0.1)) > 1.5
