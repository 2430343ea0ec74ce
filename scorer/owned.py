"""A partition that is ours: its fold, how far it has come, and what the checkpoint does not know yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import numpy as np

from scorer.pipeline.fold import Fold
from scorer.pipeline.partition import Head, Outcome
from scorer.ports import Saved, Snapshot
from scorer.recovery import SavedHead

_ROWS_AT_ONCE = 5000


@dataclass(slots=True)
class Owned:
    """`position` is the next offset to fold; below `live_from` the output is suppressed, having been written before."""

    fold: Fold
    position: int
    live_from: int
    saved_at: int
    anew: bool = False
    """What is saved cannot be continued from, and must not be mixed with what is rebuilt."""
    changed: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)

    @property
    def unsaved(self) -> bool:
        """Whether the fold has moved on from the saved point."""
        return self.position != self.saved_at

    def load(self, saved: Saved, head: Head, dtype: np.dtype[np.void]) -> None:
        """Begin at a saved point, whose rooms have the layout `dtype`."""
        data = b"".join(row for _, row in saved.rows)
        rows = np.frombuffer(bytearray(data), dtype)
        self.fold.load(head, [room.decode() for room, _ in saved.rows], rows)
        self.saved_at = saved.applied

    def apply(self, outcome: Outcome, position: int) -> None:
        """Take over a folded batch, whose records are committed or were before."""
        self.anew |= outcome.rows.dtype != self.fold.dtype  # in a wider layout no saved room can stay
        self.fold.apply(outcome)
        self.position = position
        self.changed.update(outcome.rooms)
        self.removed.difference_update(outcome.rooms)
        self.changed.difference_update(outcome.forgotten)
        self.removed.update(outcome.forgotten)

    def snapshot(self, about: SavedHead) -> Snapshot:
        """The present point as a change against the saved one; `about` gets this partition's head."""
        head = msgspec.structs.replace(about, head=self.fold.head)
        return Snapshot(
            self.position,
            msgspec.json.encode(head),
            list(self._rows(list(self.changed))),
            [room.encode() for room in self.removed],
            lambda: self._rows(self.fold.rooms()),
            self.anew,
        )

    def saved(self) -> None:
        """The checkpoint holds the present point."""
        self.saved_at = self.position
        self.anew = False
        self.changed.clear()
        self.removed.clear()

    def _rows(self, rooms: list[str]) -> Iterator[tuple[bytes, bytes]]:
        for start in range(0, len(rooms), _ROWS_AT_ONCE):
            some = rooms[start : start + _ROWS_AT_ONCE]
            rows = self.fold.rows_of(some)
            size, data = rows.dtype.itemsize, rows.tobytes()
            for number, room in enumerate(some):
                yield room.encode(), data[number * size : (number + 1) * size]
