"""The room's record: its size, its beginning, what a session resets, and when a room is let go of."""

from __future__ import annotations

import numpy as np
import pytest

from roompulse.rooms import FORGET_MINUTES, FRESH, fresh_rooms, idle_at, layout_of, room_dtype, start_session

LASTS = (
    "last_minute", "session_start", "offset", "gate", "widen", "threshold_shift", "snoozed_until", "category",
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
