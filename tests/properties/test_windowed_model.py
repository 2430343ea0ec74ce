"""Windowed bundles keep the promises of the step network: replay equals live, whatever the batches and other rooms."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from roompulse.rooms import DRIVERS
from roompulse.settings import Settings
from scorer.pipeline.partition import Context
from scorer.wiring import open_model
from tests.scorer.fakes import Event, Lab, clock, event, state_of

pytest.importorskip("onnx", reason="the extra `train` makes the networks of these tests")

from tests.scorer.window_bundles import bundle_at, specification

ROOMS, MINUTES = 9, 40
WINDOWS = {
    "univariate": specification(25),
    "univariate, longer than the ring of other models": specification(80, fill="hold", time_features=True),
    "multivariate": specification(12, DRIVERS),
    "direct": specification(25, direct=True, scale=(30.0,), center=(5.0,)),
}


@cache
def context(name: str) -> Context:
    """A small network behind such a window, opened as the scorer opens it."""
    with TemporaryDirectory() as folder:
        return open_model(bundle_at(Path(folder) / "tiny", WINDOWS[name]), Settings(), None)


def records(rooms: int = ROOMS) -> list[Event]:
    """Rooms with gaps, nulls, bursts, channels, corrections and a second session; the same for the first rooms."""
    found = []
    for room in range(rooms):
        chance = Random(room)
        for minute in range(MINUTES):
            if chance.random() < 0.9 and not (room % 4 == 3 and 14 <= minute < 26):
                value = int(40 * chance.uniform(0.7, 1.3) * (4 if 30 <= minute < 34 and room % 3 == 0 else 1))
                natural, paid = {"直播推荐": value // 2, "新": value // 3}, {"其他广告": room}
                target = None if chance.random() < 0.05 else value
                found.append((minute, room, event(f"room {room}", minute, target, natural=natural, paid=paid)))
            if chance.random() < 0.1 and minute > 4:
                found.append((minute, room, event(f"room {room}", minute - 3, 55, natural={"搜索": 7})))
    found.sort(key=lambda item: item[:2])
    return [record for _, _, record in found] + [clock(MINUTES + 20)]


def fold(name: str, events: list[Event], size: int) -> Lab:
    """Fold in batches of this size."""
    lab = Lab(context(name))
    for start in range(0, len(events), size):
        lab.send(events[start : start + size])
    return lab


@pytest.mark.parametrize("name", WINDOWS)
def test_any_cut_into_batches_gives_the_same_bytes(name: str) -> None:
    """One record at a time, seven at a time and all at once: the same records and the same state, rings included."""
    events = records()
    whole = fold(name, events, 5000)
    assert whole.status["corrected"] > 5
    assert whole.total.alerts
    assert whole.total.sessions > ROOMS
    for size in (1, 7):
        other = fold(name, events, size)
        assert other.all == whole.all
        assert state_of(other.fold) == state_of(whole.fold)


@pytest.mark.parametrize("name", WINDOWS)
def test_other_rooms_change_no_byte_of_a_room(name: str) -> None:
    """Three rooms alone, and the same three among nine."""
    keys = {f"room {room}".encode() for room in range(3)}
    alone, company = (
        sorted(
            (line for line in fold(name, records(rooms), 64).all if line.key in keys), key=lambda line: line.key or b""
        )
        for rooms in (3, ROOMS)
    )
    assert alone == company


def test_a_windowed_fold_goes_on_from_its_saved_rows() -> None:
    """State written to bytes and read back, as the checkpoint does, continues with the same records."""
    events = records()
    half = len(events) // 2
    whole = fold("multivariate", events, 64)
    first = fold("multivariate", events[:half], 64)
    head, rows = state_of(first.fold)
    resumed = Lab(context("multivariate"))
    loaded = np.frombuffer(bytearray(b"".join(rows.values())), context("multivariate").dtype)
    resumed.fold.load(head, list(rows), loaded)
    resumed.send(events[half:])
    assert [line.value for line in resumed.all] == [line.value for line in whole.all[len(first.all) :]]
