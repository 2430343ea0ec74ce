"""The network behind the Forecaster port: the shipped bundle, run by onnxruntime."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from roompulse.bundle import Bundle, default_bundle, load_bundle
from roompulse.errors import BundleError
from roompulse.features import FEATURES
from scorer.adapters.networks import open_forecaster
from scorer.adapters.onnx_forecaster import OnnxForecaster, open_step

Floats = NDArray[np.float32]


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    """The default bundle."""
    return load_bundle(default_bundle())


@pytest.fixture(scope="module")
def forecaster(shipped: Bundle) -> OnnxForecaster:
    """Its network, ready to step."""
    return open_step(shipped)


def rows(count: int, units: int) -> tuple[Floats, Floats, Floats]:
    """Inputs and states of rooms in the middle of things."""
    rng = np.random.default_rng(count)
    inputs = rng.uniform(-2, 2, (count, len(FEATURES))).astype(np.float32)
    h, c = rng.uniform(-1, 1, (2, count, units)).astype(np.float32)
    return inputs, h, c


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_row_has_the_same_bits_in_any_company(forecaster: OnnxForecaster, size: int) -> None:
    """Rows computed 1, 7 or 4,096 at a time, in another order, have the bits of all 5,000 at once."""
    inputs, h, c = rows(5000, forecaster.units)
    together = forecaster.step(inputs, h, c)
    order = np.random.default_rng(1).permutation(len(inputs))[: 500 if size == 1 else None]
    for first in range(0, len(order), size):
        chosen = order[first : first + size]
        for part, whole in zip(forecaster.step(inputs[chosen], h[chosen], c[chosen]), together, strict=True):
            assert part.tobytes() == whole[chosen].tobytes()


def test_stepping_equals_the_whole_sequence_at_once(forecaster: OnnxForecaster) -> None:
    """Minute by minute with the state handed on gives the bits of the same minutes in one call."""
    rng = np.random.default_rng(2)
    inputs = rng.uniform(-2, 2, (33, 50, len(FEATURES))).astype(np.float32)
    h = c = np.zeros((33, forecaster.units), np.float32)
    raw, last_h, last_c = forecaster.sequence(inputs, h, c)
    for minute in range(inputs.shape[1]):
        step, h, c = forecaster.step(inputs[:, minute], h, c)
        assert step.tobytes() == np.ascontiguousarray(raw[:, minute]).tobytes()
    assert (h.tobytes(), c.tobytes()) == (last_h.tobytes(), last_c.tobytes())


def test_strided_views_of_the_room_state_are_accepted(forecaster: OnnxForecaster) -> None:
    """Columns of a structured array, as the room state is one, give the same as contiguous copies."""
    inputs, h, c = rows(40, forecaster.units)
    state = np.zeros(40, [("before", "<i4"), ("h", "<f4", (forecaster.units,)), ("c", "<f4", (forecaster.units,))])
    state["h"], state["c"] = h, c
    for part, whole in zip(forecaster.step(inputs, state["h"], state["c"]), forecaster.step(inputs, h, c), strict=True):
        assert part.tobytes() == whole.tobytes()


def test_shapes_are_those_of_the_port(forecaster: OnnxForecaster) -> None:
    """Outputs are (n, quantiles, horizons) and the states keep their width, for no rows too."""
    for count in (0, 3):
        outputs, h, c = forecaster.step(*rows(count, forecaster.units))
        assert outputs.shape == (count, 3, 10)
        assert h.shape == c.shape == (count, forecaster.units)


def test_a_bundle_whose_golden_outputs_disagree_is_refused(shipped: Bundle) -> None:
    """A difference of a thousandth in one output is enough."""
    outputs = shipped.golden.outputs.copy()
    outputs[1, 5, 7] += 1e-3
    golden = dataclasses.replace(shipped.golden, outputs=outputs)
    with pytest.raises(BundleError, match="golden network outputs come out differently"):
        open_forecaster(dataclasses.replace(shipped, golden=golden))


def test_a_bundle_whose_golden_features_disagree_is_refused(shipped: Bundle) -> None:
    """Features that changed without a new fingerprint are noticed, NaN included."""
    inputs = shipped.golden.inputs.copy()
    inputs[0, 0, 0] = np.nan
    golden = dataclasses.replace(shipped.golden, inputs=inputs)
    with pytest.raises(BundleError, match="golden features"):
        open_forecaster(dataclasses.replace(shipped, golden=golden))


@pytest.mark.parametrize("model", [b"", b"no network", b"\x08\x08"])
def test_what_onnxruntime_cannot_run_is_a_bundle_error(shipped: Bundle, model: bytes) -> None:
    """Whatever onnxruntime says of a damaged file, the person who runs the scorer reads which bundle it is."""
    with pytest.raises(BundleError, match="cannot run the network"):
        open_forecaster(dataclasses.replace(shipped, model=model))


def test_a_network_cut_short_is_a_bundle_error(shipped: Bundle) -> None:
    """The same for the real file with its end missing."""
    with pytest.raises(BundleError, match="cannot run the network"):
        open_forecaster(dataclasses.replace(shipped, model=shipped.model[: len(shipped.model) // 2]))


def test_a_network_of_another_width_is_a_bundle_error(shipped: Bundle) -> None:
    """A manifest that names other units than the network has is refused when the golden vectors are repeated."""
    specification = dataclasses.replace(shipped.specification, units=shipped.units + 1)
    with pytest.raises(BundleError, match="cannot run the network"):
        open_forecaster(dataclasses.replace(shipped, specification=specification))
