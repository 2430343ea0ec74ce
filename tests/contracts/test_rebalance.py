"""What a member gets while its group is being put together again: with librdkafka all of what stays, with kafka-python
nothing until it is over (docs/clients.md). Neither loses a partition that stays, and neither starts it anew.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contracts.event_logs import PARTITIONS, open_world
from tests.contracts.test_event_log import ALL, Reader, fill, joined, until

HELD_S = 8.0
"""So long one member lets the others wait: more than two polls of either client."""


@pytest.mark.parametrize(("name", "goes_on"), [("apache", False), ("apache-confluent", True)])
def test_what_stays_while_a_slow_member_holds_the_group_up(
    request: pytest.FixtureRequest, name: str, goes_on: bool
) -> None:
    """A third member joins, the second is busy and does not answer: the first keeps its partition."""
    with open_world(name, request) as world:
        first = joined(world.log("one"))
        second = Reader(world.log("two"))
        until(lambda: len(first.owned) == len(second.owned) == 1, first, second)
        assert first.owned | second.owned == ALL
        (kept,) = first.owned
        (other,) = second.owned
        second.log.start(other, 0)
        until(lambda: True, first, second)
        first.lost = first.gained = frozenset()
        third = Reader(world.log("three"))
        # Now only the first and the third poll: the group waits for the second, as long as its poll interval.
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(_poll_for, third, HELD_S)
            _poll_for(first, 1.0)  # the group's wish to meet has come by now
            values = fill(world, 5, kept)
            _poll_for(first, HELD_S / 2)
            assert (first.values(kept) == values) is goes_on
            waiting.result()
        until(lambda: first.values(kept) == values, first, second, third)
        until(lambda: len(first.owned) + len(second.owned) + len(third.owned) == PARTITIONS, first, second, third)
        assert kept in first.owned
        assert kept not in first.lost | first.gained


def _poll_for(reader: Reader, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reader.poll()
