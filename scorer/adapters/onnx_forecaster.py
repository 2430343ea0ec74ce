"""The step network behind the StepForecaster port, run by onnxruntime on one thread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from roompulse import features
from roompulse.bundle import Bundle
from roompulse.forecasting import HORIZONS, OUTPUTS, QUANTILES
from scorer.adapters.onnx_session import compare, open_session

INPUTS, STATES = ("x", "h0", "c0"), ("h", "c")


class OnnxForecaster:
    """Implements `scorer.ports.StepForecaster`. One thread: a process scores, more processes score more."""

    def __init__(self, session: InferenceSession, units: int) -> None:
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


def open_step(bundle: Bundle) -> OnnxForecaster:
    """Start the bundle's network; it repeats the golden vectors. Raises BundleError, or one of ORT_ERRORS."""
    forecaster = OnnxForecaster(open_session(bundle.model), bundle.units)
    golden = bundle.golden
    inputs, references = features.transform(golden.counts)
    compare(bundle, "features", inputs, golden.inputs)
    compare(bundle, "reference levels", references, golden.references)
    rooms, minutes = references.shape
    h = c = np.zeros((rooms, bundle.units), np.float32)
    outputs = np.empty((rooms, minutes, OUTPUTS), np.float32)
    for minute in range(minutes):
        raw, h, c = forecaster.step(inputs[:, minute], h, c)
        outputs[:, minute] = raw.reshape(rooms, OUTPUTS)
    compare(bundle, "network outputs", outputs, golden.outputs)
    return forecaster
