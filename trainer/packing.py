"""The last step: weights to a verified bundle, with golden vectors from rooms that never were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from roompulse import features
from roompulse.bundle import Bundle, Specification, write_bundle
from roompulse.forecasting import OUTPUTS, QUANTILES
from roompulse.golden import Golden
from trainer.network import Weights
from trainer.served_network import served_width
from trainer.synthetic import synthetic

GOLDEN_ROOMS, GOLDEN_MINUTES = 4, 40


def metadata(name: str, version: str, data_hash: str) -> dict[str, str]:
    """What model.onnx says of itself, for whoever meets the file alone."""
    return {
        "name": name,
        "version": version,
        "features": features.FINGERPRINT,
        "quantiles": json.dumps(QUANTILES),
        "data_hash": data_hash,
    }


def pack(
    folder: Path,
    name: str,
    version: str,
    weights: Weights,
    model: bytes,
    data_hash: str,
    card: Mapping[str, Any],
    report: str | None = None,
) -> Bundle:
    """Write the bundle to `folder`. Raises BundleError where that exists."""
    units = served_width(weights)
    specification = Specification(name=name, version=version, units=units, data_hash=data_hash, rules={})
    page = None if report is None else report.encode()
    return write_bundle(folder, specification, model, card, golden_of(model, units), page)


def golden_of(model: bytes, units: int) -> Golden:
    """A few generated sessions, with blanks, run through features and network minute by minute."""
    counts = synthetic(np.random.default_rng(20), GOLDEN_ROOMS, GOLDEN_MINUTES)
    counts[1, 12:17] = np.nan
    counts[2, :3] = np.nan
    inputs, references = features.transform(counts)
    return Golden(counts, inputs, references, run(model, inputs, units, stepwise=True))


def run(model: bytes, inputs: NDArray[np.float32], units: int, *, stepwise: bool = False) -> NDArray[np.float32]:
    """Raw outputs (n, minutes, 30) of exported bytes for inputs (n, minutes, 6), on one thread, from fresh states."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    rooms, minutes = inputs.shape[:2]
    h = c = np.zeros((rooms, units), np.float32)
    raw = np.empty((rooms, minutes, OUTPUTS), np.float32)
    length = 1 if stepwise else minutes
    for first in range(0, minutes, length):
        part = slice(first, first + length)
        raw[:, part], h, c = session.run(["raw", "h", "c"], {"x": inputs[:, part], "h0": h, "c0": c})
    return raw
