"""The checkpoint in memory: for the backtest and for tests. One store may be given to several owners."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from roompulse.errors import CheckpointAway, FencedError
from scorer.adapters.fence import Fence
from scorer.ports import Saved, Snapshot

Stamp = tuple[Fence, int]


@dataclass(slots=True)
class StoredPartition:
    """The last claim, and the saved point with the stamp of the save that made it."""

    fence: Fence | None = None
    stamp: Stamp | None = None
    applied: int = 0
    head: bytes = b""
    rows: dict[bytes, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class MemoryStore:
    """What a server would hold. Tests lose its last writes with `copy` and `restore`, or set `away`."""

    away: bool = False
    partitions: dict[int, StoredPartition] = field(default_factory=dict)

    def copy(self) -> dict[int, StoredPartition]:
        """All that is stored now."""
        return copy.deepcopy(self.partitions)

    def restore(self, partitions: dict[int, StoredPartition]) -> None:
        """Go back to what was stored when `partitions` was copied; an empty one loses everything."""
        self.partitions = copy.deepcopy(partitions)


@dataclass(slots=True)
class _Owned:
    fence: Fence
    base: Stamp | None  # what the store must still hold for a change to be enough
    saves: int = 0


class MemoryCheckpoint:
    """The Checkpoint port over a MemoryStore."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self._store = MemoryStore() if store is None else store
        self._owned: dict[int, _Owned] = {}

    def check(self) -> None:
        """Raise CheckpointAway while the store is away."""
        if self._store.away:
            raise CheckpointAway("the memory store is away")

    def claim(self, partition: int) -> Saved | None:
        """Take the fence, then read."""
        self.check()
        stored = self._store.partitions.setdefault(partition, StoredPartition())
        stored.fence = Fence.after(stored.fence)
        self._owned[partition] = _Owned(stored.fence, stored.stamp)
        if stored.stamp is None:
            return None
        return Saved(stored.applied, stored.head, list(stored.rows.items()))

    def save(self, partition: int, snapshot: Snapshot) -> None:
        """Move the saved point on; everything anew where the store no longer holds the point saved last."""
        self.check()
        owned = self._owned.get(partition)
        if owned is None:
            raise FencedError(f"partition {partition} is not claimed")
        stored = self._store.partitions.setdefault(partition, StoredPartition())
        owned.fence.check(stored.fence, partition)
        if snapshot.anew or stored.stamp is None or stored.stamp != owned.base:
            stored.rows = {room_id: bytes(row) for room_id, row in snapshot.everything()}
        else:
            stored.rows.update((room_id, bytes(row)) for room_id, row in snapshot.changed)
            for room_id in snapshot.removed:
                stored.rows.pop(room_id, None)
        owned.saves += 1
        stored.applied, stored.head = snapshot.applied, snapshot.head
        stored.fence, stored.stamp = owned.fence, (owned.fence, owned.saves)
        owned.base = stored.stamp

    def release(self, partition: int) -> None:
        """Forget what was remembered about this partition; the saved point stays."""
        self._owned.pop(partition, None)

    def close(self) -> None:
        """Nothing to let go of."""
