"""Kafka in the model: one partition's log, one group, transactions; as a broker keeps them and a member sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from roompulse.errors import BrokerError, FencedError, UnknownOutcome
from scorer.ports import Batch, Message, Output, Polled
from tests.protocol.toy_fold import Truth

Step = Callable[[str], str]
BEFORE, AFTER, LATE = "lost before", "lost after", "late"
FAULTS = (BEFORE, AFTER, LATE)
"""A request that never arrives, one whose answer is lost, one that arrives when nobody waits any more."""


class Violation(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True)
class Broker:
    """What the cluster holds. `read_committed` and `generations` are its guards, to be switched off by a test."""

    messages: list[Message | None] = field(default_factory=list)
    truth: Truth = field(default_factory=Truth)
    committed: int | None = None
    outputs: list[bytes] = field(default_factory=list)
    owner: Member | None = None
    generation: int = 0
    pending: list[Member] = field(default_factory=list)
    """Members with offsets in a transaction that has not ended."""
    late: list[Member] = field(default_factory=list)
    """Members whose commit is still on its way."""
    read_committed: bool = True
    generations: bool = True

    def append(self, key: bytes | None, value: bytes | None = None) -> None:
        """Put a record on the topic, or with no key the marker of a producer's transaction."""
        message = None if key is None else Message(len(self.messages), -1, key, value, ())
        self.messages.append(message)
        self.truth.add(message)

    def assign(self, member: Member | None) -> None:
        """Give the partition to a member; who had it before learns of it at its next poll."""
        self.owner = member
        self.generation += 1

    def end(self, member: Member, *, commit: bool) -> None:
        """End a member's transaction, and look whether what can be read is the fold of what is committed."""
        if commit:
            self.outputs += member.outputs
            self.committed = self.committed if member.offered is None else member.offered
        self.forget(member)
        member.open = False
        if self.outputs != self.truth.written[self.committed or 0]:
            raise Violation(f"the output up to offset {self.committed} is not that of one undisturbed run")

    def forget(self, member: Member) -> None:
        """Nothing of this member is on its way any more."""
        self.pending = [other for other in self.pending if other is not member]
        self.late = [other for other in self.late if other is not member]

    def expire(self, member: Member) -> None:
        """A transaction took too long, or its producer began anew: abort it and fence who had it."""
        if member.open:
            self.end(member, commit=False)
            member.fenced = True


class Member:
    """The EventLog port for one process."""

    def __init__(self, broker: Broker, step: Step) -> None:
        self._broker, self._step = broker, step
        self._generation = 0
        self._position: int | None = None
        self._paused = self._silent = False
        self.open = self.fenced = False
        self.outputs: list[bytes] = []
        self.offered: int | None = None

    def topic_id(self) -> str:
        return "topic"

    def partition_count(self) -> int:
        return 1

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        if self._step("poll"):
            raise BrokerError("no answer to a poll")
        broker, mine = self._broker, self._broker.owner is self
        lost: frozenset[int] = frozenset()
        gained: frozenset[int] = frozenset()
        if self._generation != (broker.generation if mine else 0):
            lost = frozenset({0} if self._generation else ())
            gained = frozenset({0} if mine else ())
            self._generation = broker.generation if mine else 0
            self._position, self._paused = None, False
        if self._position is None or self._paused:
            return Polled({}, lost, gained)
        found: list[Message] = []
        position = self._position
        while position < len(broker.messages) and len(found) < max_records:
            message = broker.messages[position]
            if message is not None:
                found.append(message)
            position += 1
        moved, self._position = position > self._position, position
        return Polled({0: Batch(found, position)} if moved else {}, lost, gained)

    def committed(self, partition: int) -> int | None:
        if self._step("read committed"):
            raise BrokerError("no answer")
        if self._broker.pending and self._broker.read_committed:
            raise BrokerError("a transaction with these offsets has not ended")
        return self._broker.committed

    def bounds(self, partition: int) -> tuple[int, int]:
        return 0, len(self._broker.messages)

    def offset_at(self, partition: int, timestamp_ms: int) -> int:
        return 0

    def start(self, partition: int, offset: int) -> None:
        self._position = offset

    def pause(self, partitions: Iterable[int]) -> None:
        self._paused = True

    def resume(self, partitions: Iterable[int]) -> None:
        self._paused = False

    def begin(self) -> None:
        if self.open:  # an abort that failed: the producer begins anew
            self._broker.end(self, commit=False)
        self.open, self._silent, self.outputs, self.offered = True, False, [], None

    def send(self, outputs: Iterable[Output]) -> None:
        self.outputs += [output.value or b"" for output in outputs]

    def send_positions(self, positions: Mapping[int, int]) -> None:
        fault = self._step("send positions")
        self._refuse_a_fenced_one()
        broker = self._broker
        if broker.generations and (broker.owner is not self or broker.generation != self._generation):
            raise FencedError("the group has moved on")
        if fault != BEFORE:
            self.offered = positions[0]
            broker.pending.append(self)
        if fault:
            raise BrokerError("no answer")

    def commit(self) -> None:
        fault = self._step("commit")
        if self._silent:
            raise UnknownOutcome("still no answer")
        self._refuse_a_fenced_one()
        self._silent = bool(fault)
        if fault == LATE:
            self._broker.late.append(self)
        elif fault != BEFORE:
            self._broker.end(self, commit=True)
        if fault:
            raise UnknownOutcome("no answer")

    def abort(self) -> None:
        if self._step("abort"):
            raise BrokerError("no answer")
        if self.open:
            self._broker.end(self, commit=False)

    def close(self) -> None:
        pass

    def _refuse_a_fenced_one(self) -> None:
        if self.fenced:
            self.fenced, self.open = False, False  # the next transaction is a new producer's
            raise FencedError("the transaction took too long")
