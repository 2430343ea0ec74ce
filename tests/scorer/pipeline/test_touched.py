"""The rooms of a batch: those that take a new minute first, in the order of their records."""

from __future__ import annotations

import numpy as np

from scorer.pipeline.decode import decode_messages
from scorer.pipeline.touched import touched_by
from tests.scorer.fakes import START, clock, event, feedback


def test_repeats_words_and_silent_rooms_come_after_the_routine() -> None:
    """b repeats a minute, c only gets a verdict, s has fallen silent; each row still points at its room."""
    given = [event("b", 5, 1), event("n", 6, 1), clock(6), feedback("c", "noise"), event("a", 6, 1), event("n", 7, 1)]
    decoded = decode_messages([one.at(number) for number, one in enumerate(given)], 0, None)
    held = {"a": 0, "b": 1, "c": 2, "s": 3}
    touched = touched_by(decoded, held, np.full(4, START + 5, np.int32), ["s"])
    assert touched.rooms == ["n", "a", "b", "c", "s"]
    assert touched.routine == 2
    assert [touched.rooms[place] if place >= 0 else "" for place in touched.place.tolist()] == decoded.rooms


def test_no_record_touches_no_room() -> None:
    """But for those that are silent."""
    nothing = decode_messages([], 0, None)
    assert touched_by(nothing, {}, np.zeros(0, np.int32), []).rooms == []
    assert touched_by(nothing, {"s": 0}, np.zeros(1, np.int32), ["s"]).rooms == ["s"]
