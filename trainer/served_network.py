"""The graph that ships: the step LSTM and the linear member, whose last 16 minutes travel in the same two states."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from roompulse.features import CLIP, FEATURES
from roompulse.forecasting import OUTPUTS
from trainer.baselines import LAGS
from trainer.linear import LEVEL_CENTER, LEVEL_SCALE
from trainer.network import Weights, state_width

DELAY = LAGS // 2
"""Half of the delay line lies in either state."""


def served_width(weights: Weights) -> int:
    """Width of each state vector of the exported network: the LSTM's units and, with a linear member, its half."""
    return state_width(weights) + (DELAY if has_linear(weights) else 0)


def has_linear(weights: Weights) -> bool:
    """Whether these are weights of `build_served`."""
    return len(weights) == 7


def build_served(units: int) -> Any:
    """Inputs x (batch, time, 6), h0 and c0 (batch, units + 8); outputs raw (batch, time, 30), h and c like h0 and c0.

    The delay line holds log1p of the count, plus one, oldest first; zero, as in a fresh state, stands for a minute that
    never came, which the linear member takes for one at the running level.
    """
    x = keras.Input((None, len(FEATURES)), name="x")
    h0 = keras.Input((units + DELAY,), name="h0")
    c0 = keras.Input((units + DELAY,), name="c0")
    lstm = keras.layers.LSTM(units, return_sequences=True, return_state=True, name="lstm")
    sequence, h, c = lstm(x, initial_state=[h0[:, :units], c0[:, :units]])
    reference = LEVEL_SCALE * x[:, :, FEATURES.index("level")] + LEVEL_CENTER
    seen = 1.0 - x[:, :, FEATURES.index("blank")]
    count = (x[:, :, FEATURES.index("value")] + reference + 1.0) * seen
    line = ops.concatenate([h0[:, units:], c0[:, units:], count], axis=1)
    lags = ops.stack([line[:, 1 + lag : (lag + 1 - LAGS) or None] for lag in range(LAGS)], axis=2)
    known = ops.cast(lags > 0.5, "float32")
    ratios = ops.clip(lags - 1.0 - reference[:, :, None], -CLIP, CLIP) * known
    head = keras.layers.Dense(OUTPUTS, name="head")(sequence)
    skip = keras.layers.Dense(OUTPUTS, use_bias=False, name="skip")(x)
    linear = keras.layers.Dense(OUTPUTS, use_bias=False, name="linear")(ratios)
    raw = keras.layers.Add(name="raw")([head, skip, linear])
    h = ops.concatenate([h, line[:, -LAGS:-DELAY]], axis=1)
    c = ops.concatenate([c, line[:, -DELAY:]], axis=1)
    return keras.Model([x, h0, c0], [raw, h, c], name="step")


def set_served(model: Any, weights: Weights) -> None:
    """Give `build_served`'s model its weights, layer by layer: Keras has an order of its own."""
    model.get_layer("lstm").set_weights(weights[:3])
    model.get_layer("head").set_weights(weights[3:5])
    model.get_layer("skip").set_weights([weights[5]])
    model.get_layer("linear").set_weights([weights[6]])
