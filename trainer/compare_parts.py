"""The rows that everyone in a comparison learns from and is judged on: by time for few rooms, by room for many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from roompulse.errors import InputError
from roompulse.forecasting import HORIZONS
from trainer.preset_samples import ALWAYS, Samples, samples
from trainer.series import LEAST_SAMPLES, SeriesSession, cuts_of
from trainer.sessions import Session

BY_TIME, BY_ROOM = "time", "rooms"
MANY_ROOMS = 4
"""From so many on, rooms are held out instead of the last of the time."""
TEST_SHARE, VALIDATION_SHARE = 0.25, 0.125
"""Of the rooms, where rooms are held out."""


@dataclass(frozen=True, slots=True)
class Part:
    """Sessions and the minutes since 1970 whose forecasts belong here; windows may reach back to before `first`."""

    sessions: Sequence[SeriesSession]
    first: int = -ALWAYS
    end: int = ALWAYS

    def samples(self, window: int, most: int) -> Samples:
        """All forecasts of this part, or `most` of them, evenly spread, where there are more."""
        return samples(self.sessions, window, self.first, self.end).evenly(most)

    def counts(self) -> list[Session]:
        """The target up to the part's end, as rivals learn from it. A single room's sessions count as rooms.

        Otherwise the stacked ensemble, which learns its weights on rooms that its parts have not seen, had none.
        """
        one = len({session.room for session in self.sessions}) == 1
        cut = [
            Session(f"{s.room} {s.start}" if one else s.room, s.start, s.counts().counts[: max(0, self.end - s.start)])
            for s in self.sessions
        ]
        return [session for session in cut if len(session.counts) > HORIZONS]

    def target_alone(self) -> Part:
        """The same without the other metrics and the channels."""
        return replace(self, sessions=[replace(s, values=s.values[:, :1].copy()) for s in self.sessions])


@dataclass(frozen=True, slots=True)
class Parts:
    """What networks learn from, what calibrates their intervals, and what everyone is judged on."""

    training: Part
    validation: Part
    test: Part
    rule: str

    def target_alone(self) -> Parts:
        """The same without the other metrics and the channels."""
        return Parts(self.training.target_alone(), self.validation.target_alone(), self.test.target_alone(), self.rule)


def parts_of(sessions: Sequence[SeriesSession], by: str | None, seed: int, source: str) -> Parts:
    """Split by `time` or `rooms`, by what suits where None. Raises InputError where there is too little history."""
    sessions = [_from_the_first_measured(session) for session in sessions]
    cuts = cuts_of(sessions, source)  # before anything else: it says what is wrong with a history of nothing
    rooms = sorted({session.room for session in sessions})
    if by == BY_TIME or (by is None and len(rooms) < MANY_ROOMS):
        parts = Parts(
            Part(sessions, end=cuts.validation),
            Part(sessions, cuts.validation, cuts.test),
            Part(sessions, cuts.test),
            "time: the first 75 % to learn from, the next 12.5 % to calibrate, the last 12.5 % to judge by",
        )
    elif len(rooms) < MANY_ROOMS:
        raise InputError(f"too few rooms to hold some out: {len(rooms)}, expected {MANY_ROOMS} or more", file=source)
    else:
        order = [rooms[index] for index in np.random.default_rng(seed).permutation(len(rooms))]
        test = max(1, round(TEST_SHARE * len(rooms)))
        validation = test + max(1, round(VALIDATION_SHARE * len(rooms)))
        held = [
            Part([session for session in sessions if session.room in chosen])
            for chosen in (order[validation:], order[test:validation], order[:test])
        ]
        rule = f"rooms: {len(rooms) - validation} to learn from, {validation - test} to calibrate, {test} to judge by"
        parts = Parts(held[0], held[1], held[2], rule)
    for name in ("training", "validation", "test"):
        found = getattr(parts, name).samples(1, ALWAYS)
        known = np.min(sum(np.sum(~np.isnan(some.truth()), axis=0) for some in found.portions()))
        if known < LEAST_SAMPLES:
            raise InputError(
                f"too little history: {known} forecasts to be met in the {name} part, expected {LEAST_SAMPLES}",
                file=source,
            )
    return parts


def expanding(training: Part, folds: int) -> list[tuple[Part, Part]]:
    """Cross-validation in order of time: learn from all before a cut, be judged up to the next one."""
    times = [s.start + np.flatnonzero(~np.isnan(s.values[:, 0])) for s in training.sessions]
    measured = np.sort(np.concatenate(times))
    measured = measured[(measured >= training.first) & (measured < training.end)]
    edges = [int(measured[len(measured) * (fold + 1) // (folds + 1)]) for fold in range(folds)] + [training.end]
    return [
        (replace(training, end=cut), replace(training, first=cut, end=following)) for cut, following in pairwise(edges)
    ]


def _from_the_first_measured(session: SeriesSession) -> SeriesSession:
    first = int(np.argmin(np.isnan(session.values[:, 0])))
    return replace(session, start=session.start + first, values=session.values[first:])
