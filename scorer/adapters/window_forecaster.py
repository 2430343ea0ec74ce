"""A windowed network behind the WindowForecaster port, run by onnxruntime on one thread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from roompulse.bundle import Bundle
from roompulse.forecasting import HORIZONS, OUTPUTS, QUANTILES
from roompulse.window import WindowSpecification, golden_minutes, look_ahead, network_inputs, relative, scaled
from scorer.adapters.onnx_session import compare, open_session

CHUNK = 256
"""Rows in one call: the states of all layers and minutes of more would not fit the processor's caches."""


class OnnxWindowForecaster:
    """Implements `scorer.ports.WindowForecaster`."""

    def __init__(self, session: InferenceSession, specification: WindowSpecification) -> None:
        self._session = session
        self._specification = specification

    @property
    def look_back(self) -> int:
        """Minutes that the network reads."""
        return self._specification.minutes

    def from_window(
        self, windows: NDArray[np.float32], minutes: NDArray[np.int64], references: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Windows (n, look_back, series), NaN for a blank, and the newest one's local minute; gives (n, 3, 10)."""
        raw = np.empty((len(windows), OUTPUTS), np.float32)
        for first in range(0, len(windows), CHUNK):
            rows = slice(first, first + CHUNK)
            ahead = look_ahead(self._specification, self.network, windows[rows], minutes[rows])
            raw[rows] = relative(self._specification, ahead, references[rows])
        return raw.reshape(len(windows), len(QUANTILES), HORIZONS)

    def network(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The bare network: scaled inputs (n, look_back, features), n above 0, to (n, 1) or (n, 10)."""
        outputs: NDArray[np.float32] = self._session.run(None, {"x": inputs})[0]
        return outputs


def open_window(bundle: Bundle, specification: WindowSpecification) -> OnnxWindowForecaster:
    """Start the bundle's network; it repeats the golden vectors. Raises BundleError, or one of ORT_ERRORS."""
    forecaster = OnnxWindowForecaster(open_session(bundle.model), specification)
    golden = bundle.golden
    windows = golden.counts.astype(np.float32)
    minutes = golden_minutes(len(windows))
    inputs = network_inputs(specification, scaled(specification, windows), minutes)
    compare(bundle, "window inputs", inputs, golden.inputs)
    raw = forecaster.from_window(windows, minutes, golden.references)
    compare(bundle, "network outputs", raw.reshape(len(raw), OUTPUTS), golden.outputs)
    return forecaster
