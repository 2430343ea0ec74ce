"""The rows of the covariate benchmark: 16 lags for everyone, and groups of columns to leave in or out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.calendar_weeks import is_working
from roompulse.channels import DEFAULT_CHANNELS
from roompulse.features import transform
from roompulse.forecasting import HORIZONS
from roompulse.history import HistoryOptions, read_history
from roompulse.holidays import is_holiday
from roompulse.minutes import Minute
from roompulse.records import METRICS
from roompulse.simulation import SimulationSettings, simulate_counts
from trainer.baselines import lags_of
from trainer.batches import targets_of
from trainer.default_model import bilibili_sessions, shared_file
from trainer.series import SeriesSession, series_sessions

BLOCK_MINUTES = 20
"""Of one room's day, what is drawn together (Kuensch, 1989)."""
DOUYIN_FOLDS, ROOM_FOLDS = 5, 5
SIMULATED_ROOMS, SIMULATED_DAYS, LEARNT_DAYS, WORKING_DAYS = 4, 64, 35, 0.6
SIMULATED_START = Minute(29_057_280, 480)
"""1 April 2025, 00:00 in China: four public holidays, from Qingming to the Dragon Boat Festival, lie in 64 days."""
_EAST = 480

Floats = NDArray[np.float64]
Fold = tuple[NDArray[np.bool_], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Rows:
    """n forecasts to be made."""

    lags: Floats
    """(n, 17): 16 log ratios to the running level, and the level."""
    truth: Floats
    """(n, 10), counts; NaN where unknown."""
    minutes: NDArray[np.int64]
    """(n,), the local minute at which a forecast is made."""
    place: NDArray[np.int64]
    """(n,), the minute of its session."""
    block: NDArray[np.int64]
    """(n,), what is drawn together: session, day, or minutes in a row."""
    others: dict[str, Floats]
    """By group, (n, columns): the platform's other metrics, natural and paid channels."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One data set, how it is split, and which groups can be tried on it."""

    rows: Rows
    folds: list[Fold]
    """What is learnt from and what is judged."""
    groups: tuple[str, ...]
    rule: str


def columns(rows: Rows, group: str, horizon: int) -> Floats:
    """A group's columns (n, k) for forecasts of `horizon` minutes; the calendar is that of the minute to come too."""
    if group in rows.others:
        return rows.others[group]
    if group == "minute of session":
        return np.column_stack([np.log1p(rows.place) / 3, np.minimum(rows.place, 60) / 60])
    ahead = rows.minutes + horizon
    if group == "time of day":
        angle = 2 * np.pi * (ahead % 1440) / 1440
        return np.column_stack([f(k * angle) for k in (1, 2) for f in (np.sin, np.cos)])
    days, now = ahead // 1440, rows.minutes // 1440
    if group == "weekday":
        return np.column_stack([np.eye(7)[(days + 3) % 7], is_weekend(days).astype(float) - is_weekend(now)])
    return np.column_stack([is_holiday(days), is_holiday(days).astype(float) - is_holiday(now)])


def is_weekend(days: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Saturday or Sunday, of local days since 1970."""
    return np.asarray((days + 3) % 7 >= 5)


def douyin() -> Setting:
    """One room's day: learnt from what lies before, judged in five steps over its second half."""
    file = shared_file("douyin_predict", "predict.csv")
    rows = rows_of(series_sessions(read_history([str(file)], HistoryOptions()), DEFAULT_CHANNELS), blocks=BLOCK_MINUTES)
    edges = np.quantile(rows.minutes, np.linspace(0.5, 1, DOUYIN_FOLDS + 1), method="lower")
    edges[-1] += 1
    folds = [
        (rows.minutes + HORIZONS < first, (rows.minutes >= first) & (rows.minutes < end))
        for first, end in pairwise(edges.tolist())
    ]
    groups = ("time of day", "minute of session", "other metrics", "natural channels", "paid channels")
    return Setting(rows, folds, groups, f"by time, {DOUYIN_FOLDS} expanding steps; blocks of {BLOCK_MINUTES} minutes")


def bilibili() -> Setting:
    """Comments in 41 rooms: five folds by room, sessions drawn."""
    sessions = [
        SeriesSession(session.room, session.start, _EAST, session.counts[:, None].astype(np.float32))
        for session in bilibili_sessions()
    ]
    rows = rows_of(sessions)
    rooms = sorted({session.room for session in sessions})
    fold_of = dict(zip(rooms, np.random.default_rng(0).permutation(len(rooms)) % ROOM_FOLDS, strict=True))
    fold = np.array([fold_of[session.room] for session in sessions])[rows.block]
    folds = [(fold != number, fold == number) for number in range(ROOM_FOLDS)]
    return Setting(rows, folds, ("time of day", "minute of session"), f"{ROOM_FOLDS} folds by room; sessions drawn")


def simulated_weeks() -> Setting:
    """Rooms that stream for nine weeks, by construction quieter on working days, with a time of day; days are drawn."""
    settings = SimulationSettings(
        rooms=SIMULATED_ROOMS, minutes=1440 * SIMULATED_DAYS, start=SIMULATED_START, continuous=True
    )
    counts = simulate_counts(settings)
    local = SIMULATED_START.epoch + SIMULATED_START.offset + np.arange(counts.shape[1])
    kept = np.where(is_working(local // 1440), WORKING_DAYS, 1.0)
    known = np.nan_to_num(counts).astype(np.int64)
    thinned = np.where(np.isnan(counts), np.nan, np.random.default_rng(0).binomial(known, kept))
    rows = rows_of(
        [SeriesSession(f"r{n}", SIMULATED_START.epoch, _EAST, room[:, None]) for n, room in enumerate(thinned)],
        blocks=1440,
    )
    cut = int(local[0]) + 1440 * LEARNT_DAYS
    folds = [(rows.minutes + HORIZONS < cut, rows.minutes >= cut)]
    rule = f"by time, {LEARNT_DAYS} days to learn from, {SIMULATED_DAYS - LEARNT_DAYS} to judge; days drawn"
    return Setting(rows, folds, ("time of day", "weekday", "public holidays", "minute of session"), rule)


def rows_of(sessions: Sequence[SeriesSession], blocks: int | None = None) -> Rows:
    """All forecasts of these sessions. `blocks` minutes of all rooms are drawn together, else whole sessions."""
    parts = []
    for number, session in enumerate(sessions):
        counts = session.counts()
        made = np.flatnonzero(~np.isnan(counts.counts))
        lags, level = lags_of(counts)
        minutes = session.start + session.east + made
        block = np.full(len(made), number) if blocks is None else minutes // blocks
        others = {name: found[made] for name, found in _others(session, level).items()}
        parts.append(Rows(lags[made], targets_of(counts.counts[None])[0][made], minutes, made, block, others))
    others = {name: np.concatenate([part.others[name] for part in parts]) for name in parts[0].others}
    lags, targets, minutes, age, block = (
        np.concatenate([getattr(part, name) for part in parts]) for name in list(Rows.__dataclass_fields__)[:-1]
    )
    return Rows(lags, targets, minutes, age, block, others)


def _others(session: SeriesSession, level: Floats) -> dict[str, Floats]:
    """Of each other series its log ratio to its own running level, and that level against the target's."""
    first = len(METRICS)
    if session.values.shape[1] == 1:
        return {}
    kinds = [kind for kind, _ in DEFAULT_CHANNELS.vocabulary]
    places = {
        "other metrics": list(range(1, first)),
        "natural channels": [first + at for at, kind in enumerate(kinds) if kind == "natural"],
        "paid channels": [first + at for at, kind in enumerate(kinds) if kind == "paid"],
    }
    found = {}
    for group, chosen in places.items():
        series = session.values[:, chosen].T.astype(np.float64)
        levels = transform(series)[1]
        now = np.nan_to_num(np.log1p(series) - levels)
        found[group] = np.concatenate([now, levels - level]).T
    return found
