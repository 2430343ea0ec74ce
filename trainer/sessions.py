"""Sessions, what training and evaluation are made of: which are alive, held out, or too few to learn from."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roompulse.errors import InputError
from roompulse.history import HistoryRow
from roompulse.minutes import ZULU, format_minute
from roompulse.sessions import Session, all_sessions
from trainer.dead import why_dead

__all__ = [
    "LIMITS",
    "Session",
    "Split",
    "all_sessions",
    "check_conflicts",
    "check_usable",
    "count_of",
    "describe",
    "hash_of",
    "living",
    "sessions_from",
    "split",
    "thinned",
]

LIMITS = (
    "counts a minute of a live room; forecasts of 1 to 10 minutes",
    "no calendar, no other metrics: a surge that nothing in the counts announces is not foreseen",
    "smooth series with little noise are forecast better by their last value",
    "intervals are those of the rooms it learnt from; the scorer's calibration adapts them room by room",
)


@dataclass(frozen=True, slots=True)
class Split:
    """Sessions to learn from and sessions of other rooms (or later ones) to be judged by."""

    training: list[Session]
    heldout: list[Session]
    rule: str


def count_of(row: HistoryRow) -> tuple[str, int, float]:
    """Room, minute since 1970 and the target, NaN where it was not measured."""
    count = row.record.metrics.watch_ucnt
    return row.record.room_id, row.minute.epoch, np.nan if count is None else count


def sessions_from(rows: Iterable[tuple[str, int, float]]) -> list[Session]:
    """Rows of room, minute since 1970 and count (NaN for "not measured") to sessions, by room and time.

    A row that comes twice counts once, the later one wins. Blanks at either end are cut off, dead sessions left out.
    """
    return living(all_sessions(rows))[0]


def living(sessions: Iterable[Session]) -> tuple[list[Session], Counter[str]]:
    """The sessions that are not dead, in their order, and how many are, by reason."""
    alive: list[Session] = []
    dead: Counter[str] = Counter()
    for session in sessions:
        if (reason := why_dead(session.counts)) is None:
            alive.append(session)
        else:
            dead[reason] += 1
    return alive, dead


def check_conflicts(conflicts: Sequence[tuple[str, int]], sessions: Sequence[Session], source: str) -> None:
    """Raise InputError where more than 1 % of the minutes came twice with different counts: several rooms in one.

    A few are corrections, of which the last counts, as in the stream.
    """
    minutes = sum(len(session.counts) for session in sessions)
    if 100 * len(conflicts) > minutes:
        room, minute = conflicts[0]
        raise InputError(
            f"duplicate minutes: {len(conflicts):,} came twice with different counts, the first one in room {room!r} "
            f"at {format_minute(minute, ZULU)}; expected one row for each room and minute (is --columns room_id=... "
            "right?)",
            file=source,
        )


def check_usable(sessions: Sequence[Session], source: str) -> None:
    """Raise InputError where nothing could be learnt: too few sessions, or a target that never changes."""
    if len(sessions) < 2:
        raise InputError(
            f"too few sessions: found {len(sessions)} that are not dead, expected 2 or more (one to learn from, one to "
            "be judged by); `roompulse describe` names the dead ones",
            file=source,
        )
    counts = np.concatenate([session.counts for session in sessions])
    if np.nanmax(counts) == np.nanmin(counts):
        raise InputError(f"the target is {np.nanmax(counts):g} in every minute: there is nothing to learn", file=source)


def split(sessions: Sequence[Session], share: float, seed: int) -> Split:
    """Hold out a share of the rooms; with fewer than four rooms, the latest sessions. Windows are never shuffled."""
    rooms = sorted({session.room for session in sessions})
    if len(rooms) >= 4:
        order = np.random.default_rng(seed).permutation(len(rooms))
        chosen = {rooms[index] for index in order[: max(1, round(share * len(rooms)))]}
        return Split(
            [session for session in sessions if session.room not in chosen],
            [session for session in sessions if session.room in chosen],
            "by room",
        )
    latest = sorted(sessions, key=lambda session: (session.start, session.room))
    first = len(latest) - min(len(latest) - 1, max(1, round(share * len(latest))))
    return Split(latest[:first], latest[first:], "by time, the latest sessions")


def thinned(sessions: Sequence[Session], most: int) -> Sequence[Session]:
    """All of them, or every second, third and so on, where they have more than `most` minutes together."""
    minutes = sum(len(session.counts) for session in sessions)
    return sessions[:: -(-minutes // most)] if minutes > most else sessions


def describe(sessions: Sequence[Session]) -> dict[str, Any]:
    """What the card says of some sessions: how many, of which rooms, from when to when."""
    minutes = sum(int(np.sum(~np.isnan(session.counts))) for session in sessions)
    return {
        "rooms": len({session.room for session in sessions}),
        "sessions": len(sessions),
        "minutes": minutes,
        "first_minute": format_minute(min(session.start for session in sessions), ZULU),
        "last_minute": format_minute(max(session.start + len(session.counts) - 1 for session in sessions), ZULU),
        "mean_count": float(f"{sum(float(np.nansum(session.counts)) for session in sessions) / minutes:.4g}"),
    }


def hash_of(sessions: Iterable[Session]) -> str:
    """sha256 over rooms, minutes and counts: names the training data."""
    digest = hashlib.sha256()
    for session in sessions:
        digest.update(f"{session.room}\0{session.start}\0{len(session.counts)}\0".encode())
        digest.update(np.ascontiguousarray(session.counts, "<f8").tobytes())
    return digest.hexdigest()
