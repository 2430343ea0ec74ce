"""Windowed networks with random weights, made without TensorFlow: the operators that the exporter writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from roompulse import window
from roompulse.bundle import Bundle, Specification, write_bundle
from roompulse.channels import DEFAULT_CHANNELS
from roompulse.forecasting import HORIZONS
from roompulse.golden import Golden
from roompulse.rooms import DRIVERS
from roompulse.window import WindowSpecification, golden_minutes, look_ahead, network_inputs, relative, scaled
from scorer.adapters.onnx_session import open_session
from scorer.adapters.window_forecaster import OnnxWindowForecaster

RESIDUALS = tuple(tuple(float(z * (0.3 + 0.02 * h)) for h in range(HORIZONS)) for z in (-1, 0, 1))


def network(features: int, units: tuple[int, ...], outputs: int, seed: int = 0) -> bytes:
    """Stacked LSTMs and a dense layer on the last minute, as ONNX bytes."""
    rng = np.random.default_rng(seed)
    nodes = [helper.make_node("Transpose", ["x"], ["s0"], perm=[1, 0, 2])]
    weights = {"one": np.array([1], np.int64), "zero": np.array([0], np.int64)}
    width = features
    for layer, size in enumerate(units, 1):
        for name, shape in (("W", (1, 4 * size, width)), ("R", (1, 4 * size, size)), ("B", (1, 8 * size))):
            weights[f"{name}{layer}"] = (rng.normal(0, 1.5 / np.sqrt(width), shape)).astype(np.float32)
        inputs = [f"s{layer - 1}", f"W{layer}", f"R{layer}", f"B{layer}"]
        last = layer == len(units)
        given = ["", f"y{layer}"] if last else [f"y{layer}"]
        nodes.append(helper.make_node("LSTM", inputs, given, hidden_size=size))
        nodes.append(helper.make_node("Squeeze", [f"y{layer}", "zero" if last else "one"], [f"s{layer}"]))
        width = size
    weights["head"] = rng.normal(0, 0.3, (width, outputs)).astype(np.float32)
    weights["bias"] = rng.normal(0.3, 0.1, outputs).astype(np.float32)
    nodes.append(helper.make_node("MatMul", [f"s{len(units)}", "head"], ["product"]))
    nodes.append(helper.make_node("Add", ["product", "bias"], ["ahead"]))
    graph = helper.make_graph(
        nodes,
        "window",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", "time", features])],
        [helper.make_tensor_value_info("ahead", onnx.TensorProto.FLOAT, ["batch", outputs])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def specification(minutes: int, series: int = 1, **changes: object) -> WindowSpecification:
    """What a bundle says of a window of `minutes` that rooms of about 50 a minute fit."""
    given = {
        "preset": "tiny",
        "minutes": minutes,
        "series": series,
        "fill": "zero",
        "center": (0.0,) * series,
        "scale": (100.0,) * series,
        "direct": False,
        "time_features": False,
        "residuals": RESIDUALS,
        "channels": DEFAULT_CHANNELS.vocabulary if series == DRIVERS else (),
    }
    return WindowSpecification(**given | changes)  # type: ignore[arg-type]


def bundle_at(
    folder: Path, sees: WindowSpecification, units: tuple[int, ...] = (6, 5), kind: str = "window", wrong: float = 0.0
) -> Bundle:
    """A whole bundle of such a network; its golden outputs may be wrong by so much."""
    model = network(sees.inputs, units, HORIZONS if sees.direct else 1)
    rng = np.random.default_rng(1)
    counts = rng.poisson(40, (3, sees.minutes, sees.series)).astype(np.float64)
    counts[1, : sees.minutes // 2] = np.nan
    minutes, references = golden_minutes(3), np.array([1.0, 2.0, 3.0])
    windows = counts.astype(np.float32)
    run = OnnxWindowForecaster(open_session(model), sees).network
    inputs = network_inputs(sees, scaled(sees, windows), minutes)
    outputs = relative(sees, look_ahead(sees, run, windows, minutes), references) + np.float32(wrong)
    about = Specification(
        name="tiny",
        version="1",
        units=0,
        data_hash="0" * 64,
        rules={},
        window_minutes=max(60, sees.minutes),
        kind=kind,
        features=window.FINGERPRINT,
        window=sees,
    )
    return write_bundle(folder, about, model, {}, Golden(counts, inputs, references, outputs), b"<html></html>")
