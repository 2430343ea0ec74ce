"""A partition that is ours: its fold, how far it has come, and what the checkpoint does not know yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import numpy as np

from scorer.pipeline.fold import Fold
from scorer.pipeline.partition import Head, Outcome
from scorer.ports import PointLost, Row, Saved, Snapshot
from scorer.recovery import SavedHead

_ROWS_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A point that is being saved: where it stands, and what of it the checkpoint did not know when it was made."""

    position: int
    anew: bool
    changed: set[str]
    removed: set[str]


@dataclass(slots=True)
class Owned:
    """`position` is the next offset to fold; below `live_from` the output is suppressed, having been written before.

    `changed` and `removed` are the rooms since the point that was handed over last, to be saved.
    """

    fold: Fold
    position: int
    live_from: int
    saved_at: int
    anew: bool = False
    """What is saved cannot be continued from, and must not be mixed with what is rebuilt."""
    changed: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    handed: HandedOver | None = None

    @property
    def unsaved(self) -> bool:
        """Whether the fold has moved on from the saved point."""
        return self.position != self.saved_at

    @property
    def waiting(self) -> int:
        """Rows that the checkpoint is not known to hold, those that are being saved among them."""
        return len(self.changed) + (0 if self.handed is None else len(self.handed.changed))

    def load(self, saved: Saved, head: Head, dtype: np.dtype[np.void]) -> None:
        """Begin at a saved point, whose rooms have the layout `dtype`."""
        # Into memory of numpy's, which comes in large pages: a third of what joining the rows costs.
        rows = np.empty(len(saved.rows), dtype)
        size, data = dtype.itemsize, rows.view(np.uint8).data
        for at, (_, row) in enumerate(saved.rows):
            data[at * size : (at + 1) * size] = row
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

    def hand_over(self, about: SavedHead, *, whole: bool) -> Snapshot:
        """The present point as a change against the saved one; `about` gets this partition's head.

        Only where nothing is applied until it is saved may it be `whole`: able to give every room.
        """
        self.handed = HandedOver(self.position, self.anew, self.changed, self.removed)
        self.anew, self.changed, self.removed = False, set(), set()
        head = msgspec.structs.replace(about, head=self.fold.head)
        return Snapshot(
            self.position,
            msgspec.json.encode(head),
            list(self._rows(list(self.handed.changed))),
            [room.encode() for room in self.handed.removed],
            self._everything if whole else _moved_on,
            self.handed.anew,
        )

    def saved(self) -> None:
        """The checkpoint holds the point that was handed over."""
        assert self.handed is not None
        self.saved_at = self.handed.position
        self.handed = None

    def keep_unsaved(self) -> None:
        """What was handed over and not saved has to be saved with what came after it."""
        if self.handed is None:
            return
        self.anew |= self.handed.anew
        changed, removed = self.changed, self.removed
        self.changed = changed | (self.handed.changed - removed)
        self.removed = removed | (self.handed.removed - changed)
        self.handed = None

    def _everything(self) -> Iterator[tuple[bytes, Row]]:
        return self._rows(self.fold.rooms())

    def _rows(self, rooms: list[str]) -> Iterator[tuple[bytes, Row]]:
        for start in range(0, len(rooms), _ROWS_AT_ONCE):
            some = rooms[start : start + _ROWS_AT_ONCE]
            rows = self.fold.rows_of(some)
            size, data = rows.dtype.itemsize, rows.view(np.uint8).data
            ids = [room.encode() for room in some]
            yield from zip(ids, [data[at : at + size] for at in range(0, len(data), size)], strict=True)


def _moved_on() -> Iterator[tuple[bytes, Row]]:
    raise PointLost("the rows have moved on since this point")
