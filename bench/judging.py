"""One set of sessions: the raw network, what the pipeline serves, and the rivals, all on the same rows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.served import serve
from roompulse.bundle import Bundle
from roompulse.features import transform
from roompulse.forecasting import quantiles_from
from trainer.baselines import Forecaster, origins
from trainer.evaluation import Scored, joined, loses_to, score
from trainer.leaderboard import outcome_of
from trainer.packing import run
from trainer.rivals import rivals, spreads
from trainer.sessions import Session

TIMED_SESSIONS = 2


def judge(
    bundle: Bundle, field: Mapping[str, Forecaster], widths: Mapping[str, NDArray[np.float64]], found: Sequence[Session]
) -> dict[str, Any]:
    """All figures of one bundle on sessions that it has not seen."""
    parts = [_scored(bundle, field, widths, found)]
    return _told(parts) | {"microseconds_per_forecast": timings(bundle, field, found)}


def judge_folds(folds: Sequence[Bundle], parts: Sequence[tuple[list[Session], list[Session]]]) -> dict[str, Any]:
    """The same over a cross-validation: each session by the network, and by rivals, that did not see its room."""
    scored = []
    for bundle, (training, heldout) in zip(folds, parts, strict=True):
        field = rivals(training)
        scored.append(_scored(bundle, field, spreads(field, training), heldout))
    return _told(scored)


def timings(bundle: Bundle, field: Mapping[str, Forecaster], sessions: Sequence[Session]) -> dict[str, float]:
    """Microseconds a forecast of one session at a time, features included, on this machine."""
    some = sessions[:TIMED_SESSIONS]

    def network(session: Session) -> NDArray[np.float64]:
        inputs, references = transform(session.counts[None])
        return quantiles_from(run(bundle.model, inputs, bundle.units)[0], references[0])

    found = {}
    for name, forecast in {"network": network, **field}.items():
        started = time.perf_counter()
        for session in some:
            forecast(session)
        spent = time.perf_counter() - started
        found[name] = float(f"{1e6 * spent / sum(len(session.counts) for session in some):.2g}")
    return found


def _scored(
    bundle: Bundle,
    field: Mapping[str, Forecaster],
    widths: Mapping[str, NDArray[np.float64]],
    sessions: Sequence[Session],
) -> tuple[Scored, NDArray[np.float64], list[tuple[str, int, int]]]:
    """The raw network with its rivals, the served quantiles (n, 3, 10), and gated and all minutes by session."""
    raw = score(bundle.model, bundle.units, field, sessions, widths)
    served = serve(bundle, sessions)
    made = [origins(session) for session in sessions]
    quantiles = np.concatenate([part.quantiles[rows] for part, rows in zip(served, made, strict=True)])
    gated = [
        (session.room, int(part.gated[rows].sum()), int(rows.sum()))
        for session, part, rows in zip(sessions, served, made, strict=True)
    ]
    return raw, quantiles, gated


def _told(parts: Sequence[tuple[Scored, NDArray[np.float64], list[tuple[str, int, int]]]]) -> dict[str, Any]:
    scored = joined([part[0] for part in parts])
    served = scored._replace(quantiles=np.concatenate([part[1] for part in parts]))
    rooms: dict[str, list[int]] = {}
    for room, gated, minutes in (row for part in parts for row in part[2]):
        tally = rooms.setdefault(room, [0, 0])
        tally[0] += gated
        tally[1] += minutes
    raw = outcome_of(scored)
    return {
        "network": raw,
        "served": outcome_of(served),
        "loses": loses_to(raw),
        "gated_share": sum(gated for gated, _ in rooms.values()) / sum(minutes for _, minutes in rooms.values()),
        "gated_by_room": {room: gated / minutes for room, (gated, minutes) in sorted(rooms.items())},
    }
