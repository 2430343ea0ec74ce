"""The checkpoint in Redis or Valkey. docs/checkpoint.md has the keys, the procedure and what each guard is for."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from roompulse.errors import CheckpointAway, CheckpointError, FencedError
from scorer.adapters.fence import Fence
from scorer.adapters.redis_link import Command, RedisSession, RefusedCommand, pack_rows
from scorer.adapters.redis_open import open_link
from scorer.adapters.redis_place import RedisPlace
from scorer.ports import Row, Saved, Snapshot

GENERATIONS = (b"a", b"b")
ROWS_A_COMMAND = 200  # about 600 KB: after each the other thread may be waited for
ROWS_A_TRANSACTION = 5_000  # when everything is written anew
ROWS_A_SCAN = 1_000
TRIES = 5
POLL_S = 0.2

Rows = Iterable[tuple[bytes, Row]]


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of one partition; the braces keep them on one node of a Redis Cluster."""

    stem: str

    @property
    def fence(self) -> str:
        return f"{self.stem}:fence"

    @property
    def head(self) -> str:
        return f"{self.stem}:head"

    def rooms(self, generation: bytes) -> str:
        return f"{self.stem}:rooms:{generation.decode()}"


@dataclass(slots=True)
class _Owned:
    """What this owner knows of a partition: its claim, and the stamp of the point that it read or saved last."""

    keys: _Keys
    fence: Fence
    stamp: bytes | None
    saves: int = 0


@dataclass(frozen=True, slots=True)
class _Seen:
    """What Redis holds of a partition, without the rooms."""

    fence: Fence | None
    stamp: bytes | None
    generation: bytes | None
    applied: bytes | None
    head: bytes | None


class RedisCheckpoint:
    """The Checkpoint port over redis-py. Partitions may be used from several threads, one partition from one only.

    A call takes at most the connecting time and a few times `answer_timeout_s` before it raises CheckpointAway.
    """

    def __init__(
        self,
        place: str | RedisPlace,
        prefix: str = "rp",
        *,
        connect_timeout_s: float = 2.0,
        answer_timeout_s: float = 3.0,
    ) -> None:
        self._link = open_link(place, connect_timeout_s=connect_timeout_s, answer_timeout_s=answer_timeout_s)
        self._prefix = prefix
        self._owned: dict[int, _Owned] = {}

    def check(self, within_s: float = 10.0) -> None:
        """Wait for Redis to answer, and refuse one that may evict keys. Raises CheckpointAway or CheckpointError."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                answers = self._link.everywhere(lambda session: bytes(session.ask(("INFO", "memory"))[0]))
                break
            except CheckpointAway as error:
                if time.monotonic() + POLL_S > deadline:
                    raise CheckpointAway(f"{error} (gave up after {within_s:g} s)") from error
                time.sleep(POLL_S)
        policies = [_policy(info) for info in answers]
        policy = next((policy for policy in policies if policy != "noeviction"), None)
        if policy is not None:
            raise CheckpointError(
                f"Redis at {self._link.where} may evict rooms: its maxmemory-policy is {policy}; "
                "run `CONFIG SET maxmemory-policy noeviction` and put it into redis.conf, or use a Redis of its own"
            )

    def claim(self, partition: int) -> Saved | None:
        """Take the fence, then read. Raises FencedError where another claims the partition meanwhile."""
        self.release(partition)
        owned, saved = self._link.run(lambda session: self._claim(session, partition), self._keys(partition).fence)
        self._owned[partition] = owned
        return saved

    def save(self, partition: int, snapshot: Snapshot) -> None:
        """Move the saved point on. `snapshot.changed` is against the point of the last `save` that returned.

        `snapshot.everything` may be called more than once.
        """
        owned = self._owned.get(partition)
        if owned is None:
            raise FencedError(f"partition {partition} is not claimed")
        owned.saves += 1
        stamp = b"%s:%d" % (owned.fence.encode(), owned.saves)
        self._link.run(lambda session: self._save(session, partition, owned, snapshot, stamp), owned.keys.fence)
        owned.stamp = stamp

    def release(self, partition: int) -> None:
        """Forget what was remembered about this partition; the saved point stays."""
        self._owned.pop(partition, None)

    def close(self) -> None:
        """Let go of all connections. Never raises."""
        self._link.close()

    def _keys(self, partition: int) -> _Keys:
        return _Keys(f"{self._prefix}:{{{partition}}}")

    def _claim(self, session: RedisSession, partition: int) -> tuple[_Owned, Saved | None]:
        keys = self._keys(partition)
        for _ in range(TRIES):
            seen = _look(session, keys)
            fence = Fence.after(seen.fence)
            leftovers = [keys.rooms(generation) for generation in GENERATIONS if generation != seen.generation]
            if session.transaction([("SET", keys.fence, fence.encode()), ("UNLINK", *leftovers)]):
                break
        else:
            raise CheckpointAway(f"partition {partition} is being claimed by too many at once")
        saved = None
        if seen.stamp is not None and seen.applied is not None and seen.generation is not None:
            rows = _load(session, keys.rooms(seen.generation))
            saved = Saved(int(seen.applied), seen.head or b"", rows)
        # Had another owner saved while the rows were read, they would be of two points.
        after = _look(session, keys)
        fence.check(after.fence, partition)
        if (after.fence, after.stamp) != (fence, seen.stamp):
            raise CheckpointAway(f"Redis at {self._link.where} lost partition {partition} while it was read")
        return _Owned(keys, fence, seen.stamp), saved

    def _save(self, session: RedisSession, partition: int, owned: _Owned, snapshot: Snapshot, stamp: bytes) -> None:
        for _ in range(TRIES):
            seen = _look(session, owned.keys)
            owned.fence.check(seen.fence, partition)
            if seen.stamp == stamp:  # sent before, and the answer was lost
                return
            as_left = seen.stamp is not None and seen.stamp == owned.stamp
            if as_left and seen.generation is not None and not snapshot.anew:
                done = session.transaction(_changes(owned, seen.generation, snapshot, stamp))
            else:
                done = _write_anew(session, owned, seen, snapshot, stamp)
            if done:
                return
        raise CheckpointAway(f"the checkpoint of partition {partition} is being changed by something else")


def _policy(info: bytes) -> str:
    known = dict(line.partition(":")[::2] for line in info.decode().splitlines())
    return known.get("maxmemory_policy", "noeviction")


def _look(session: RedisSession, keys: _Keys) -> _Seen:
    """Watch the fence, then read fence and head. The next transaction fails if the fence was written by then.

    Every transaction that takes a partition or moves its point writes the fence, so this notices all of them.
    """
    fields = ("stamp", "generation", "applied", "head")
    _, _, fence, values = session.ask(
        ("UNWATCH",), ("WATCH", keys.fence), ("GET", keys.fence), ("HMGET", keys.head, *fields)
    )
    return _Seen(Fence.parse(fence), *values)


def _load(session: RedisSession, key: str) -> list[tuple[bytes, bytes]]:
    rows: dict[bytes, bytes] = {}  # a scan may give a room twice
    cursor = b"0"
    while True:
        cursor, flat = session.ask(("HSCAN", key, cursor, "COUNT", ROWS_A_SCAN))[0]
        rows.update(zip(flat[::2], flat[1::2], strict=True))
        if cursor == b"0":
            return list(rows.items())


def _changes(owned: _Owned, generation: bytes, snapshot: Snapshot, stamp: bytes) -> Iterator[Command]:
    """The change from the point saved last to this one."""
    rooms = owned.keys.rooms(generation)
    yield from _set_rows(rooms, snapshot.changed)
    removed = iter(snapshot.removed)
    while some := tuple(islice(removed, ROWS_A_TRANSACTION)):
        yield ("HDEL", rooms, *some)
    yield from _point(owned, generation, snapshot, stamp)


def _point(owned: _Owned, generation: bytes, snapshot: Snapshot, stamp: bytes) -> Iterator[Command]:
    """The head of this point; and our fence, which others watch, and which Redis may have lost with its last second."""
    yield ("SET", owned.keys.fence, owned.fence.encode())
    fields = ("applied", snapshot.applied, "head", snapshot.head, "generation", generation, "stamp", stamp)
    yield ("HSET", owned.keys.head, *fields)


def _set_rows(key: str, rows: Rows) -> Iterator[Command]:
    rows = iter(rows)
    while some := tuple(islice(rows, ROWS_A_COMMAND)):
        yield pack_rows(key, some)


def _write_anew(session: RedisSession, owned: _Owned, seen: _Seen, snapshot: Snapshot, stamp: bytes) -> bool:
    """Write every room into the other generation, and switch to it in the last transaction.

    Until then Redis holds the older point, whole. False where another changed something meanwhile. The first
    transaction writes the fence, so that no earlier transaction of ours that is still on its way can be executed.
    """
    rows = iter(snapshot.everything())
    keys = owned.keys
    old, new = (b"a", b"b") if seen.generation == b"a" else (b"b", b"a")

    def still_ours() -> bool:
        return _look(session, keys).fence == owned.fence

    begin: list[Command] = [
        ("SET", keys.fence, owned.fence.encode()),
        ("UNLINK", keys.rooms(new)),
    ]
    if not session.transaction(begin):
        return False
    try:
        while some := tuple(islice(rows, ROWS_A_TRANSACTION)):
            if not (still_ours() and session.transaction(_set_rows(keys.rooms(new), some))):
                return False
        end: Command = ("UNLINK", keys.rooms(old))
        return still_ours() and session.transaction((*_point(owned, new, snapshot, stamp), end))
    except RefusedCommand:
        # Most likely out of memory: give back what we took, others need it.
        if still_ours():
            session.transaction([("UNLINK", keys.rooms(new))])
        raise
