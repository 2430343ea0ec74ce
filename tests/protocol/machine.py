"""What can happen, as rules of a state machine: hypothesis looks for an order of them in which something breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.protocol.broker import FAULTS
from tests.protocol.store import HEAD
from tests.protocol.toy_fold import FORGET
from tests.protocol.world import Process, World

ROOMS = (b"a", b"b", b"c", b"d")
WHO = st.integers(0, 5)
"""One of the three processes, or as often the one that the group has given the partition to."""
TIMES = st.integers(1, 3)
MANY = 400


def fault(**drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A rule that is left out where a machine is asked for other faults."""

    def made(function: Callable[..., None]) -> Callable[..., None]:
        def is_wanted(machine: Any) -> bool:
            return machine.faults is None or function.__name__ in machine.faults

        ruled: Callable[..., None] = precondition(is_wanted)(cast("Any", rule)(**drawn)(function))
        return ruled

    return made


class Protocol(RuleBasedStateMachine):
    """Three processes of one group. A process that is not told to run sleeps, whatever it holds."""

    def __init__(self, world: World, faults: frozenset[str] | None = None) -> None:
        """With `faults`, rules by name, nothing else goes wrong."""
        super().__init__()
        self.world, self.faults = world, faults
        self.broker, self.server = world.broker, world.server
        self.processes = [Process(world) for _ in range(3)]

    @initialize(saved=st.integers(0, 3))
    def begin(self, saved: int) -> None:
        """The first process has scored and saved something, and there is more to come."""
        self.produce([b"a", b"b", b"c"], 0)
        self.broker.assign(self.processes[0].member)
        self.processes[0].run(22 * saved)
        self.produce([b"b", b"d", b"a"], 1)

    def at(self, who: int) -> int:
        """The place of a process."""
        members = [process.member for process in self.processes]
        return who if who < 3 else members.index(self.broker.owner) if self.broker.owner in members else who - 3

    @rule(rooms=st.lists(st.sampled_from(ROOMS), min_size=1, max_size=4), marker=st.integers(0, 3))
    def produce(self, rooms: list[bytes], marker: int) -> None:
        for room in rooms:
            self.broker.append(room)
        if marker == 1:
            self.broker.append(None)

    @fault(rooms=st.lists(st.sampled_from(ROOMS), min_size=1, max_size=2))
    def forget(self, rooms: list[bytes]) -> None:
        for room in rooms:
            self.broker.append(room, FORGET)

    @rule(who=WHO, steps=st.integers(1, 30), room=st.sampled_from(ROOMS))
    def run(self, who: int, steps: int, room: bytes) -> None:
        self.broker.append(room)
        self.processes[self.at(who)].run(steps)

    @fault(who=WHO, steps=st.integers(1, 12), how=st.sampled_from(FAULTS))
    def fail(self, who: int, steps: int, how: str) -> None:
        self.processes[self.at(who)].run(steps, how)

    @fault(who=WHO, kind=st.sampled_from(["commit", "send positions"]), how=st.sampled_from(FAULTS), times=TIMES)
    def fail_kafka(self, who: int, kind: str, how: str, times: int) -> None:
        """Run up to a step of this kind, and let it and the next ones fail."""
        for _ in range(times):
            self._run_to(self.processes[self.at(who)], kind)
            self.processes[self.at(who)].run(1, how)

    @fault(who=WHO, skip=st.integers(0, 2), how=st.sampled_from(FAULTS), times=TIMES)
    def fail_redis(self, who: int, skip: int, how: str, times: int) -> None:
        """The same with a transaction, after some that go well."""
        for fails in [False] * skip + [True] * times:
            self._run_to(self.processes[self.at(who)], "transaction")
            self.processes[self.at(who)].run(1, how if fails else "")

    @fault(
        who=WHO, skip=st.integers(1, 4), how=st.sampled_from(FAULTS), rooms=st.lists(st.sampled_from(ROOMS), max_size=4)
    )
    def break_off(self, who: int, skip: int, how: str, rooms: list[bytes]) -> None:
        """All is lost, writing it anew breaks off twice, and rooms are forgotten: an order that chance rarely finds."""
        self.flush_redis()
        self.broker.append(b"a")
        self.fail_redis(who, skip, how, 2)
        for room in rooms:
            self.broker.append(room, FORGET)
        self.processes[self.at(who)].run(40)

    @fault(who=WHO, kind=st.sampled_from(["commit", "send positions", "transaction", "ask", "read committed"]))
    def sleep_at(self, who: int, kind: str) -> None:
        """Run up to a step of this kind, and sleep there."""
        self._run_to(self.processes[self.at(who)], kind)

    @fault(who=st.integers(0, 2), steps=st.integers(0, 40))
    def hand_over(self, who: int, steps: int) -> None:
        """Whoever had it is not asked: it may be asleep."""
        self.broker.assign(self.processes[who].member)
        self.processes[who].run(steps)

    @fault(who=WHO, layout=st.sampled_from([0, 0, 0, 1]))
    def crash(self, who: int, layout: int) -> None:
        """Another process takes its place, and its name: what it had open is aborted."""
        who = self.at(who)
        old = self.processes[who]
        old.kill()
        self.processes[who] = Process(self.world, layout)
        if self.broker.owner is old.member:
            self.broker.assign(None)
        self.broker.expire(old.member)

    @fault(who=WHO, mix=st.integers(1, 254))
    def pace(self, who: int, mix: int) -> None:
        """Saves and loop go on in another pattern."""
        self.processes[self.at(who)].mix = mix

    @fault(who=WHO)
    def expire(self, who: int) -> None:
        self.broker.expire(self.processes[self.at(who)].member)

    @precondition(lambda self: self.broker.late)
    @fault()
    def arrive(self) -> None:
        """A commit that nobody waits for any more is executed."""
        for member in list(self.broker.late):
            self.broker.end(member, commit=True)

    @fault(lost_writes=st.integers(0, 5))
    def crash_redis(self, lost_writes: int) -> None:
        self.server.crash(lost_writes)

    @fault()
    def flush_redis(self) -> None:
        self.server.flush()

    @fault(who=WHO, steps=st.integers(1, 30))
    def redis_away(self, who: int, steps: int) -> None:
        """For as long as this process takes so many steps."""
        self.server.away = True
        self.processes[self.at(who)].run(steps)
        self.server.away = False

    @precondition(lambda self: self.server.hung)
    @fault()
    def thaw_redis(self) -> None:
        self.server.thaw()

    @precondition(lambda self: self.server.hashes.get(HEAD) is not None)
    @fault(offset=st.integers(0, 5))
    def restore_kafka(self, offset: int) -> None:
        """All is stopped, and Kafka restored from a backup that is older than Redis."""
        if offset >= (self.broker.committed or 0):
            return
        for who in range(3):
            self.crash(who, 0)
        self.server.crash(0)
        self.broker.committed, self.broker.outputs = offset, list(self.broker.truth.written[offset])

    def teardown(self) -> None:
        """In peace again, whoever owns the partition comes to the end and saves it."""
        try:
            self._settle()
        finally:
            for process in self.processes:
                process.kill()

    def _settle(self) -> None:
        self.server.crash(0)
        for process in self.processes:
            self.broker.expire(process.member)
        owner = next((one for one in self.processes if one.member is self.broker.owner and not one.strand.ended), None)
        if owner is None:
            self.crash(0, 0)
            owner = self.processes[0]
            self.broker.assign(owner.member)
        owner.mix = 0b10101010
        self.broker.append(b"a")  # what Redis lost is noticed with the next save
        end = len(self.broker.messages)
        for _ in range(MANY):
            owner.run(1)
            head = self.server.hashes.get(HEAD)
            if owner.strand.ended or (head is not None and self.broker.committed == int(head["applied"]) == end):
                return
        raise AssertionError(f"the owner does not come to the end: it stands before {owner.at}")

    @staticmethod
    def _run_to(process: Process, kind: str) -> None:
        for _ in range(60):
            if process.at.startswith(kind):
                return
            before = process.at
            process.run(1)
            if process.strand.ended or before == process.at == "poll":
                return
