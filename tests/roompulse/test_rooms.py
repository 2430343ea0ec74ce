"""The room's record: its size, its beginning, what a session resets, and when a room is let go of."""

from __future__ import annotations

import numpy as np
import pytest

from roompulse.rooms import (
    FORGET_MINUTES,
    FRESH,
    fresh_rooms,
    idle_at,
    layout_of,
    room_dtype,
    room_for,
    shape_of,
    start_session,
    widened,
)

LASTS = (
    "last_minute", "session_start", "offset", "model", "gate", "widen", "threshold_shift", "snoozed_until", "category",
    "spread", "suspected", "own_bar", "calm_since",
)  # fmt: skip
"""What one session leaves to the next. `suspected` counts only while there is evidence, which is reset."""


def test_a_room_takes_the_memory_that_the_design_allows() -> None:
    """About 3 KB for the shipped network, packed: no byte is left undefined between the fields."""
    dtype = room_dtype(56, 60)
    assert dtype.itemsize < 3100
    fields = dtype.fields
    assert fields is not None
    assert dtype.itemsize == sum(field[0].itemsize for field in fields.values())


def test_layouts_are_told_apart() -> None:
    """Another width, another ring: rows of one cannot be read as the other."""
    assert len({layout_of(room_dtype(units, window)) for units in (16, 32) for window in (60, 100)}) == 4
    assert layout_of(room_dtype(32, 60)) == layout_of(room_dtype(32, 60))


def test_fresh_rooms_are_all_the_same_bytes() -> None:
    """However many are made at once."""
    dtype = room_dtype(4, 60)
    rooms = fresh_rooms(3, dtype)
    assert len({room.tobytes() for room in rooms}) == 1
    assert rooms[0].tobytes() == fresh_rooms(1, dtype).tobytes()
    assert len(fresh_rooms(0, dtype)) == 0


def test_a_session_resets_all_but_what_lasts() -> None:
    """Every field is either listed here as lasting, or as it was in a fresh room."""
    dtype = room_dtype(4, 60)
    rooms = np.frombuffer(bytearray(b"\x01" * dtype.itemsize), dtype)
    start_session(rooms)
    fresh = fresh_rooms(1, dtype)
    assert dtype.names is not None
    kept = [name for name in dtype.names if rooms[name].tobytes() != fresh[name].tobytes()]
    assert kept == [name for name in dtype.names if name in LASTS]


def test_a_wider_layout_holds_the_same_minutes_and_state() -> None:
    """Rings are placed anew by minute, what is new is as in a fresh room, all else stays to the bit."""
    narrow, wide = room_dtype(4, 60), room_dtype(7, 100, 90)
    rooms = fresh_rooms(2, narrow)
    rooms["last_minute"] = [1_000_003, 1_000_059]
    rooms["own_bar"] = [[1, 2], [3, 4]]
    rooms["h"] = np.arange(8).reshape(2, 4)
    for row in range(2):
        minutes = int(rooms["last_minute"][row]) - np.arange(60)
        rooms["ring"][row, minutes % 60] = minutes % 1000
    found = widened(rooms, wide)
    assert (shape_of(found.dtype), room_for(narrow, wide)) == ((7, 100, 90), wide)
    for row in range(2):
        minutes = int(rooms["last_minute"][row]) - np.arange(60)
        assert found["ring"][row, minutes % 100].tolist() == (minutes % 1000).tolist()
    assert np.isnan(found["ring"]).sum() == 2 * 40
    assert np.isnan(found["series"]).all()
    assert found["h"][:, :4].tolist() == rooms["h"].tolist()
    assert not found["h"][:, 4:].any()
    assert found["own_bar"].tolist() == rooms["own_bar"].tolist()
    assert widened(rooms, narrow) is rooms


@pytest.mark.parametrize(
    ("watermark", "idle"),
    [(FORGET_MINUTES + 119, False), (FORGET_MINUTES + 120, True), (FORGET_MINUTES + 179, True)],
)
def test_a_room_is_let_go_of_at_a_full_hour(watermark: int, idle: bool) -> None:
    """Seven days and an hour of grace after its last minute, whichever minute of the hour the watermark is at."""
    last = np.array([60, watermark], np.int32)
    assert idle_at(last, watermark).tolist() == ([0] if idle else [])


def test_a_fresh_rooms_last_minute_does_not_overflow() -> None:
    """It stands for never, far below any minute."""
    assert idle_at(np.array([FRESH], np.int32), 540_000_000).tolist() == [0]
