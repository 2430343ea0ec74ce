"""What the scorer needs from outside, as protocols: a log to read and write, a checkpoint, a forecaster.

The contract tests under tests/contracts run the same cases against every implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Headers = Sequence[tuple[str, bytes]]


class Message(NamedTuple):
    """One record of the input topic. `timestamp_ms` is -1 where the broker gave none."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Output(NamedTuple):
    """One record to be written. A value of None is a tombstone."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Batch:
    """What one partition gave: messages in offset order, and the position after them.

    The position is what has to be committed; it may lie beyond the last offset + 1, since transaction markers take
    offsets too, and may have moved although there are no messages.
    """

    messages: Sequence[Message]
    position: int


@dataclass(frozen=True, slots=True)
class Polled:
    """The outcome of one poll. A partition that was lost and came back within it is in both sets."""

    batches: Mapping[int, Batch]
    lost: frozenset[int] = frozenset()
    gained: frozenset[int] = frozenset()


class EventLog(Protocol):
    """The input topic read in committed order, and a transaction that writes outputs and positions together.

    Every method may raise BrokerError; where a method says more, that is the more special case. Implementations
    translate their vendor's errors here and nowhere else.
    """

    def topic_id(self) -> str:
        """What tells this topic from another of the same name created later; empty where the broker cannot say."""

    def partition_count(self) -> int:
        """Partitions of the input topic now."""

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        """Wait up to `timeout_s` for messages of started partitions, at most `max_records` over all of them.

        Joins the group at the first call. A gained partition gives nothing until `start`.
        """

    def committed(self, partition: int) -> int | None:
        """The group's committed offset; waits for a pending transaction to end."""

    def bounds(self, partition: int) -> tuple[int, int]:
        """The first offset that the topic still holds and the end as a reader of committed records sees it."""

    def offset_at(self, partition: int, timestamp_ms: int) -> int:
        """The first offset whose timestamp is not before `timestamp_ms`; the end where there is none."""

    def start(self, partition: int, offset: int) -> None:
        """Give messages of this partition from `offset` on. Also used to go back after an abort."""

    def pause(self, partitions: Iterable[int]) -> None:
        """Give no messages of these partitions until `resume`; the group membership is kept alive by `poll`."""

    def resume(self, partitions: Iterable[int]) -> None:
        """Undo `pause`."""

    def begin(self) -> None:
        """Begin a transaction."""

    def send(self, outputs: Iterable[Output]) -> None:
        """Hand records to the transaction, in order. They may still be on their way when this returns."""

    def send_positions(self, positions: Mapping[int, int]) -> None:
        """Put the positions read up to into the transaction. Raises FencedError if the group has moved on."""

    def commit(self) -> None:
        """Commit. Raises FencedError, UnknownOutcome (calling again is safe), or BrokerError (abort is due)."""

    def abort(self) -> None:
        """Abort: nothing of the transaction will be seen by readers of committed records."""

    def close(self) -> None:
        """Leave the group and let go of all connections. Never raises."""


Row = bytes | memoryview
"""A room's state, as it is saved. A memoryview is one of bytes, of memory that does not change any more."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a checkpoint holds of one partition. `rows` are (room id, row bytes) pairs in no particular order."""

    applied: int
    head: bytes
    rows: Sequence[tuple[bytes, bytes]]


class PointLost(Exception):
    """The checkpoint no longer holds the point that a change is against, and the change is all there is."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent point of a partition's fold, as a change against the point saved before it.

    `head` is the partition's own state. `everything` gives all rows of the partition in memory at this point, for a
    Redis that no longer holds the point before; it raises PointLost where the rows in memory have moved on from this
    point. `anew` says that it must be used whatever Redis holds: after a rebuild, when what was claimed could not be
    continued from.
    """

    applied: int
    head: bytes
    changed: Sequence[tuple[bytes, Row]]
    removed: Sequence[bytes]
    everything: Callable[[], Iterable[tuple[bytes, Row]]]
    anew: bool = False


class Checkpoint(Protocol):
    """One consistent point of each partition's fold, guarded by a fence that its owner claims.

    Methods raise CheckpointAway while the server cannot be reached; the caller keeps what it has and tries again.
    Partitions may be used from several threads, each partition from one at a time.
    """

    def check(self) -> None:
        """Raise CheckpointAway or CheckpointError where the server is missing or set up to lose data (eviction)."""

    def claim(self, partition: int) -> Saved | None:
        """Take the fence, then read. None where nothing is saved. Any earlier owner can no longer save."""

    def save(self, partition: int, snapshot: Snapshot) -> None:
        """Move the saved point on, all or nothing. Raises FencedError where another owner holds the fence.

        Where the server does not hold the point that this owner saved last, everything is written anew. What
        `snapshot.everything` raises is raised, with the saved point as it was.
        """

    def release(self, partition: int) -> None:
        """Forget what was remembered about this partition; the saved point stays."""

    def close(self) -> None:
        """Let go of all connections. Never raises."""


class StepForecaster(Protocol):
    """A network that carries a state: one minute at a time for many rooms at once."""

    @property
    def units(self) -> int:
        """Width of each of the two state vectors."""

    def step(
        self, inputs: NDArray[np.float32], h: NDArray[np.float32], c: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Inputs (n, features), states (n, units) each; returns outputs (n, 3 quantiles, 10 horizons) relative to the
        reference level in log1p space, and the new states. A row's bits do not depend on the other rows.
        """


@runtime_checkable
class WindowForecaster(Protocol):
    """A network that reads a room's last minutes anew each time."""

    @property
    def look_back(self) -> int:
        """Minutes that it reads."""

    def from_window(
        self, windows: NDArray[np.float32], minutes: NDArray[np.int64], references: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Counts (n, look_back, series), NaN for a blank, oldest first, the newest of local minute `minutes` (n,).

        Returns what a step network gives: (n, 3 quantiles, 10 horizons) relative to the reference level (n,) in log1p
        space. A row's bits do not depend on the other rows.
        """


Forecaster = StepForecaster | WindowForecaster
"""The network behind the forecasts."""
