"""From rows to sessions, and from sessions to a fair split."""

from __future__ import annotations

import numpy as np
import pytest

from roompulse.errors import InputError
from trainer.dead import dead_text, why_dead
from trainer.sessions import Session, all_sessions, check_usable, hash_of, living, sessions_from, split


def rows(room: str, first: int, counts: list[float]) -> list[tuple[str, int, float]]:
    """One room's minutes in a row."""
    return [(room, first + minute, count) for minute, count in enumerate(counts)]


def session(room: str, start: int = 0, minutes: int = 30) -> Session:
    """A session with rising counts."""
    return Session(room, start, np.arange(float(minutes)))


def test_ten_blank_minutes_end_a_session() -> None:
    """The rule is the scorer's: nine blank minutes are a gap within a session, after ten another one begins."""
    for gap, expected in ((1, 1), (9, 1), (10, 2), (200, 2)):
        found = sessions_from(rows("a", 0, [1.0] * 20) + rows("a", 20 + gap, [2.0] * 20))
        assert len(found) == expected
        assert sum(int(np.isnan(part.counts).sum()) for part in found) == (gap if expected == 1 else 0)


def test_unmeasured_minutes_are_blanks_not_zeros() -> None:
    """NaN within a session stays NaN, at its ends it is cut off."""
    (found,) = sessions_from(rows("a", 5, [np.nan, 1.0, np.nan, *[2.0] * 20, np.nan]))
    assert found.start == 6
    assert np.isnan(found.counts[1])
    assert len(found.counts) == 22


def test_order_of_rows_and_repeated_rows_change_nothing() -> None:
    """Rows in any order and twice give the same sessions, and so the same data hash."""
    all_rows = rows("b", 0, [3.0] * 20) + rows("a", 7, [1.0, 2.0] * 10)
    assert hash_of(sessions_from(all_rows)) == hash_of(sessions_from(all_rows[::-1] + all_rows))


def test_short_sessions_are_left_out() -> None:
    """Fourteen measured minutes are too few."""
    assert sessions_from(rows("a", 0, [1.0] * 14)) == []
    assert len(sessions_from(rows("a", 0, [1.0] * 15))) == 1


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ([1.0] * 15, None),
        ([1.0] * 14, "short"),
        ([1.0] * 14 + [np.nan], "short"),
        ([0.0] * 14, "short"),
        ([0.0] * 15, "silent"),
        ([0.0] * 90 + [1.0] * 10, "silent"),
        ([0.0] * 89 + [1.0] * 11, None),
        ([0.0] * 45 + [np.nan] * 45 + [1.0] * 10, "silent"),
        ([1e-6] * 20, None),
        ([], "short"),
    ],
)
def test_a_session_is_dead_by_one_rule(counts: list[float], reason: str | None) -> None:
    """Short: fewer than 15 measured minutes. Silent: zero or missing in at least 90 % of its minutes."""
    assert why_dead(np.array(counts)) == reason


def test_dead_sessions_are_left_out_and_counted() -> None:
    """By reason; a room of which nothing was measured has no session at all."""
    every = all_sessions(
        rows("a", 0, [0.0] * 40) + rows("b", 0, [2.0] * 5) + rows("c", 0, [2.0] * 40) + rows("d", 0, [np.nan] * 40)
    )
    alive, dead = living(every)
    assert [part.room for part in alive] == ["c"]
    assert dead == {"silent": 1, "short": 1}
    assert dead_text(dead).startswith("1 with fewer than 15 measured minutes; 1 with the target zero or missing")


def test_the_hash_notices_any_change() -> None:
    """Another count, minute or room is other data."""
    base = session("a")
    others = [session("b"), session("a", 1), session("a", minutes=31)]
    assert len({hash_of([part]) for part in [base, *others]}) == 4


def test_rooms_are_held_out_whole() -> None:
    """No room is on both sides, and the same seed holds out the same rooms."""
    sessions = [session(f"room-{number % 8}", number * 100) for number in range(24)]
    parts = split(sessions, 0.25, seed=3)
    training, heldout = ({part.room for part in side} for side in (parts.training, parts.heldout))
    assert not training & heldout
    assert len(heldout) == 2
    assert split(sessions[::-1], 0.25, seed=3).rule == parts.rule == "by room"


def test_few_rooms_are_split_by_time() -> None:
    """With fewer than four rooms the latest sessions are held out, never earlier ones."""
    parts = split([session("a", start) for start in (900, 0, 300, 600)], 0.25, seed=0)
    assert [part.start for part in parts.heldout] == [900]
    assert max(part.start for part in parts.training) < 900


@pytest.mark.parametrize(
    ("sessions", "message"),
    [
        ([], "too few sessions: found 0"),
        ([session("a")], "too few sessions: found 1"),
        ([Session("a", 0, np.full(30, 4.0)), Session("b", 0, np.full(30, 4.0))], "the target is 4 in every minute"),
    ],
)
def test_data_that_teaches_nothing_is_refused(sessions: list[Session], message: str) -> None:
    """Too few sessions or a constant target end the command before training, with the file's name."""
    with pytest.raises(InputError, match=f"history.csv: {message}"):
        check_usable(sessions, "history.csv")
