"""Windowed networks in Keras and in ONNX: the same numbers, fused LSTMs whatever the activation."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import onnx
import pytest

from roompulse.errors import BundleError
from roompulse.window import padded
from trainer.preset_network import build, export, network_of
from trainer.preset_training import ELU_ROWS
from trainer.presets import ACTIVATIONS, PRESETS

TINY = replace(PRESETS["univariate-1"], units=(4, 3), dropout=0.2, l2=1e-4)
EXAMPLES = np.random.default_rng(0).uniform(0, 1, (5, 8, 2)).astype(np.float32)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_keeps_the_fused_lstm(activation: str) -> None:
    """What is not the LSTM's own stands after it; rows are bit-equal alone, by seven and among 4,096."""
    keras.utils.set_random_seed(1)
    model = build(replace(TINY, activation=activation), 2)
    data = export(model, EXAMPLES, {"name": "tiny"})
    found = [node.op_type for node in onnx.load_from_string(data).graph.node]
    assert found.count("LSTM") == 2
    named = {"tanh": None, "relu": "Relu", "leaky_relu": "LeakyRelu", "elu": "Elu"}[activation]
    assert named is None or found.count(named) == 2
    inputs = np.random.default_rng(1).uniform(-1, 2, (4096, 8, 2)).astype(np.float32)
    run = padded(network_of(data), ELU_ROWS if activation == "elu" else 1)
    together = run(inputs)
    for size in (1, 7):
        parts = [run(inputs[first : first + size]) for first in range(0, 70, size)]
        assert np.concatenate(parts).tobytes() == together[:70].tobytes()


def test_a_network_whose_lstm_is_a_loop_is_refused() -> None:
    """An activation inside the LSTM would cost the fused operator: the export refuses it."""
    x = keras.Input((None, 2), name="x")
    slow = keras.layers.LSTM(3, recurrent_activation="hard_sigmoid")(x)
    model = keras.Model(x, keras.layers.Dense(1)(slow))
    with pytest.raises(BundleError, match="no fused LSTM or a loop"):
        export(model, EXAMPLES, {})
