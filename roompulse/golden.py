"""Golden vectors: what features and network made of some counts where a bundle was written."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roompulse import features
from roompulse.errors import BundleError
from roompulse.forecasting import OUTPUTS
from roompulse.window import WindowSpecification


@dataclass(frozen=True, slots=True)
class Golden:
    """A few sessions with what must come out of them, or a few windows with the same at their end."""

    counts: NDArray[np.float64]
    """(rooms, minutes), counts a minute, NaN for a blank. Windows: (rooms, minutes, series)."""
    inputs: NDArray[np.float32]
    """(rooms, minutes, features)."""
    references: NDArray[np.float64]
    """(rooms, minutes), log1p of the running level. Windows: (rooms,), any level."""
    outputs: NDArray[np.float32]
    """(rooms, minutes, 30), the network's raw outputs. Windows: (rooms, 30), relative to the level."""


def pack_golden(golden: Golden) -> bytes:
    """The arrays as one compressed file; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: getattr(golden, name) for name in Golden.__dataclass_fields__})
    return buffer.getvalue()


def unpack_golden(data: bytes) -> Golden:
    """Read them back. Raises KeyError, ValueError or BadZipFile where they are something else."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return Golden(**{name: arrays[name] for name in Golden.__dataclass_fields__})


def check_golden(path: Path, sees: WindowSpecification | None, golden: Golden) -> None:
    """Raise BundleError unless the arrays have the shapes of a step network's, or of one that `sees` a window."""
    rooms, minutes = golden.counts.shape[:2]
    shapes = golden.counts.shape, golden.inputs.shape, golden.references.shape, golden.outputs.shape
    if sees is None:
        expected: tuple[tuple[int, ...], ...] = (
            (rooms, minutes),
            (rooms, minutes, len(features.FEATURES)),
            (rooms, minutes),
            (rooms, minutes, OUTPUTS),
        )
    else:
        expected = (rooms, sees.minutes, sees.series), (rooms, sees.minutes, sees.inputs), (rooms,), (rooms, OUTPUTS)
    if shapes != expected:
        raise BundleError(f"{path}: arrays of unexpected shapes {shapes}")
