"""What a windowed network is shown of a room, against a slow oracle."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from roompulse.rooms import DRIVERS, room_dtype
from scorer.pipeline.partition import Context
from tests.scorer.fakes import EAST, START, Event, Lab, context_of, event


class WindowRecorder:
    """Forecasts the newest known minute and remembers what it was shown."""

    look_back = 15

    def __init__(self) -> None:
        self.shown: list[tuple[int, NDArray[np.float32]]] = []

    def from_window(
        self, windows: NDArray[np.float32], minutes: NDArray[np.int64], references: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        self.shown += [(int(minute), window.copy()) for minute, window in zip(minutes, windows, strict=True)]
        outputs = np.zeros((len(windows), 3, 10), np.float32)
        outputs[:, 0], outputs[:, 2] = -0.5, 0.5
        return outputs


def lab_of(recorder: WindowRecorder, *, every_series: bool) -> Lab:
    """A fold with that network, and the ring of all series where it reads them."""
    context: Context = context_of()
    dtype = room_dtype(0, 60, recorder.look_back if every_series else 0)
    return Lab(replace(context, forecaster=recorder, dtype=dtype))


def stream() -> list[tuple[int, float | None, float, Event]]:
    """One room's minutes with gaps of up to five minutes and nulls: minute, target, comments and the record."""
    chance = Random(5)
    found: list[tuple[int, float | None, float, Event]] = []
    minute = 0
    while minute < 90:
        target = None if chance.random() < 0.1 else chance.randrange(100)
        comments = chance.randrange(50)
        found.append((minute, target, comments, event("r", minute, target, metrics={"comment_cnt": comments})))
        minute += 1 if chance.random() < 0.8 else chance.randrange(2, 6)
    return found


@pytest.mark.parametrize("every_series", [False, True])
def test_a_network_is_shown_the_last_minutes_with_holes_where_nothing_came(every_series: bool) -> None:
    """Every window holds the minutes up to its own in order, NaN for blanks, nulls and the time before the session."""
    recorder = WindowRecorder()
    lab = lab_of(recorder, every_series=every_series)
    events = stream()
    for *_, record in events:
        lab.send(record)
    assert len(recorder.shown) == len(events)
    targets = {minute: np.nan if target is None else target for minute, target, *_ in events}
    comments = {minute: value for minute, _, value, _ in events}
    for (minute, *_), (local, window) in zip(events, recorder.shown, strict=True):
        assert local == START + minute + EAST
        assert window.shape == (15, DRIVERS if every_series else 1)
        past = range(minute - 14, minute + 1)
        assert np.array_equal(window[:, 0], [targets.get(m, np.nan) for m in past], equal_nan=True)
        if every_series:
            assert np.array_equal(window[:, 3], [comments.get(m, np.nan) for m in past], equal_nan=True)


@pytest.mark.parametrize("every_series", [False, True])
def test_a_corrected_minute_is_shown_corrected(every_series: bool) -> None:
    """A late other value takes its place in the next window; one beyond the ring of all series does not."""
    recorder = WindowRecorder()
    lab = lab_of(recorder, every_series=every_series)
    for minute in range(30):
        lab.send(event("r", minute, 10 + minute))
    lab.send(event("r", 27, 99), event("r", 5, 77), event("r", 30, 40))
    assert lab.status["corrected"] == 2
    assert recorder.shown[-1][1][:, 0].tolist() == [*range(26, 37), 99, 38, 39, 40]


def test_a_new_session_is_shown_nothing_of_the_last_one() -> None:
    """After ten blank minutes the window begins empty."""
    recorder = WindowRecorder()
    lab = lab_of(recorder, every_series=True)
    lab.send(*(event("r", minute, 50) for minute in range(20)))
    lab.send(event("r", 31, 7))
    shown = recorder.shown[-1][1]
    assert np.isnan(shown[:-1]).all()
    assert shown[-1, 0] == 7
