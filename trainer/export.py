"""Keras to ONNX by tf2onnx, put into one canonical form, and asserted to be what the scorer needs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import tensorflow as tf
import tf2onnx
from onnx import helper

from roompulse.errors import BundleError
from roompulse.features import FEATURES
from roompulse.forecasting import OUTPUTS
from trainer.network import NetworkSettings, Weights, build, state_width
from trainer.served_network import build_served, has_linear, served_width, set_served

OPSET = 17
TOLERANCE = 1e-5
OUTPUT_NAMES = ("raw", "h", "c")


def export(weights: Weights, metadata: Mapping[str, str]) -> bytes:
    """The network as ONNX bytes: inputs x, h0, c0; outputs raw, h, c; dynamic batch and time.

    Raises BundleError where the exported network is not one fused LSTM or disagrees with Keras. The same weights and
    metadata give the same bytes.
    """
    units = served_width(weights)
    if has_linear(weights):
        model = build_served(state_width(weights))
        set_served(model, weights)
    else:
        model = build(NetworkSettings(units))
        model.set_weights(weights)
    signature = [
        tf.TensorSpec((None, None, len(FEATURES)), tf.float32, name="x"),
        tf.TensorSpec((None, units), tf.float32, name="h0"),
        tf.TensorSpec((None, units), tf.float32, name="c0"),
    ]
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    converted, _ = tf2onnx.convert.from_keras(model, input_signature=signature, opset=OPSET)
    network = canonical(converted, metadata)
    data = bytes(network.SerializeToString(deterministic=True))
    assert_servable(network)
    assert_equal(model, data, units)
    return data


def canonical(
    model: Any, metadata: Mapping[str, str], title: str = "step", outputs: Sequence[str] = OUTPUT_NAMES
) -> Any:
    """The same network with nothing in it that differs from run to run: names by position, weights sorted."""
    graph = onnx.ModelProto.FromString(model.SerializeToString()).graph
    names = {value.name: value.name for value in graph.input}
    names |= dict(zip((value.name for value in graph.output), outputs, strict=True))
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes = _in_order(graph)
    kept: list[Any] = []
    for position, node in enumerate(nodes):
        node.name = f"{node.op_type}_{position}"
        node.doc_string = ""
        for name in node.input:
            if name in weights and name not in names:
                names[name] = f"weight_{len(kept)}"
                kept.append(weights[name])
        for name in filter(None, node.output):
            names.setdefault(name, f"value_{len(names)}")
        node.input[:] = [names[name] if name else "" for name in node.input]
        node.output[:] = [names[name] if name else "" for name in node.output]
    for tensor in kept:
        tensor.name = names[tensor.name]
        tensor.doc_string = ""
    states = {value.name: _width(value) for value in graph.input}
    inputs = [_described(value, names, OUTPUTS) for value in graph.input]
    # Where the converter lost track of a width, a state that goes out is as wide as the one that came in.
    given = [_described(value, names, states.get(f"{names[value.name]}0", OUTPUTS)) for value in graph.output]
    network = helper.make_model(
        helper.make_graph(nodes, title, inputs, given, kept),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
        producer_name="roompulse",
    )
    helper.set_model_props(network, dict(sorted(metadata.items())))
    onnx.checker.check_model(network, full_check=True)
    return network


def _in_order(graph: Any) -> list[Any]:
    """Nodes so that each comes after what it needs. The converter's own order hangs on the hashes of names."""
    maker = {name: node for node in graph.node for name in node.output if name}
    ordered: list[Any] = []
    done: set[int] = set()

    def visit(name: str) -> None:
        node = maker.get(name)
        if node is not None and id(node) not in done:
            done.add(id(node))
            for needed in node.input:
                visit(needed)
            ordered.append(node)

    for output in graph.output:
        visit(output.name)
    return ordered


def _width(value: Any) -> int:
    return int(value.type.tensor_type.shape.dim[-1].dim_value)


def _described(value: Any, names: Mapping[str, str], otherwise: int) -> Any:
    """An input or output with named dynamic axes: batch, then time where there are three."""
    axes = ["batch", "time"][: len(value.type.tensor_type.shape.dim) - 1]
    shape = [*axes, _width(value) or otherwise]
    return helper.make_tensor_value_info(names[value.name], onnx.TensorProto.FLOAT, shape)


def assert_servable(network: Any) -> None:
    """Raise BundleError unless the graph is built around fused LSTMs, without a loop."""
    found = {node.op_type for node in network.graph.node}
    if "LSTM" not in found or found & {"Loop", "Scan"}:
        raise BundleError(f"the exported network has no fused LSTM or a loop: {', '.join(sorted(found))}")


def assert_equal(model: Any, data: bytes, units: int) -> float:
    """Compare Keras with ONNX over several batch sizes and lengths; returns the largest distance.

    Raises BundleError where it is above 1e-5.
    """
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    distance = 0.0
    for batch, time in ((1, 1), (3, 1), (2, 40)):
        x = rng.uniform(-2, 2, (batch, time, len(FEATURES))).astype(np.float32)
        h0, c0 = rng.uniform(-1, 1, (2, batch, units)).astype(np.float32)
        expected = model([x, h0, c0], training=False)
        got = session.run(list(OUTPUT_NAMES), {"x": x, "h0": h0, "c0": c0})
        distance = max(
            distance, *(float(np.max(np.abs(a - np.asarray(b)))) for a, b in zip(got, expected, strict=True))
        )
    if not distance <= TOLERANCE:
        raise BundleError(
            f"the exported network differs from Keras by {distance:.2g}, at most {TOLERANCE:g} is allowed"
        )
    return distance
