"""Windowed LSTMs in Keras: built, and exported with the same assertions as the step network."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import onnxruntime as ort
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray

from roompulse.errors import BundleError
from roompulse.forecasting import HORIZONS
from roompulse.window import Network
from trainer.export import OPSET, TOLERANCE, assert_servable, canonical
from trainer.presets import PresetSettings

Floats = NDArray[np.float32]

_CHUNK = 256


def build(settings: PresetSettings, inputs: int) -> Any:
    """Input x (batch, time, inputs), scaled; output (batch, 1), the next minute scaled, or (batch, 10) when direct.

    The LSTM's inner activations stay the standard ones: with others the exporter writes a loop. Another `activation` is
    applied to the sequence that each layer hands on.
    """
    x = keras.Input((None, inputs), name="x")
    penalty = keras.regularizers.L2(settings.l2) if settings.l2 else None
    sequence = x
    for number, units in enumerate(settings.units, 1):
        sequence = keras.layers.LSTM(
            units,
            return_sequences=number < len(settings.units),
            kernel_regularizer=penalty,
            recurrent_regularizer=penalty,
            name=f"lstm_{number}",
        )(sequence)
        if settings.activation != "tanh":
            activations = {"relu": keras.layers.ReLU, "leaky_relu": keras.layers.LeakyReLU, "elu": keras.layers.ELU}
            sequence = activations[settings.activation](name=f"{settings.activation}_{number}")(sequence)
        if settings.dropout:
            sequence = keras.layers.Dropout(settings.dropout, name=f"dropout_{number}")(sequence)
    ahead = keras.layers.Dense(HORIZONS if settings.direct else 1, name="ahead")(sequence)
    return keras.Model(x, ahead, name=settings.preset.replace("-", "_"))


def export(model: Any, examples: Floats, metadata: Mapping[str, str]) -> bytes:
    """The network as ONNX bytes: input x, output ahead, dynamic batch.

    Raises BundleError unless it is made of fused LSTMs and gives what Keras gives, within 1e-5, for the scaled
    `examples` (at least one, window, features) in several batch sizes and for noise.
    """
    signature = [tf.TensorSpec((None, None, examples.shape[2]), tf.float32, name="x")]
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    converted, _ = tf2onnx.convert.from_keras(model, input_signature=signature, opset=OPSET)
    assert_servable(converted)  # first: a loop does not even survive being put in order
    network = canonical(converted, metadata, "window", ("ahead",))
    data = bytes(network.SerializeToString(deterministic=True))
    run = network_of(data)
    noise = np.random.default_rng(0).uniform(-2, 2, (7, *examples.shape[1:])).astype(np.float32)
    for inputs in (examples[:1], examples[:3], noise):
        distance = float(np.max(np.abs(run(inputs) - np.asarray(model(inputs, training=False)))))
        if not distance <= TOLERANCE:
            raise BundleError(
                f"the exported network differs from Keras by {distance:.2g}, at most {TOLERANCE:g} is allowed"
            )
    return data


def network_of(model: bytes) -> Network:
    """Exported bytes as a function from inputs (n, window, features) to outputs (n, 1 or 10), on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(inputs: Floats) -> Floats:
        parts = [session.run(None, {"x": inputs[i : i + _CHUNK]})[0] for i in range(0, len(inputs), _CHUNK)]
        return np.concatenate(parts)

    return run
