"""A small fold with an owner's memory, for tests of checkpoints: what the scorer's loop does, without the scoring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scorer.ports import Checkpoint, Saved, Snapshot

Point = tuple[int, bytes, dict[bytes, bytes]]


class Fold:
    """One owner of one partition: rooms in memory, and what has changed since the last save that returned."""

    def __init__(self, checkpoint: Checkpoint, partition: int = 0) -> None:
        self.checkpoint = checkpoint
        self.partition = partition
        self.applied = 0
        self.head = b""
        self.rows: dict[bytes, bytes] = {}
        self.asked_for_everything = 0
        self._changed: set[bytes] = set()
        self._removed: set[bytes] = set()

    def claim(self) -> Saved | None:
        """Claim and take over what is saved."""
        saved = self.checkpoint.claim(self.partition)
        self.applied, self.head, self.rows = point(saved) or (0, b"", {})
        self._changed, self._removed = set(), set()
        return saved

    def step(self, rows: Mapping[bytes, bytes] | None = None, removed: Iterable[bytes] = (), head: bytes = b"") -> None:
        """One batch of the log."""
        self.applied += 1
        self.head = head or b"head %d" % self.applied
        for room_id, row in (rows or {}).items():
            self.rows[room_id] = row
            self._changed.add(room_id)
            self._removed.discard(room_id)
        for room_id in removed:
            self.rows.pop(room_id, None)
            self._removed.add(room_id)
            self._changed.discard(room_id)

    def save(self, anew: bool = False) -> None:
        """Save the point that the memory is at."""
        self.checkpoint.save(self.partition, self.snapshot(anew))
        self._changed, self._removed = set(), set()

    def snapshot(self, anew: bool = False) -> Snapshot:
        """The point that the memory is at, against the last save."""
        changed = [(room_id, self.rows[room_id]) for room_id in sorted(self._changed)]
        return Snapshot(self.applied, self.head, changed, sorted(self._removed), self._everything, anew)

    @property
    def point(self) -> Point:
        """What a claim must give after a save."""
        return self.applied, self.head, dict(self.rows)

    def _everything(self) -> Iterable[tuple[bytes, bytes]]:
        self.asked_for_everything += 1
        return list(self.rows.items())


def point(saved: Saved | None) -> Point | None:
    """What was claimed, in a form that can be compared; fails where a room is given twice."""
    if saved is None:
        return None
    rows = dict(saved.rows)
    assert len(rows) == len(saved.rows)
    return saved.applied, saved.head, rows
