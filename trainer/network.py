"""The step LSTM as a functional Keras model: the same graph trains on whole sessions and steps minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from roompulse.features import FEATURES
from roompulse.forecasting import HORIZONS, OUTPUTS, QUANTILES

Weights = list[NDArray[np.float32]]
"""In the order of `keras.Model.get_weights`: input kernel, recurrent kernel, bias, head kernel, head bias, skip."""


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Shape and start of the network."""

    units: int = 32
    dropout: float = 0.3


def build(settings: NetworkSettings) -> Any:
    """Inputs x (batch, time, 6), h0 and c0 (batch, units); outputs raw (batch, time, 30), h and c (batch, units).

    `raw` holds quantile by quantile ten horizons each, in log1p space relative to the room's running level. A linear
    skip from the inputs starts as a forecast that leans on the 20-minute median, more so the further ahead.
    """
    x = keras.Input((None, len(FEATURES)), name="x")
    h0 = keras.Input((settings.units,), name="h0")
    c0 = keras.Input((settings.units,), name="c0")
    lstm = keras.layers.LSTM(settings.units, return_sequences=True, return_state=True, name="lstm")
    sequence, h, c = lstm(x, initial_state=[h0, c0])
    sequence = keras.layers.SpatialDropout1D(settings.dropout, name="dropout")(sequence)
    head = keras.layers.Dense(
        OUTPUTS,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
        name="head",
    )(sequence)
    skip = keras.layers.Dense(OUTPUTS, use_bias=False, kernel_initializer="zeros", name="skip")(x)
    raw = keras.layers.Add(name="raw")([head, skip])
    model = keras.Model([x, h0, c0], [raw, h, c], name="step")
    start = np.zeros((len(FEATURES), OUTPUTS), np.float32)
    start[FEATURES.index("median")] = np.tile(np.linspace(0.3, 0.9, HORIZONS), len(QUANTILES))
    model.get_layer("skip").set_weights([start])
    kernel = model.get_layer("head").get_weights()[0]
    model.get_layer("head").set_weights([kernel, np.repeat([-0.6, 0.0, 0.5], HORIZONS)])
    return model


def state_width(weights: Weights) -> int:
    """Width of each of the two state vectors of the network with these weights."""
    return int(weights[1].shape[0])


def merge(members: Sequence[Weights]) -> Weights:
    """One network that gives exactly the mean of several: their states side by side, recurrent kernels on a diagonal.

    Keras lays an LSTM's kernels out gate by gate, so members are put side by side within each gate. Returns weights for
    `build` with the sum of the members' units.
    """
    units = [member[1].shape[0] for member in members]
    total = sum(units)
    kernel = np.concatenate([member[0].reshape(len(FEATURES), 4, -1) for member in members], axis=2).reshape(
        len(FEATURES), 4 * total
    )
    recurrent = np.zeros((total, 4, total), np.float32)
    first = 0
    for member, width in zip(members, units, strict=True):
        recurrent[first : first + width, :, first : first + width] = member[1].reshape(width, 4, width)
        first += width
    bias = np.concatenate([member[2].reshape(4, -1) for member in members], axis=1).reshape(-1)
    head = np.concatenate([member[3] for member in members]) / len(members)
    head_bias, skip = (np.mean([member[part] for member in members], axis=0) for part in (4, 5))
    merged = [kernel, recurrent.reshape(total, 4 * total), bias, head, head_bias, skip]
    return [weight.astype(np.float32) for weight in merged]


def pinball(raw: Any, reference: Any, targets: Any, horizon_weights: Any) -> Any:
    """Mean pinball loss in counts, relative to the room's level so that big rooms do not drown small ones.

    raw (batch, time, 30), reference (batch, time), targets (batch, time, 10) with NaN where unknown, weights (batch,
    10). Quantile regression as in Koenker and Bassett (1978); the median counts twice. Every minute counts, the first
    included: left out, its interval came out far too narrow (59 instead of 71 % on rooms held out of the training).
    """
    raw = tf.reshape(raw, (*tf.unstack(tf.shape(raw)[:2]), len(QUANTILES), HORIZONS))
    forecast = tf.math.expm1(reference[:, :, None, None] + raw)
    known = tf.math.is_finite(targets)
    error = tf.where(known, targets, 0.0)[:, :, None, :] - forecast
    quantile = tf.constant(QUANTILES, tf.float32)[:, None]
    importance = tf.constant([1.0, 2.0, 1.0], tf.float32)[:, None]
    loss = tf.maximum(quantile * error, (quantile - 1) * error) * importance / tf.exp(reference)[:, :, None, None]
    weight = tf.cast(known, tf.float32) * horizon_weights[:, None, :]
    total = tf.reduce_sum(loss * weight[:, :, None, :])
    return total / tf.maximum(tf.reduce_sum(weight), 1.0) / 4
