"""History as windowed networks see it: sessions of all series, split by time and scaled."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roompulse.channels import Channels
from roompulse.errors import InputError
from roompulse.history import HistoryRow
from roompulse.minutes import QUIET_MINUTES
from roompulse.rooms import DRIVERS
from roompulse.window import fill_blanks
from trainer.dead import LEAST_MINUTES, why_dead
from trainer.sessions import Session

TRAINING_SHARE, VALIDATION_SHARE = 0.75, 0.125
"""Shares of the time, as rooms spend it: training first, then validation; what is left is the test part."""
LEAST_SAMPLES = 20
"""Of validation and of test part at every horizon; residual quantiles of fewer would be guesses."""
LEAST_OFFLINE_SAMPLES = 2
"""The same for what is not served: the study's series have a value a day."""
_ROWS_AT_ONCE = 1024


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


def series_sessions(
    rows: Iterable[HistoryRow],
    channels: Channels | None,
    conflicts: list[tuple[str, int]] | None = None,
    *,
    minutely: bool = True,
) -> list[SeriesSession]:
    """Sessions by room and time, of the target alone or, with `channels`, of all series.

    As in the scorer, ten minutes without a record end a session, and of a minute that comes twice the later row counts.
    With `minutely` false a room's rows are one series, however far apart they are. Dead sessions are left out. Rows are
    taken as they come and held as numbers, so files may be larger than memory. `conflicts` is given the rooms and
    minutes that came twice with different counts.
    """
    width = 1 if channels is None else DRIVERS
    rooms: dict[str, _Room] = {}
    stream = iter(rows)
    while portion := list(islice(stream, _ROWS_AT_ONCE)):
        records = [row.record for row in portion]
        if channels is None:
            known = np.array([[record.metrics.watch_ucnt] for record in records], np.float32)
        else:
            known = channels.columns(records).astype(np.float32)
        for row, values in zip(portion, known, strict=True):
            room = rooms.setdefault(row.record.room_id, _Room(array("q"), array("i"), array("f")))
            room.minutes.append(row.minute.epoch)
            room.offsets.append(row.minute.offset)
            room.values.frombytes(values.tobytes())
    sessions = []
    for name in sorted(rooms):
        room = rooms.pop(name)
        if conflicts is not None:
            conflicts += [(name, minute) for minute in room.conflicts(width)]
        sessions += [session for session in room.sessions(name, width, minutely=minutely) if _lives(session)]
    return sessions


class _Room(NamedTuple):
    """A room's rows as they came: 12 bytes each, and 4 for each series."""

    minutes: array[int]
    offsets: array[int]
    values: array[float]

    def conflicts(self, width: int) -> list[int]:
        """Minutes that came twice with different counts; one that was not measured the first time is none."""
        order = np.argsort(self.minutes, kind="stable")
        minutes, counts = np.asarray(self.minutes)[order], np.asarray(self.values).reshape(-1, width)[order, 0]
        return list(minutes[1:][(np.diff(minutes) == 0) & (np.abs(np.diff(counts)) > 0)].tolist())

    def sessions(self, name: str, width: int, *, minutely: bool) -> Iterator[SeriesSession]:
        order = np.argsort(self.minutes, kind="stable")
        minutes = np.asarray(self.minutes)[order]
        last = np.append(np.diff(minutes) > 0, True)  # of a minute's rows, the one that came last
        order, minutes = order[last], minutes[last]
        values = np.asarray(self.values).reshape(-1, width)
        ends = np.flatnonzero(np.diff(minutes) >= (QUIET_MINUTES if minutely else 1 << 40)) + 1
        for part, rows in zip(np.split(minutes, ends), np.split(order, ends), strict=True):
            place = part - part[0] if minutely else np.arange(len(part))
            found = np.full((place[-1] + 1, width), np.nan, np.float32)
            found[place] = values[rows]
            yield SeriesSession(name, int(part[0]), self.offsets[rows[0]], found)


def _lives(session: SeriesSession) -> bool:
    return why_dead(session.values[:, 0].astype(np.float64)) is None


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


def fit_scaler(
    sessions: Sequence[SeriesSession], cuts: Cuts, scaler: str, fill: str
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Center and scale of each series over the training part alone; a series that never changes is only shifted."""
    parts = [s.values[: cuts.validation - s.start] for s in sessions if s.start < cuts.validation]
    found = []
    for series in range(parts[0].shape[1]):  # one after another: all of them filled would be a second history
        filled = np.concatenate([fill_blanks(part[None, :, [series]], fill).ravel() for part in parts])
        found.append(_center_and_scale(filled, scaler))
    return tuple(center for center, _ in found), tuple(scale if scale > 0 else 1.0 for _, scale in found)


def _center_and_scale(values: NDArray[np.float32], scaler: str) -> tuple[float, float]:
    if scaler == "minmax":
        return float(values.min()), float(values.max()) - float(values.min())
    if scaler == "standard":
        return float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    lower, middle, upper = np.quantile(values.astype(np.float64), [0.25, 0.5, 0.75])
    return float(middle), float(upper - lower)


def hash_of_series(sessions: Iterable[SeriesSession]) -> str:
    """sha256 over rooms, minutes and all series: names the training data."""
    digest = hashlib.sha256()
    for session in sessions:
        digest.update(f"{session.room}\0{session.start}\0{session.values.shape}\0".encode())
        digest.update(np.ascontiguousarray(session.values, "<f4").tobytes())
    return digest.hexdigest()
