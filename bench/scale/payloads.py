"""Room-minutes that cost nearly nothing to make: simulated values, with room and minute put in.

A few hundred rooms are simulated; room number n is one of them, begun a few minutes later or earlier, so that rooms
neither move together nor jump. Nothing is missing, late or double: every event has to give exactly one forecast.
"""

from __future__ import annotations

from collections.abc import Callable

from roompulse.history import encode_row
from roompulse.minutes import ZULU, format_minute
from roompulse.simulation import SimulationSettings, simulate

PATTERNS = 512
_BEGINNINGS = 16
_HEAD = b'{"room_id":"'
_MIDDLE = b'","minute":"'


def room_key(room: int) -> bytes:
    """The key of a room from its number: all are of one length."""
    return b"room-%07d" % room


def room_number(key: bytes) -> int:
    """The inverse of `room_key`."""
    return int(key[5:])


def minute_text(epoch: int) -> bytes:
    """A minute as it stands in the records."""
    return format_minute(epoch, ZULU).encode()


class Payloads:
    """The records of any number of rooms for `minutes` minutes."""

    def __init__(self, minutes: int) -> None:
        self._tails = _simulated_tails(minutes + _BEGINNINGS)

    def minute(self, step: int, epoch: int) -> Callable[[int], tuple[bytes, bytes]]:
        """For one minute of the load, its `step`-th from 0: a function from room number to key and value."""
        tails, middle = self._tails, _MIDDLE + minute_text(epoch)

        def record(room: int) -> tuple[bytes, bytes]:
            key = b"room-%07d" % room
            later, pattern = divmod(room, PATTERNS)
            return key, _HEAD + key + middle + tails[pattern][step + later % _BEGINNINGS]

        return record


def _simulated_tails(minutes: int) -> list[list[bytes]]:
    """What follows the minute in each record, by pattern and minute."""
    whole = SimulationSettings(
        rooms=PATTERNS, minutes=minutes, continuous=True, missing_rate=0, null_rate=0, late_rate=0, duplicate_rate=0
    )
    tails: list[list[bytes]] = [[] for _ in range(PATTERNS)]
    for delivery in simulate(whole):
        for pattern, row in enumerate(delivery.rows):
            _, value = encode_row(row)
            written = row.record.minute.encode()
            tails[pattern].append(value[value.index(written) + len(written) :])
    return tails
