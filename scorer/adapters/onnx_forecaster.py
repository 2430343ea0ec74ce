"""The network behind the Forecaster port, run by onnxruntime on one thread."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

# From 1.29 on onnxruntime reports its use to its vendor unless told not to before it is imported. A monitor of other
# people's rooms tells nobody anything.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from roompulse import features
from roompulse.bundle import Bundle
from roompulse.errors import BundleError
from roompulse.forecasting import HORIZONS, OUTPUTS, QUANTILES

TOLERANCE = 1e-4
"""Golden vectors are compared in log space up to this. They are bit-equal on the machine that wrote them; another
processor adds the same products in vectors of another width, or fuses multiplications with additions, and lands up to
about 1e-6 away. A changed feature or weight shows up orders of magnitude above."""

INPUTS, STATES = ("x", "h0", "c0"), ("h", "c")

_ORT_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoModel,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class OnnxForecaster:
    """Implements `scorer.ports.Forecaster`. One thread: a process scores, more processes score more."""

    def __init__(self, session: ort.InferenceSession, units: int) -> None:
        self._session = session
        self._units = units

    @property
    def units(self) -> int:
        """Width of each of the two state vectors."""
        return self._units

    def step(
        self, inputs: NDArray[np.float32], h: NDArray[np.float32], c: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """One minute of n rooms: (n, features), (n, units) twice; gives (n, 3, 10) and the new states."""
        raw, h, c = self.sequence(inputs[:, None, :], h, c)
        return raw[:, 0], h, c

    def sequence(
        self, inputs: NDArray[np.float32], h: NDArray[np.float32], c: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Several minutes of n rooms at once: (n, minutes, features); gives (n, minutes, 3, 10) and the last states."""
        rooms, minutes = inputs.shape[:2]
        if not inputs.size:  # onnxruntime 1.32 divides by the number of rooms, and the process dies
            return np.empty((rooms, minutes, len(QUANTILES), HORIZONS), np.float32), h.copy(), c.copy()
        feed = dict(zip(INPUTS, map(np.ascontiguousarray, (inputs, h, c)), strict=True))
        raw, h, c = self._session.run(["raw", *STATES], feed)
        return raw.reshape(rooms, minutes, len(QUANTILES), HORIZONS), h, c


def open_forecaster(bundle: Bundle) -> OnnxForecaster:
    """Start the bundle's network and have it repeat the golden vectors.

    Raises BundleError where onnxruntime cannot run the file or something else comes out than when it was written.
    """
    try:
        forecaster = OnnxForecaster(_session(bundle.model), bundle.units)
        _repeat_golden(bundle, forecaster)
    except (*_ORT_ERRORS, ValueError) as error:
        raise BundleError(f"{bundle.folder}: onnxruntime cannot run the network: {error}") from error
    return forecaster


def _session(model: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # Batches differ in size all the time: a plan of the memory per size would be made anew and kept for each.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _repeat_golden(bundle: Bundle, forecaster: OnnxForecaster) -> None:
    golden = bundle.golden
    inputs, references = features.transform(golden.counts)
    _compare(bundle, "features", inputs, golden.inputs)
    _compare(bundle, "reference levels", references, golden.references)
    rooms, minutes = references.shape
    h = c = np.zeros((rooms, bundle.units), np.float32)
    outputs = np.empty((rooms, minutes, OUTPUTS), np.float32)
    for minute in range(minutes):
        raw, h, c = forecaster.step(inputs[:, minute], h, c)
        outputs[:, minute] = raw.reshape(rooms, OUTPUTS)
    _compare(bundle, "network outputs", outputs, golden.outputs)


def _compare(
    bundle: Bundle,
    what: str,
    got: NDArray[np.float32] | NDArray[np.float64],
    expected: NDArray[np.float32] | NDArray[np.float64],
) -> None:
    distance = float(np.max(np.abs(got - expected)))
    if not distance <= TOLERANCE:  # NaN is a disagreement too
        raise BundleError(
            f"{bundle.folder}: the golden {what} come out differently here (by {distance:.2g}, at most {TOLERANCE:g})"
        )
