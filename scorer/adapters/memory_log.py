"""The event log without a broker, for backtests and unit tests: a topic in memory, read and written in the same steps.

It holds callers to the protocol: what a broker would refuse, or would take and get wrong, is a LogMisuse here.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping

from roompulse.errors import BrokerError, FencedError
from scorer.ports import Batch, Headers, Message, Output, Polled

_ids = itertools.count(1)


class LogMisuse(AssertionError):
    """A method was called out of order: a mistake in the program, not a failure of the log."""


class MemoryTopic:
    """The input topic, what was committed to the outputs, and one consumer group. Offsets have no gaps."""

    def __init__(self, partitions: int) -> None:
        """Make an empty topic, with an id that no other topic of this process has."""
        self.topic_id = f"memory-{next(_ids)}"
        self.messages: list[list[Message]] = [[] for _ in range(partitions)]
        self.first: list[int] = [0] * partitions
        self.committed: dict[int, int] = {}
        self.outputs: dict[tuple[str, int], list[Output]] = defaultdict(list)
        self.members: list[MemoryLog] = []
        self.owners: list[MemoryLog | None] = [None] * partitions
        self.newest: dict[str, MemoryLog] = {}

    def append(
        self, partition: int, key: bytes | None, value: bytes | None, headers: Headers = (), timestamp_ms: int = -1
    ) -> int:
        """Put a record at the end of a partition; returns its offset."""
        offset = self.end(partition)
        self.messages[partition].append(Message(offset, timestamp_ms, key, value, headers))
        return offset

    def end(self, partition: int) -> int:
        """The offset that the next record will get."""
        return self.first[partition] + len(self.messages[partition])

    def forget(self, partition: int, before: int) -> None:
        """Drop the records before this offset, as retention does; a long backtest drops what it has read."""
        del self.messages[partition][: max(0, before - self.first[partition])]
        self.first[partition] = max(self.first[partition], before)

    def take_outputs(self, topic: str) -> list[Output]:
        """Remove and return what was committed to an output topic, by partition and then in order."""
        keys = sorted(key for key in self.outputs if key[0] == topic)
        return [output for key in keys for output in self.outputs.pop(key)]

    def reassign(self) -> None:
        """Give every member its share: a partition changes hands only after its owner, at a poll, has let it go."""
        for partition in range(len(self.owners)):
            owner = self.owners[partition]
            wanted = self.members[partition % len(self.members)] if self.members else None
            if owner is wanted:
                continue
            if owner is None or owner not in self.members:
                self.owners[partition] = wanted
            else:
                owner.asked_back.add(partition)


class MemoryLog:
    """One member of the topic's group. Members with the same `instance` fence each other, the newest wins."""

    def __init__(self, topic: MemoryTopic, instance: str = "memory") -> None:
        """Fences an earlier member of the same instance; joins the group at the first poll."""
        self._topic = topic
        self._instance = instance
        self._owned: frozenset[int] = frozenset()
        self._positions: dict[int, int] = {}
        self._paused: set[int] = set()
        self._open = False
        self._outputs: list[Output] = []
        self._offered: dict[int, int] = {}
        self._closed = False
        self.asked_back: set[int] = set()
        topic.newest[instance] = self

    def topic_id(self) -> str:
        return self._topic.topic_id

    def partition_count(self) -> int:
        return len(self._topic.messages)

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        """What is there, at once: nobody could add anything while this waits."""
        self._must(not self._closed, "poll after close")
        self._must(not self._open, "poll within a transaction")
        lost, gained = self._settle()
        batches = {}
        for partition, position in self._positions.items():
            if partition in self._paused or max_records <= 0:
                continue
            first = self._topic.first[partition]
            if not first <= position <= self._topic.end(partition):
                raise BrokerError(
                    f"partition {partition}: offset {position} is outside what the topic holds,"
                    f" {first} to {self._topic.end(partition)}"
                )
            messages = self._topic.messages[partition][position - first : position - first + max_records]
            if messages:
                max_records -= len(messages)
                self._positions[partition] = position + len(messages)
                batches[partition] = Batch(messages, self._positions[partition])
        return Polled(batches, lost, gained)

    def committed(self, partition: int) -> int | None:
        return self._topic.committed.get(partition)

    def bounds(self, partition: int) -> tuple[int, int]:
        return self._topic.first[partition], self._topic.end(partition)

    def offset_at(self, partition: int, timestamp_ms: int) -> int:
        messages = self._topic.messages[partition]
        found = bisect_left(messages, timestamp_ms, key=lambda message: message.timestamp_ms)
        return messages[found].offset if found < len(messages) else self._topic.end(partition)

    def start(self, partition: int, offset: int) -> None:
        self._must(partition in self._owned, f"start of partition {partition}, which is not ours")
        self._must(not self._open, "start within a transaction")
        self._positions[partition] = offset

    def pause(self, partitions: Iterable[int]) -> None:
        self._paused |= self._owned & set(partitions)

    def resume(self, partitions: Iterable[int]) -> None:
        self._paused -= set(partitions)

    def begin(self) -> None:
        self._must(not self._open, "begin within a transaction")
        self._fence()
        self._open, self._outputs, self._offered = True, [], {}

    def send(self, outputs: Iterable[Output]) -> None:
        self._must(self._open, "send outside a transaction")
        self._outputs.extend(outputs)

    def send_positions(self, positions: Mapping[int, int]) -> None:
        self._must(self._open, "send_positions outside a transaction")
        self._must(not self._offered, "send_positions twice in a transaction")
        self._fence()
        for partition, position in positions.items():
            if self._topic.owners[partition] is not self:
                raise FencedError(f"partition {partition} belongs to another member of the group")
            started = self._positions.get(partition)
            self._must(started is not None and position <= started, f"position {position} was not read yet")
        self._offered = dict(positions)

    def commit(self) -> None:
        self._must(self._open, "commit outside a transaction")
        self._fence()
        for output in self._outputs:
            self._topic.outputs[output.topic, output.partition].append(output)
        self._topic.committed.update(self._offered)
        self._open = False

    def abort(self) -> None:
        self._must(self._open, "abort outside a transaction")
        self._open = False

    def close(self) -> None:
        self._open, self._closed = False, True
        self.evict()

    def evict(self) -> None:
        """Put this member out of the group without telling it, as a broker does with one that fell silent."""
        if self in self._topic.members:
            self._topic.members.remove(self)
            self._topic.reassign()

    def _settle(self) -> tuple[frozenset[int], frozenset[int]]:
        """Join, give back what others are to have, and take what is ours now; the partitions lost and gained."""
        topic = self._topic
        lost: frozenset[int] = frozenset()
        if self not in topic.members:
            # A member that was put out has lost everything, even what it gets again by joining.
            lost = self._owned
            topic.members.append(self)
            topic.reassign()
        for partition in self.asked_back:
            if topic.owners[partition] is self:
                topic.owners[partition] = None
        if self.asked_back:
            self.asked_back = set()
            topic.reassign()
        owned = frozenset(partition for partition, owner in enumerate(topic.owners) if owner is self)
        lost |= self._owned - owned
        gained = owned - (self._owned - lost)
        for partition in lost | gained:
            self._positions.pop(partition, None)
            self._paused.discard(partition)
        self._owned = owned
        return lost, gained

    def _fence(self) -> None:
        if self._topic.newest[self._instance] is not self:
            raise FencedError(f"another member took over the name {self._instance}")

    def _must(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise LogMisuse(otherwise)
