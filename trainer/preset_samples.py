"""Windows and what came after them as places in the sessions, cut out only when somebody asks for them.

A sample is 8 bytes: which session, which minute of it. A window of 100 minutes of 27 series would be 11 KB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS
from roompulse.window import Network, WindowSpecification, look_ahead, network_inputs, scaled
from trainer.series import SeriesSession

FIRST_ORIGIN = 2
"""Forecasts count from a session's third minute on: before it a window is padding."""
ALWAYS = 1 << 62
_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Samples:
    """n origins: the minutes at which forecasts are made. Only the methods make arrays of windows."""

    sessions: Sequence[SeriesSession]
    window: int
    end: int
    """What came from this minute since 1970 on is not told."""
    session: NDArray[np.int32]
    """(n,), which session an origin is in."""
    place: NDArray[np.int32]
    """(n,), the origin's minute in its session."""

    def __len__(self) -> int:
        return len(self.place)

    def chosen(self, rows: Any) -> Samples:
        """Some of them, by number, slice or mask."""
        return replace(self, session=self.session[rows], place=self.place[rows])

    def evenly(self, most: int) -> Samples:
        """All of them, or `most`, evenly spread, where there are more."""
        return self if len(self) <= most else self.chosen(np.linspace(0, len(self) - 1, most).astype(np.int64))

    def portions(self) -> Iterator[Samples]:
        """A few at a time, in order."""
        for first in range(0, len(self), _AT_ONCE):
            yield self.chosen(slice(first, first + _AT_ONCE))

    def minutes(self) -> NDArray[np.int64]:
        """(n,), the local minute of the origin."""
        starts = np.array([session.start + session.east for session in self.sessions], np.int64)
        return np.asarray(starts[self.session] + self.place)

    def windows(self) -> NDArray[np.float32]:
        """(n, window, series), the origin's minute last; NaN for a blank and before the session."""
        series = self.sessions[0].values.shape[1]
        found = np.full((len(self), self.window, series), np.nan, np.float32)
        for row, (session, place) in enumerate(zip(self.session.tolist(), self.place.tolist(), strict=True)):
            past = self.sessions[session].values[max(0, place + 1 - self.window) : place + 1]
            found[row, self.window - len(past) :] = past
        return found

    def truth(self) -> NDArray[np.float64]:
        """(n, 10), the target at +1 to +10; NaN where unknown or not told."""
        found = np.full((len(self), HORIZONS), np.nan)
        for row, (number, place) in enumerate(zip(self.session.tolist(), self.place.tolist(), strict=True)):
            session = self.sessions[number]
            ahead = session.values[place + 1 : min(place + 1 + HORIZONS, self.end - session.start), 0]
            found[row, : len(ahead)] = ahead
        return found


def samples(sessions: Sequence[SeriesSession], window: int, first: int, end: int) -> Samples:
    """The measured minutes from `first` up to before `end` after which something is told."""
    places = []
    for session in sessions:
        time = session.start + np.arange(len(session.values))
        known = ~np.isnan(session.values[:, 0]) & (time < end)
        upto = np.cumsum(known)
        later = upto[np.minimum(np.arange(len(known)) + HORIZONS, len(known) - 1)] > upto
        made = known & (time >= first) & later
        made[:FIRST_ORIGIN] = False
        places.append(np.flatnonzero(made).astype(np.int32))
    numbers = np.repeat(np.arange(len(places), dtype=np.int32), [len(each) for each in places])
    return Samples(sessions, window, end, numbers, np.concatenate(places))


@dataclass(frozen=True, slots=True)
class Examples:
    """What a windowed network learns from: a batch of inputs and targets is made when it is wanted."""

    specification: WindowSpecification
    samples: Samples
    """Those whose targets are known."""

    @classmethod
    def known(cls, specification: WindowSpecification, found: Samples) -> Examples:
        """Leaves out what has no target."""
        wanted = HORIZONS if specification.direct else 1
        rows = [~np.isnan(part.truth()[:, :wanted]).any(axis=1) for part in found.portions()]
        return cls(specification, found.chosen(np.concatenate([np.zeros(0, np.bool_), *rows])))

    def __len__(self) -> int:
        return len(self.samples)

    def batch(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Inputs (n, window, features) and targets (n, 1 or 10), scaled."""
        chosen, sees = self.samples.chosen(rows), self.specification
        targets = (chosen.truth()[:, : HORIZONS if sees.direct else 1] - sees.center[0]) / sees.scale[0]
        return network_inputs(sees, scaled(sees, chosen.windows()), chosen.minutes()), targets.astype(np.float32)


def forecasts(specification: WindowSpecification, network: Network, asked: Samples) -> NDArray[np.float64]:
    """The network's own forecasts (n, 10), see `look_ahead`; windows are made a few at a time."""
    made = [look_ahead(specification, network, part.windows(), part.minutes()) for part in asked.portions()]
    return np.concatenate([np.zeros((0, HORIZONS)), *made])
