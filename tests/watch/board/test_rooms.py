"""The rings of minutes behind the board's rooms."""

from __future__ import annotations

import numpy as np
import pytest

from watch.board.rooms import NEVER, Rooms


def minutes(*epochs: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(epochs, np.int64)


def fan(median: float) -> list[list[float]]:
    return [[median / 2] * 10, [median] * 10, [median * 2] * 10]


def test_what_came_is_found_by_its_minute_in_whatever_order_it_was_read() -> None:
    """A gap and an unmeasured minute are NaN; an older lap of the ring never overwrites a newer one."""
    rooms = Rooms(window=10)
    rooms.take_count("a", 103, 3.0)
    rooms.take_count("a", 101, 1.0)
    rooms.take_count("a", 102, None)
    rooms.take_count("a", 93, 99.0)
    np.testing.assert_array_equal(rooms.came("a", minutes(100, 101, 102, 103)), [np.nan, 1.0, np.nan, 3.0])
    assert np.isnan(rooms.came("a", minutes(93))).all()


def test_a_forecast_is_found_by_the_minute_it_was_made_after() -> None:
    """All three quantiles of all ten horizons; the newest one makes the room live."""
    rooms = Rooms(window=10)
    rooms.take_forecast("a", 100, fan(8.0))
    rooms.take_forecast("b", 111, fan(1.0))
    found = rooms.fans("a", minutes(100, 101))
    np.testing.assert_array_equal(found[0], fan(8.0))
    assert np.isnan(found[1]).all()
    assert (rooms.newest, rooms.last_minute("a"), rooms.last_minute("nobody")) == (111, 100, NEVER)
    assert rooms.live() == 1, "a room that was silent for eleven minutes is over"


def test_all_rooms_at_once_are_the_rooms_one_by_one() -> None:
    """What skill is computed from."""
    rooms = Rooms(window=20)
    for at, name in enumerate("abc"):
        for minute in range(100, 108):
            rooms.take_count(name, minute, 10.0 * at + minute)
            rooms.take_forecast(name, minute, fan(minute + at))
    asked = minutes(99, 100, 105)
    np.testing.assert_array_equal(rooms.all_came(asked), [rooms.came(name, asked) for name in "abc"])
    np.testing.assert_array_equal(rooms.all_made(asked, 5), [rooms.fans(name, asked)[:, :, 4] for name in "abc"])


def test_memory_is_bounded_and_a_silent_room_makes_way_for_a_new_one() -> None:
    """Live rooms stay; a room that is one too many is turned away and that is known."""
    rooms = Rooms(most=3, window=10)
    for minute, name in ((100, "old"), (115, "b"), (115, "c")):
        rooms.take_count(name, minute, 1.0)
        rooms.take_forecast(name, minute, fan(1.0))
    assert rooms.take_count("new", 115, 7.0)
    assert "old" not in rooms
    assert rooms.came("new", minutes(115)).tolist() == [7.0]
    assert np.isnan(rooms.came("new", minutes(100))).all(), "nothing of the old room is left"
    rooms.take_forecast("new", 115, fan(1.0))
    overflowing = [rooms.overflowing]
    assert not rooms.take_count("one too many", 115, 1.0)
    overflowing.append(rooms.overflowing)
    assert overflowing == [False, True]
    assert len(rooms.names()) == 3


@pytest.mark.parametrize("count", [1, 255, 256, 257, 600])
def test_the_arrays_grow_with_the_rooms(count: int) -> None:
    """No room is lost where they do."""
    rooms = Rooms(most=600, window=4)
    for at in range(count):
        rooms.take_count(f"r{at}", 10, float(at))
        rooms.take_forecast(f"r{at}", 10, fan(float(at)))
    assert rooms.live() == count
    assert [rooms.came(f"r{at}", minutes(10))[0] for at in range(count)] == list(range(count))
