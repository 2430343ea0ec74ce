"""The one feature definition: right against a slow oracle, blind to the future, the same bits for any cut."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from numpy.typing import NDArray

from roompulse.features import FEATURES, LEVEL_DTYPE, fresh_levels, observe, transform

MINUTES = 260


def oracle(counts: list[float]) -> tuple[list[list[float]], list[float]]:
    """The definition in plain Python, minute by minute from all that came before: slow and obvious."""
    inputs, references = [], []
    for now in range(len(counts)):
        seen = [count for count in counts[: now + 1] if not math.isnan(count)]
        weights = [0.2 * 0.8**age for age in range(len(seen))]
        total = sum(weight * count for weight, count in zip(weights, reversed(seen), strict=True))
        level = total / sum(weights) if seen else 0.0
        mean = 0.0
        for number, count in enumerate(seen, 1):
            mean += (count - mean) / min(number, 192)
        recent = [count for count in counts[max(0, now - 19) : now + 1] if not math.isnan(count)]
        median = statistics.median(recent) if recent else level
        reference = math.log1p(level)
        blank = math.isnan(counts[now])

        def relative(value: float, reference: float = reference) -> float:
            return min(max(math.log1p(value) - reference, -4.0), 4.0)

        inputs.append(
            [
                0.0 if blank else relative(counts[now]),
                relative(mean),
                relative(median),
                (min(max(reference, 0.0), 7.0) - 2.5) / 2,
                min(math.log1p(now) / 3, 1.6) - 1,
                float(blank),
            ]
        )
        references.append(reference)
    return inputs, references


def rooms(count: int, minutes: int = MINUTES) -> NDArray[np.float64]:
    """Rooms of all sizes with blanks, one of them blank from the start, one fractional."""
    rng = np.random.default_rng(3)
    counts = rng.poisson(np.exp(rng.uniform(-1, 7, (count, 1))), (count, minutes)).astype(np.float64)
    counts[rng.random(counts.shape) < 0.05] = np.nan
    counts[0, :25] = np.nan
    counts[1] *= 0.37
    counts[2, 30:60] = np.nan
    return counts


def same_bits(left: NDArray[np.generic], right: NDArray[np.generic]) -> bool:
    """Bit for bit, so that NaN equals NaN and 0 differs from -0."""
    return left.tobytes() == right.tobytes()


def test_features_equal_the_definition_written_out_in_plain_python() -> None:
    """Vectorised features agree with the oracle for rooms of all sizes, blanks and the capped running mean included."""
    counts = rooms(12)
    inputs, references = transform(counts)
    for row, room in enumerate(counts):
        expected, levels = oracle(room.tolist())
        np.testing.assert_allclose(inputs[row], expected, rtol=1e-5, atol=2e-6)
        np.testing.assert_allclose(references[row], levels, rtol=1e-9, atol=1e-12)


def test_the_future_changes_no_earlier_feature() -> None:
    """Shuffling, blanking or inflating what comes after a minute leaves every bit up to that minute alone."""
    counts = rooms(8)
    inputs, references = transform(counts)
    rng = np.random.default_rng(5)
    for cut in (1, 7, 20, 100, MINUTES - 1):
        changed = counts.copy()
        changed[:, cut:] = rng.permuted(changed[:, cut:], axis=1) * 9 + 1
        changed[::2, cut:] = np.nan
        again, levels = transform(changed)
        assert same_bits(again[:, :cut], inputs[:, :cut])
        assert same_bits(levels[:, :cut], references[:, :cut])


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_room_has_the_same_bits_in_any_company(size: int) -> None:
    """Rooms computed in groups of 1, 7 or 1,000 and in another order give the same bits and the same level state."""
    counts = rooms(1000, minutes=30)
    order = np.random.default_rng(9).permutation(len(counts))
    inputs, references = transform(counts)
    for first in range(0, 100 if size == 1 else len(order), size):
        chosen = order[first : first + size]
        again, levels = transform(counts[chosen])
        assert same_bits(again, inputs[chosen])
        assert same_bits(levels, references[chosen])


def test_stepping_equals_the_whole_sequence() -> None:
    """Minute by minute, with the state saved as bytes and read back in between, gives what `transform` gives."""
    counts = rooms(20, minutes=60)
    inputs, references = transform(counts)
    levels = fresh_levels(len(counts))
    for minute in range(counts.shape[1]):
        levels = np.frombuffer(levels.tobytes(), LEVEL_DTYPE).copy()
        step, reference = observe(levels, counts[:, minute])
        assert same_bits(step, inputs[:, minute])
        assert same_bits(reference, references[:, minute])


def test_inputs_are_finite_and_bounded_for_any_count() -> None:
    """The largest count that a record may hold, sudden silence and endless blanks stay within bounds."""
    counts = np.array([[1e12, 0.0] * 20, [np.nan] * 40, [0.0] * 39 + [1e12]])
    inputs, references = transform(counts)
    assert inputs.shape == (3, 40, len(FEATURES))
    assert np.isfinite(inputs).all()
    assert np.isfinite(references).all()
    assert np.abs(inputs).max() <= 4.0


def test_a_blank_holds_the_level_and_says_so() -> None:
    """While nothing comes the reference stays where it was and the blank flag is up."""
    inputs, references = transform(np.array([[10.0, 12.0, np.nan, np.nan, 11.0]]))
    assert references[0, 1] == references[0, 2] == references[0, 3]
    assert inputs[0, :, FEATURES.index("blank")].tolist() == [0, 0, 1, 1, 0]
