"""From rows to sessions, and from sessions to a fair split."""

from __future__ import annotations

import numpy as np
import pytest

from roompulse.errors import InputError
from trainer.sessions import Session, check_usable, hash_of, sessions_from, split


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
