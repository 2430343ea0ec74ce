"""A fold with little in it, in the place of the pipeline's; and what a whole run of it has to give.

A room counts its messages and remembers them in order, so that a loss, a repetition and a mix of two points all show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from roompulse.overrides import Overrides
from scorer.pipeline.follow import Follows, Turn
from scorer.pipeline.partition import Head, Outcome, Tally
from scorer.pipeline.write import Line
from scorer.ports import Message, Output

LAYOUTS = (np.dtype([("count", "<i8"), ("digest", "<i8")]), np.dtype([("digest", "<i8"), ("count", "<i8")]))
"""Two versions of a room."""
FORGET = b"forget"
MODEL = "m"
Room = tuple[int, int]


class ToyContext(NamedTuple):
    """As much of a Context as taking over asks for."""

    dtype: np.dtype[np.void]
    model: str = MODEL
    settings: Overrides = Overrides()


def mixed(digest: int, offset: int) -> int:
    """A digest of all offsets in order."""
    return (digest * 31 + offset + 1) % (1 << 40)


def advance(rooms: dict[str, Room], total: int, message: Message) -> tuple[int, bytes]:
    """One message: changes `rooms`; the partition's new digest and the record to write."""
    room, total = (message.key or b"").decode(), mixed(total, message.offset)
    count, digest = rooms.get(room, (0, 0))
    count, digest = count + 1, mixed(digest, message.offset)
    rooms[room] = (count, digest)
    if message.value == FORGET:
        del rooms[room]
    return total, b"%d %s %d %d %d" % (message.offset, room.encode(), count, digest, total)


class ToyFold:
    """What `Partitions` needs of a Fold."""

    def __init__(self, partition: int, context: ToyContext) -> None:
        self.partition = partition
        self.dtype = context.dtype
        self.head = Head(watermark=0, follows=Follows((Turn(MODEL),)))
        self._rooms: dict[str, Room] = {}

    def __len__(self) -> int:
        return len(self._rooms)

    def begin(self, follows: Follows, models: Sequence[ToyContext]) -> None:
        self.head = replace(self.head, follows=follows)

    def load(self, head: Head, rooms: Sequence[str], rows: NDArray[np.void]) -> None:
        self.head = head
        self._rooms = rooms_in(rooms, rows)

    def rooms(self) -> list[str]:
        return list(self._rooms)

    def rows_of(self, rooms: Sequence[str]) -> NDArray[np.void]:
        return rows_from([self._rooms[room] for room in rooms], self.dtype)

    def step(self, messages: Sequence[Message]) -> Outcome:
        rooms, total, lines = dict(self._rooms), self.head.watermark or 0, []
        for place, message in enumerate(messages):
            total, value = advance(rooms, total, message)
            lines.append(Line(place, Output("out", self.partition, None, value, ())))
        touched = dict.fromkeys((message.key or b"").decode() for message in messages)
        kept = [room for room in touched if room in rooms]
        rows = rows_from([rooms[room] for room in kept], self.dtype)
        gone = [room for room in touched if room not in rooms]
        return Outcome(lines, replace(self.head, watermark=total), kept, rows, gone, Tally())

    def apply(self, outcome: Outcome) -> None:
        self.head = outcome.head
        self._rooms.update(rooms_in(outcome.rooms, outcome.rows))
        for room in outcome.forgotten:
            self._rooms.pop(room, None)


def rows_from(rooms: Sequence[Room], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """Rooms in a layout."""
    rows = np.zeros(len(rooms), dtype)
    for place, room in enumerate(rooms):
        rows["count"][place], rows["digest"][place] = room
    return rows


def rooms_in(names: Sequence[str], rows: NDArray[np.void]) -> dict[str, Room]:
    """Rooms by name."""
    pairs = zip(rows["count"].tolist(), rows["digest"].tolist(), strict=True)
    return dict(zip(names, pairs, strict=True))


@dataclass(slots=True)
class Truth:
    """The fold of every prefix of the log: what was written by then, and the state."""

    written: list[list[bytes]] = field(default_factory=lambda: [[]])
    rooms: list[dict[str, Room]] = field(default_factory=lambda: [{}])
    totals: list[int] = field(default_factory=lambda: [0])

    def add(self, message: Message | None) -> None:
        """One more offset; None where a transaction's marker took it."""
        rooms, total, written = dict(self.rooms[-1]), self.totals[-1], self.written[-1]
        if message is not None:
            total, value = advance(rooms, total, message)
            written = [*written, value]
        self.rooms.append(rooms)
        self.totals.append(total)
        self.written.append(written)
