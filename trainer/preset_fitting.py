"""The training loop of windowed networks: Adam on the mean squared error, epoch by epoch, each of them saved.

An epoch's order hangs on seed and epoch alone, so an epoch after a kill is the one that it would have been.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from roompulse.errors import BundleError
from trainer.checkpoints import Checkpoints
from trainer.fitting import one_thread
from trainer.preset_network import build
from trainer.presets import PresetSettings

Floats = NDArray[np.float32]
EpochReport = Callable[[int, float, float, int], None]
"""Called after each epoch with its number from 1, training loss, validation loss, and the best epoch so far."""

_JUDGED_AT_ONCE = 256
_SAVED = "preset"


class Learnt(Protocol):
    """What a network learns from or is checked by: a batch is made when it is wanted."""

    def __len__(self) -> int: ...

    def batch(self, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Inputs (n, window, features) and targets (n, 1 or 10) of these rows, scaled."""
        ...


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained model and its losses by epoch, mean squared errors of scaled counts."""

    model: Any
    losses: list[float]
    validation_losses: list[float]
    kept_epoch: int


def fit(
    settings: PresetSettings,
    training: Learnt,
    validation: Learnt,
    report: EpochReport,
    checkpoints: Checkpoints | None = None,
) -> Fitted:
    """Train from the start, or from the last epoch that `checkpoints` has. The same arguments give the same bits.

    The validation part decides nothing but which epoch is kept, and that only where the preset says so. Raises
    BundleError where training diverges.
    """
    one_thread()
    keras.backend.clear_session()
    keras.utils.set_random_seed(settings.seed)
    model = build(settings, training.batch(np.zeros(1, np.int64))[0].shape[2])
    optimizer = keras.optimizers.Adam(settings.learning_rate)
    optimizer.build(model.trainable_variables)
    train_step, loss_of = _steps(model, optimizer)
    variables = {f"{index}": variable for index, variable in enumerate([*model.variables, *optimizer.variables])}
    kept = {f"kept-{index}": np.asarray(weight) for index, weight in enumerate(model.get_weights())}
    losses: list[float] = []
    validation_losses: list[float] = []
    kept_epoch = 0
    if checkpoints is not None and (saved := checkpoints.kept(_SAVED)) is not None:
        state, arrays = saved
        for name, variable in variables.items():
            variable.assign(arrays[name])
        kept = {name: arrays[name] for name in kept}
        losses, validation_losses, kept_epoch = state["losses"], state["validation_losses"], state["kept_epoch"]
    for epoch in range(len(losses), settings.epochs):
        order = np.random.default_rng((settings.seed, epoch)).permutation(len(training))
        losses.append(_mean(train_step, training, order, settings.batch_size))
        validation_losses.append(_mean(loss_of, validation, np.arange(len(validation)), _JUDGED_AT_ONCE))
        if not np.isfinite([losses[-1], validation_losses[-1]]).all():
            raise BundleError(f"training diverged in epoch {epoch + 1}: the validation loss is {validation_losses[-1]}")
        best = int(np.argmin(validation_losses))
        if best == epoch or not settings.best:
            kept_epoch = epoch + 1
            kept = {f"kept-{index}": np.asarray(weight) for index, weight in enumerate(model.get_weights())}
        if checkpoints is not None:
            state = {"losses": losses, "validation_losses": validation_losses, "kept_epoch": kept_epoch}
            checkpoints.keep(_SAVED, state, variables | kept)
        report(epoch + 1, losses[-1], validation_losses[-1], best + 1)
    model.set_weights(list(kept.values()))
    return Fitted(model, losses, validation_losses, kept_epoch)


def _steps(model: Any, optimizer: Any) -> tuple[Any, Any]:
    """The functions that train on a batch and judge one; both give the mean loss, weight penalty included."""

    def loss_on(inputs: Any, targets: Any, *, training: bool) -> Any:
        error = tf.reduce_mean(tf.square(targets - model(inputs, training=training)))
        return tf.add_n([error, *model.losses])

    signature = [tf.TensorSpec(model.input_shape, tf.float32), tf.TensorSpec(model.output_shape, tf.float32)]

    @tf.function(input_signature=signature)
    def train_step(inputs, targets):  # type: ignore[no-untyped-def]
        with tf.GradientTape() as tape:
            loss = loss_on(inputs, targets, training=True)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    @tf.function(input_signature=signature)
    def loss_of(inputs, targets):  # type: ignore[no-untyped-def]
        return loss_on(inputs, targets, training=False)

    return train_step, loss_of


def _mean(step: Any, examples: Learnt, order: NDArray[np.int64], size: int) -> float:
    """The mean loss an example over these rows, `size` at a time."""
    total = 0.0
    for first in range(0, len(order), size):
        rows = order[first : first + size]
        total += len(rows) * float(step(*map(tf.constant, examples.batch(rows))))
    return total / len(order)
