"""The training loop: AdamW on the pinball loss, a running average of the weights, no early stopping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from roompulse.errors import RoomPulseError
from trainer.batches import batches
from trainer.checkpoints import Checkpoints
from trainer.linear import with_linear
from trainer.network import NetworkSettings, Weights, build, merge, pinball
from trainer.sessions import Session

Progress = Callable[[int, int, float], None]
"""Called for each step with member, step and loss; at a resumption first for those taken before."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Hyper-parameters, by their conventional names. All of them are written to the card."""

    units: int = 16
    dropout: float = 0.3
    members: int = 3
    steps: int = 1200
    batch_size: int = 48
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    average: float = 0.995
    linear_shares: tuple[float, float] = (0.7, 0.3)
    """Of the linear member in the forecast, at +1 and at +10; see `linear`."""
    seed: int = 0


def fit(
    sessions: Sequence[Session],
    settings: TrainingSettings,
    progress: Progress,
    simulated: Sequence[Session] = (),
    checkpoints: Checkpoints | None = None,
) -> Weights:
    """Train the members one after another and merge them, and the linear one, into one network.

    The same arguments give the same bits.
    """
    one_thread()
    members = [
        fit_one(sessions, settings, member, progress, simulated, checkpoints) for member in range(settings.members)
    ]
    merged = members[0] if len(members) == 1 else merge(members)
    return with_linear(merged, sessions, settings.linear_shares)


def one_thread() -> None:
    """Sums are then split the same way on any number of cores; matrices this small gain little from more."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError as error:
        if tf.config.threading.get_intra_op_parallelism_threads() != 1:
            raise RoomPulseError(f"TensorFlow was started with several threads before training: {error}") from error
    tf.config.experimental.enable_op_determinism()


def fit_one(
    sessions: Sequence[Session],
    settings: TrainingSettings,
    member: int,
    progress: Progress,
    simulated: Sequence[Session] = (),
    checkpoints: Checkpoints | None = None,
) -> Weights:
    """Train one network and return the average of its weights."""
    seed = settings.seed * 1000 + member
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model = build(NetworkSettings(settings.units, settings.dropout))
    optimizer = keras.optimizers.AdamW(
        settings.learning_rate,
        weight_decay=settings.weight_decay,
        global_clipnorm=settings.clip_norm,
        use_ema=True,
        ema_momentum=settings.average,
    )
    optimizer.build(model.trainable_variables)
    state = tf.zeros((settings.batch_size, settings.units))

    @tf.function
    def train_step(inputs, references, targets, horizon_weights):  # type: ignore[no-untyped-def]
        with tf.GradientTape() as tape:
            raw, _, _ = model([inputs, state, state], training=True)
            loss = pinball(raw, references, targets, horizon_weights)
        optimizer.apply_gradients(
            zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
        )
        return loss

    variables = {f"{index}": variable for index, variable in enumerate([*model.variables, *optimizer.variables])}
    rng = np.random.default_rng(seed)
    losses = [] if checkpoints is None else checkpoints.load(member, variables, rng)
    for step, loss in enumerate(losses):
        progress(member, step + 1, loss)
    source = batches(sessions, simulated, rng, settings.batch_size)
    for step in range(len(losses), settings.steps):
        losses.append(float(train_step(*map(tf.constant, next(source)))))
        progress(member, step + 1, losses[-1])
        # Batches are made several at once: between those the generator's state is that of the next step.
        if checkpoints is not None and (step + 1) % checkpoints.every_steps == 0:
            checkpoints.save(member, losses, variables, rng)
    optimizer.finalize_variable_values(model.trainable_variables)
    return [np.asarray(weight) for weight in model.get_weights()]
