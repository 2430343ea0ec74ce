"""The network: what merging and exporting promise. These tests run TensorFlow."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from roompulse.errors import BundleError
from roompulse.features import FEATURES, transform
from trainer import packing
from trainer.baselines import fit_ridge
from trainer.export import assert_equal, assert_servable, export
from trainer.fitting import one_thread
from trainer.linear import with_linear
from trainer.network import NetworkSettings, Weights, build, merge, pinball
from trainer.served_network import served_width
from trainer.sessions import Session


@pytest.fixture(scope="module", autouse=True)
def _deterministic() -> None:
    one_thread()


def some_weights(units: int, seed: int) -> Weights:
    """Weights that differ in every place."""
    rng = np.random.default_rng(seed)
    weights = build(NetworkSettings(units)).get_weights()
    return [rng.normal(0, 0.3, weight.shape).astype(np.float32) for weight in weights]


def test_the_export_is_one_fused_lstm_without_a_loop() -> None:
    """The graph that the scorer steps holds exactly one LSTM op, with dynamic batch and time."""
    network = onnx.load_from_string(export(some_weights(8, 0), {"name": "tiny"}))
    kinds = [node.op_type for node in network.graph.node]
    assert kinds.count("LSTM") == 1
    assert not {"Loop", "Scan"} & set(kinds)
    axes = {value.name: [axis.dim_param for axis in value.type.tensor_type.shape.dim] for value in network.graph.input}
    assert axes == {"x": ["batch", "time", ""], "h0": ["batch", ""], "c0": ["batch", ""]}
    assert {entry.key: entry.value for entry in network.metadata_props} == {"name": "tiny"}


def test_onnx_equals_keras() -> None:
    """Within 1e-5 for several batch sizes and lengths; a changed weight is noticed."""
    weights = some_weights(8, 1)
    data = export(weights, {})
    model = build(NetworkSettings(8))
    model.set_weights(weights)
    assert assert_equal(model, data, 8) <= 1e-5
    weights[5][0, 0] += 0.01
    model.set_weights(weights)
    with pytest.raises(BundleError, match="differs from Keras"):
        assert_equal(model, data, 8)


def test_a_graph_with_a_loop_is_refused() -> None:
    """Whatever else is in it: a loop would cost the scorer ten times the time."""
    node = onnx.helper.make_node("Loop", ["a", "b"], ["c"])
    network = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], []))
    with pytest.raises(BundleError, match="no fused LSTM or a loop"):
        assert_servable(network)


def test_the_same_weights_export_to_the_same_bytes() -> None:
    """A second conversion in the same process, with other names inside TensorFlow, changes no byte."""
    weights = some_weights(8, 2)
    assert export(weights, {"b": "2", "a": "1"}) == export(weights, {"a": "1", "b": "2"})


def test_a_merged_network_gives_the_mean_of_its_members() -> None:
    """Members of different widths, over a whole sequence: exact but for rounding."""
    members = [some_weights(4, 3), some_weights(8, 4), some_weights(4, 5)]
    x = np.random.default_rng(6).uniform(-2, 2, (3, 30, len(FEATURES))).astype(np.float32)
    outputs = [run(export(member, {}), member[1].shape[0], x) for member in members]
    merged = merge(members)
    assert merged[1].shape == (16, 64)
    np.testing.assert_allclose(run(export(merged, {}), 16, x), np.mean(outputs, axis=0), atol=2e-6)


def run(model: bytes, units: int, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Raw outputs from fresh states."""
    zeros = np.zeros((len(x), units), np.float32)
    return np.asarray(ort.InferenceSession(model).run(["raw"], {"x": x, "h0": zeros, "c0": zeros})[0])


def test_an_untrained_network_leans_on_the_median() -> None:
    """The skip starts at 0.3 to 0.9 of the median's log ratio, with the head's part near its biases."""
    model = build(NetworkSettings(16))
    x = np.zeros((1, 1, len(FEATURES)), np.float32)
    zeros = np.zeros((1, 16), np.float32)
    plain = np.asarray(model([x, zeros, zeros])[0])[0, 0]
    x[..., FEATURES.index("median")] = 1.0
    leaning = np.asarray(model([x, zeros, zeros])[0])[0, 0] - plain
    np.testing.assert_allclose(plain[[0, 10, 20]], [-0.6, 0.0, 0.5], atol=0.05)
    np.testing.assert_allclose(leaning[10:20], np.linspace(0.3, 0.9, 10), atol=0.05)


def test_the_loss_is_the_pinball_loss_of_the_definition() -> None:
    """Against a plain loop, with unknown targets and horizon weights, from the first minute on."""
    rng = np.random.default_rng(8)
    raw = rng.normal(0, 0.5, (2, 5, 30)).astype(np.float32)
    reference = rng.uniform(0, 3, (2, 5)).astype(np.float32)
    targets = rng.poisson(5.0, (2, 5, 10)).astype(np.float32)
    targets[0, 3, 4:] = np.nan
    weights = rng.uniform(0.3, 1, (2, 10)).astype(np.float32)
    total = weight_sum = 0.0
    for room in range(2):
        for minute in range(5):
            for horizon in range(10):
                target = targets[room, minute, horizon]
                if np.isnan(target):
                    continue
                weight_sum += weights[room, horizon]
                for index, (quantile, importance) in enumerate(((0.1, 1), (0.5, 2), (0.9, 1))):
                    error = target - np.expm1(reference[room, minute] + raw[room, minute, index * 10 + horizon])
                    loss = max(quantile * error, (quantile - 1) * error) / np.exp(reference[room, minute])
                    total += weights[room, horizon] * importance * loss
    expected = total / weight_sum / 4
    got = float(pinball(*map(tf.constant, (raw, reference, targets, weights))))
    assert got == pytest.approx(expected, rel=1e-5)


def test_the_loss_has_a_gradient_where_targets_are_unknown() -> None:
    """A room that ends must not poison the weights with NaN."""
    raw = tf.Variable(tf.zeros((1, 4, 30)))
    with tf.GradientTape() as tape:
        loss = pinball(raw, tf.ones((1, 4)), tf.fill((1, 4, 10), np.nan), tf.ones((1, 10)))
    assert np.isfinite(np.asarray(tape.gradient(loss, raw))).all()


def test_the_linear_member_is_in_the_graph_exactly() -> None:
    """With a share of 1 the median is ridge regression's, through a blank; stepped or at once alike."""
    rng = np.random.default_rng(9)
    training = [Session(f"r{room}", 0, rng.poisson(4.0 * (room + 1), 60).astype(float)) for room in range(4)]
    weights = with_linear(some_weights(8, 10), training, (1.0, 1.0))
    model = export(weights, {})
    counts = rng.poisson(9.0, 50).astype(float)
    counts[20:24] = np.nan
    room = Session("new", 0, counts)
    inputs, references = transform(counts[None])
    raw = run(model, served_width(weights), inputs)
    expected = np.log1p(fit_ridge(training)(room))
    made = ~np.isnan(counts)
    np.testing.assert_allclose((references[0][:, None] + raw[0][:, 10:20])[made], expected[made], atol=1e-4)
    np.testing.assert_array_equal(packing.run(model, inputs, 16, stepwise=True), packing.run(model, inputs, 16))


def test_half_a_linear_member_is_halfway() -> None:
    """Every quantile moves with the median by half of what lies between network and regression."""
    rng = np.random.default_rng(11)
    training = [Session(f"r{room}", 0, rng.poisson(4.0 * (room + 1), 60).astype(float)) for room in range(4)]
    weights = some_weights(8, 12)
    inputs, _ = transform(rng.poisson(9.0, (2, 30)).astype(float))
    none, half, whole = (run(export(with_linear(weights, training, (s, s)), {}), 16, inputs) for s in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(half, (none + whole) / 2, atol=1e-5)
    np.testing.assert_allclose(none, run(export(weights, {}), 8, inputs), atol=1e-5)
