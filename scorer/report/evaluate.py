"""A run's forecasts beside what came: by session, and as rows that statistics are made of."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS, QUANTILES
from roompulse.minutes import parse_minute
from roompulse.naive import NAIVE, flat, targets_of
from roompulse.records import Forecast
from roompulse.report.judged import Judged
from roompulse.resampling import Floats
from roompulse.sessions import Session


class _Head(Struct):
    room_id: str


_head = msgspec.json.Decoder(_Head)
_forecast = msgspec.json.Decoder(Forecast)


@dataclass(frozen=True, slots=True)
class Run:
    """Sessions, and each one's forecasts (minutes, 3, 10) by the minute that they were made in, NaN for none."""

    sessions: list[Session]
    forecasts: list[NDArray[np.float32]]
    offset: int

    def room(self, name: str) -> list[int]:
        """The places of a room's sessions, by time."""
        return [at for at, session in enumerate(self.sessions) if session.room == name]

    def made(self, at: int) -> NDArray[np.bool_]:
        """Minutes at which a forecast was made and is judged: every measured one."""
        return ~np.isnan(self.sessions[at].counts) & np.isfinite(self.forecasts[at][:, 1, 0])

    def next_minute(self, at: int) -> Floats:
        """(minutes, 3): what was forecast for each minute in the one before it."""
        found = np.full((len(self.sessions[at].counts), 3), np.nan)
        found[1:] = self.forecasts[at][:-1, :, 0]
        return found


def read_run(folder: Path, sessions: list[Session], offset: int) -> Run:
    """Read the forecasts of these sessions from a run's folder; where a minute has several, the last."""
    forecasts = [np.full((len(session.counts), len(QUANTILES), HORIZONS), np.nan, np.float32) for session in sessions]
    places = {
        room: [at for at, _ in group]
        for room, group in groupby(enumerate(sessions), key=lambda numbered: numbered[1].room)
    }
    starts = {room: [sessions[at].start for at in found] for room, found in places.items()}
    with (folder / "forecasts.jsonl").open("rb") as file:
        for line in file:
            room = _head.decode(line).room_id
            if room not in places:
                continue
            record = _forecast.decode(line)
            minute = parse_minute(record.minute).epoch
            number = bisect_right(starts[room], minute) - 1
            if number < 0:
                continue
            at = places[room][number]
            if minute - sessions[at].start < len(forecasts[at]):
                quantiles = record.quantiles
                forecasts[at][minute - sessions[at].start] = quantiles.low, quantiles.median, quantiles.high
    return Run(sessions, forecasts, offset)


def judged(run: Run, rooms: Collection[str]) -> Judged | None:
    """All forecasts of these rooms as rows, beside those that need no learning; None where there is none."""
    wanted = [at for at, session in enumerate(run.sessions) if session.room in rooms and run.made(at).any()]
    if not wanted:
        return None
    rows = [run.made(at) for at in wanted]
    truths = [targets_of(run.sessions[at].counts[None])[0] for at in wanted]
    counts = [run.sessions[at].counts for at in wanted]
    lengths = [int(made.sum()) for made in rows]
    hours = [
        (run.sessions[at].start + np.flatnonzero(made) + run.offset) % 1440 // 60
        for at, made in zip(wanted, rows, strict=True)
    ]
    return Judged(
        _stacked(truths, rows),
        _stacked([run.forecasts[at].astype(np.float64) for at in wanted], rows),
        {name: _stacked([flat(level(of)) for of in counts], rows) for name, level in NAIVE.items()},
        np.repeat(wanted, lengths),
        np.repeat([float(np.nanmean(of)) for of in counts], lengths),
        np.concatenate(hours),
    )


def _stacked(parts: Sequence[Floats], rows: Sequence[NDArray[np.bool_]]) -> Floats:
    return np.concatenate([part[made] for part, made in zip(parts, rows, strict=True)])
