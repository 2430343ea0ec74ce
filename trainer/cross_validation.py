"""Networks that never saw the rooms they are judged by, and the one that learns from all: trained two at a time.

Each training runs in a process of its own, on one thread: the same bytes as one after another, in half the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from trainer.evaluation import Scored, joined, score
from trainer.export import export
from trainer.fitting import Progress, TrainingSettings, fit
from trainer.network import Weights
from trainer.packing import metadata, pack
from trainer.rivals import rivals, spreads
from trainer.served_network import served_width
from trainer.sessions import Session, hash_of

FOLDS = 3
PROCESSES = 2
_DRAINED_EVERY_S = 0.5

_reports: Any = None
"""In a training process: the queue to the one that started it."""


def folds_by_room(sessions: Sequence[Session], seed: int) -> list[tuple[list[Session], list[Session]]]:
    """What each fold learns from and what it is judged by; a room is wholly on one side."""
    rooms = sorted({session.room for session in sessions})
    fold_of = dict(zip(rooms, np.random.default_rng(seed).permutation(len(rooms)) % FOLDS, strict=True))
    return [
        (
            [session for session in sessions if fold_of[session.room] != fold],
            [session for session in sessions if fold_of[session.room] == fold],
        )
        for fold in range(FOLDS)
    ]


def cross_validate_and_fit(
    sessions: Sequence[Session],
    simulated: Sequence[Session],
    settings: TrainingSettings,
    progress: Progress,
    keep: Path | None = None,
) -> tuple[Scored, Weights]:
    """Forecasts for every session, each from networks and rivals that did not see its room; weights trained on all.

    `keep` is a folder for the networks of the folds. Raises RoomPulseError as `fit`, `export` and `pack` do.
    """
    context = get_context("spawn")  # TensorFlow does not survive a fork
    reports = context.SimpleQueue()
    with ProcessPoolExecutor(PROCESSES, context, _report_to, (reports,)) as pool:
        final = pool.submit(_fit, sessions, simulated, settings)
        folds = [
            pool.submit(_judge, fold, *parts, simulated, settings, keep)
            for fold, parts in enumerate(folds_by_room(sessions, settings.seed))
        ]
        running: set[Future[Any]] = {final, *folds}
        while running:
            done, running = wait(running, _DRAINED_EVERY_S)
            while not reports.empty():
                progress(*reports.get())
            for training in done:
                training.result()  # an error ends the wait for the others
        return joined([fold.result() for fold in folds]), final.result()


def _report_to(reports: Any) -> None:
    global _reports  # noqa: PLW0603 - a process of the pool has no other place for it
    _reports = reports


def _report(member: int, step: int, loss: float) -> None:
    _reports.put((member, step, loss))


def _fit(sessions: Sequence[Session], simulated: Sequence[Session], settings: TrainingSettings) -> Weights:
    return fit(sessions, settings, _report, simulated)


def _judge(
    fold: int,
    training: Sequence[Session],
    heldout: Sequence[Session],
    simulated: Sequence[Session],
    settings: TrainingSettings,
    keep: Path | None,
) -> Scored:
    weights = _fit(training, simulated, settings)
    name, data_hash = f"fold-{fold}", hash_of([*training, *simulated])
    model = export(weights, metadata(name, "1", data_hash))
    if keep is not None:
        pack(keep / name, name, "1", weights, model, data_hash, {"settings": asdict(settings)})
    field = rivals(training)
    return score(model, served_width(weights), field, heldout, spreads(field, training))
