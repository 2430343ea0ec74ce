"""History as windowed networks see it: sessions of all series, cut into windows, split by time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roompulse.channels import Channels
from roompulse.errors import InputError
from roompulse.forecasting import HORIZONS
from roompulse.history import HistoryRow
from roompulse.minutes import QUIET_MINUTES
from roompulse.window import fill_blanks
from trainer.dead import LEAST_MINUTES, why_dead
from trainer.sessions import Session

TRAINING_SHARE, VALIDATION_SHARE = 0.75, 0.125
"""Shares of the time, as rooms spend it: training first, then validation; what is left is the test part."""
FIRST_ORIGIN = 2
"""As for everyone: forecasts count from a session's third minute on."""
LEAST_SAMPLES = 20
"""Of validation and of test part at every horizon; residual quantiles of fewer would be guesses."""
LEAST_OFFLINE_SAMPLES = 2
"""The same for what is not served: the study's series have a value a day."""


@dataclass(frozen=True, slots=True)
class SeriesSession:
    """`values` (minutes, series) float32, the target first, NaN for a blank; the first minute is `start` since 1970."""

    room: str
    start: int
    east: int
    """Minutes east of UTC as the room writes its times."""
    values: NDArray[np.float32]

    def counts(self) -> Session:
        """The target alone."""
        return Session(self.room, self.start, self.values[:, 0].astype(np.float64))


class Cuts(NamedTuple):
    """The minutes since 1970 at which validation and test part begin."""

    validation: int
    test: int


@dataclass(frozen=True, slots=True)
class Samples:
    """Windows up to n origins and what came after them."""

    windows: NDArray[np.float32]
    """(n, window, series), NaN for a blank and before the session."""
    minutes: NDArray[np.int64]
    """(n,), the local minute of the origin."""
    truth: NDArray[np.float64]
    """(n, 10), NaN where unknown or beyond the part."""
    session: NDArray[np.int64]
    """(n,), which session a row is from."""
    place: NDArray[np.int64]
    """(n,), the origin's minute in its session."""

    def __len__(self) -> int:
        return len(self.windows)


def series_sessions(
    rows: Iterable[HistoryRow], channels: Channels | None, *, minutely: bool = True
) -> list[SeriesSession]:
    """Sessions by room and time, of the target alone or, with `channels`, of all series.

    As in the scorer, ten minutes without a record end a session, and of a minute that comes twice the later row counts.
    With `minutely` false a room's rows are one series, however far apart they are. Dead sessions are left out.
    """
    rooms: dict[str, dict[int, HistoryRow]] = {}
    for row in rows:
        rooms.setdefault(row.record.room_id, {})[row.minute.epoch] = row
    sessions = []
    for room in sorted(rooms):
        found = rooms[room]
        minutes = np.array(sorted(found), np.int64)
        ends = np.flatnonzero(np.diff(minutes) >= (QUIET_MINUTES if minutely else 1 << 40)) + 1
        for part in np.split(minutes, ends):
            records = [found[minute].record for minute in part.tolist()]
            if channels is None:
                known = np.array([[r.metrics.watch_ucnt] for r in records], np.float64)
            else:
                known = channels.columns(records)
            place = part - part[0] if minutely else np.arange(len(part))
            values = np.full((place[-1] + 1, known.shape[1]), np.nan, np.float32)
            values[place] = known
            if why_dead(values[:, 0].astype(np.float64)) is None:
                sessions.append(SeriesSession(room, int(part[0]), found[int(part[0])].minute.offset, values))
    return sessions


def cuts_of(sessions: Sequence[SeriesSession], source: str) -> Cuts:
    """Where validation and test begin, so that the shares of all measured minutes are as above.

    Raises InputError where nothing could be learnt: no sessions, a target that never changes in the training part.
    """
    if not sessions:
        raise InputError(
            f"no session that is not dead: expected at least {LEAST_MINUTES} measured minutes, most of them above 0",
            file=source,
        )
    times = np.sort(np.concatenate([s.start + np.flatnonzero(~np.isnan(s.values[:, 0])) for s in sessions]))
    first, second = (int(share * len(times)) for share in (TRAINING_SHARE, TRAINING_SHARE + VALIDATION_SHARE))
    cuts = Cuts(int(times[first]), int(times[second]))
    target = np.concatenate([session.values[: max(0, cuts.validation - session.start), 0] for session in sessions])
    if np.nanmin(target) == np.nanmax(target):
        raise InputError(f"the target is {np.nanmax(target):g} throughout the training part", file=source)
    return cuts


def samples(sessions: Sequence[SeriesSession], window: int, first: int, end: int) -> Samples:
    """Windows at the measured minutes from `first` up to before `end`; what came from `end` on is not told."""
    parts = []
    for number, session in enumerate(sessions):
        minutes, series = session.values.shape
        padded = np.concatenate([np.full((window - 1, series), np.nan, np.float32), session.values])
        windows = np.lib.stride_tricks.sliding_window_view(padded, window, axis=0).transpose(0, 2, 1)
        time = session.start + np.arange(minutes)
        ahead = np.pad(session.values[:, 0].astype(np.float64), (0, HORIZONS), constant_values=np.nan)
        truth = np.lib.stride_tricks.sliding_window_view(ahead, HORIZONS)[1:].copy()
        truth[time[:, None] + np.arange(1, HORIZONS + 1) >= end] = np.nan
        made = (time >= first) & (time < end) & ~np.isnan(session.values[:, 0]) & ~np.isnan(truth).all(axis=1)
        made[:FIRST_ORIGIN] = False
        rows = np.flatnonzero(made)
        parts.append(Samples(windows[rows], time[rows] + session.east, truth[rows], np.full(len(rows), number), rows))
    return Samples(*(np.concatenate([getattr(part, name) for part in parts]) for name in Samples.__dataclass_fields__))


def fit_scaler(
    sessions: Sequence[SeriesSession], cuts: Cuts, scaler: str, fill: str
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Center and scale of each series over the training part alone; a series that never changes is only shifted."""
    parts = [session.values[: max(0, cuts.validation - session.start)] for session in sessions]
    values = np.concatenate([fill_blanks(part[None], fill)[0] for part in parts if len(part)]).astype(np.float64)
    if scaler == "minmax":
        center, scale = values.min(axis=0), np.ptp(values, axis=0)
    elif scaler == "standard":
        center, scale = values.mean(axis=0), values.std(axis=0)
    else:
        lower, center, upper = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
        scale = upper - lower
    scale = np.where(scale > 0, scale, 1.0)
    return tuple(center.tolist()), tuple(scale.tolist())
