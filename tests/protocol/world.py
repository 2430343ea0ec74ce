"""The world of the model: a broker, a store, processes with the real loop in them, and what must always hold."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest

from roompulse.errors import CheckpointError, FencedError
from roompulse.rooms import layout_of
from scorer import partitions
from scorer.adapters import fence, redis_checkpoint
from scorer.adapters.fence import Fence
from scorer.adapters.redis_checkpoint import RedisCheckpoint
from scorer.loop import LoopOptions, ScoringLoop
from scorer.partitions import ModelFor
from scorer.ports import Row, Saved, Snapshot
from scorer.recovery import read_head
from tests.protocol.broker import Broker, Member, Step, Violation
from tests.protocol.store import FENCE, HEAD, KEYS, PREFIX, Link, Server
from tests.protocol.strand import Strand
from tests.protocol.toy_fold import LAYOUTS, ToyContext, ToyFold, rooms_in

WAITING = "wait for the save"
MAX_BATCH, MAX_DIRTY_ROOMS = 3, 3
DTYPES = {layout_of(dtype): dtype for dtype in LAYOUTS}


@dataclass(slots=True)
class World:
    """Everything outside the processes. `reconnects` is a guard switched off: see `Session`."""

    broker: Broker = field(default_factory=Broker)
    server: Server = field(init=False)
    reconnects: bool = False
    newest_claim: int = -1

    def __post_init__(self) -> None:
        self.server = Server(self.look)

    def look(self, server: Server, moved: bool) -> None:
        """What Redis holds is one point of the fold, its owner's, not ahead of Kafka when it was `moved` there; and no
        other key exists.
        """
        held = Fence.parse(server.strings.get(FENCE))
        self.newest_claim = max(self.newest_claim, -1 if held is None else held.number)
        if extra := {*server.strings, *server.hashes} - KEYS:
            raise Violation(f"keys pile up: {extra}")
        head = server.hashes.get(HEAD)
        if head is None:
            return
        saver = Fence.parse(head["stamp"].partition(b":")[0])
        if saver is None or held is None or held.number < saver.number:
            raise Violation(f"who saved the point, {saver}, does not hold it: {held} does")
        rows = server.hashes.get(f"{PREFIX}:rooms:{head['generation'].decode()}", {})
        saved = Saved(int(head["applied"]), head["head"], [(room.encode(), row) for room, row in rows.items()])
        self.must_be_one_point(saved)
        if moved and saved.applied > (self.broker.committed or 0):
            raise Violation(f"the saved point {saved.applied} is ahead of the committed offset {self.broker.committed}")

    def must_be_one_point(self, saved: Saved) -> None:
        """Head and rows are those of the same prefix of the log."""
        head = read_head(saved)
        rows = np.frombuffer(b"".join(row for _, row in saved.rows), DTYPES[head.layout])
        rooms = rooms_in([room.decode() for room, _ in saved.rows], rows)
        truth = self.broker.truth
        if (head.head.watermark, rooms) != (truth.totals[saved.applied], truth.rooms[saved.applied]):
            raise Violation(f"what is said to be offset {saved.applied} is not one point of the fold: {rooms}")


class WatchedCheckpoint(RedisCheckpoint):
    """The real one over the model's connections, with an eye on what it returns and raises."""

    def __init__(self, world: World, step: Step) -> None:
        super().__init__("redis://127.0.0.1")
        self._world = world
        self._link = Link(world.server, step, reconnects=world.reconnects)

    def claim(self, partition: int) -> Saved | None:
        saved = super().claim(partition)
        if saved is not None:
            self._world.must_be_one_point(saved)
        return saved

    def save(self, partition: int, snapshot: Snapshot) -> None:
        owned, server = self._owned[partition], self._world.server

        def everything() -> Iterator[tuple[bytes, Row]]:
            stamp = b"%s:%d" % (owned.fence.encode(), owned.saves)
            if server.hashes.get(HEAD, {}).get("stamp") == stamp:
                raise Violation("everything is written anew though this very save was executed")
            yield from snapshot.everything()

        watched = Snapshot(
            snapshot.applied, snapshot.head, snapshot.changed, snapshot.removed, everything, snapshot.anew
        )
        before = server.strings.get(FENCE)
        try:
            super().save(partition, watched)
        except FencedError:
            if owned.fence.number == self._world.newest_claim:
                raise Violation(f"the owner that claimed last is fenced, by {before!r}") from None
            raise


class Beside(Executor):
    """Runs a call in a strand of its own, beside that of the loop."""

    def __init__(self, loop: Strand) -> None:
        self._loop = loop
        self.strand: Strand | None = None

    def submit(self, call: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        """Begin; nothing happens until the strand is told to go on."""
        future = _Stepped(self._loop)
        future.strand = self.strand = Strand(lambda: future.set_result(call(*args, **named)))
        self.strand.at = "begin to save"
        return future


class _Stepped(Future[Any]):
    """Who waits for it is told to go on again and again."""

    strand: Strand

    def __init__(self, loop: Strand) -> None:
        super().__init__()
        self._loop = loop

    def result(self, timeout: float | None = None) -> Any:
        while not self.strand.ended:
            self._loop.step(WAITING)
        if self.strand.error is not None:
            raise self.strand.error
        return super().result(timeout)

    def done(self) -> bool:
        return self.strand.ended


class Process:
    """One scorer: the real loop, over a log and a checkpoint that wait before each step, and saves beside it.

    The bits of `mix` say, step by step, whether a save that is on its way goes on (1) or the loop (0).
    """

    def __init__(self, world: World, layout: int = 0) -> None:
        self.world = world
        self.strand = Strand(self._run)
        self.mix, self._steps = 0b10101010, 0
        self._beside = Beside(self.strand)
        self.member = Member(world.broker, self.step)
        self._dtype = LAYOUTS[layout]
        self._checkpoint = WatchedCheckpoint(world, self.step)

    def step(self, name: str) -> str:
        """Wait for the turn of the strand that runs this."""
        saver = self._beside.strand
        return (saver if saver is not None and saver.is_running_this else self.strand).step(name)

    @property
    def _next(self) -> Strand:
        """Which of both goes on."""
        saver = self._beside.strand
        if saver is None or saver.ended or self.strand.ended:
            return self.strand
        if self.strand.at == WAITING:
            return saver
        return saver if self.mix >> self._steps % 8 & 1 else self.strand

    @property
    def at(self) -> str:
        """The step before which it stands."""
        return self._next.at

    def run(self, steps: int, fault: str = "") -> None:
        """Take so many steps, or as many as there is something to do for; the last of so many meets the fault.

        Raises what must not have happened.
        """
        for left in range(steps, 0, -1):
            if self.strand.ended:
                return
            strand, before = self._next, self.at
            strand.resume("" if left > 1 else fault)
            self._steps += 1
            error = self.strand.error
            if self._beside.strand is not None and isinstance(self._beside.strand.error, Violation):
                raise self._beside.strand.error
            if error is None:
                if before == self.at == "poll":
                    return
                continue
            if isinstance(error, Violation):
                raise error
            if not isinstance(error, FencedError | CheckpointError):
                raise Violation(f"the scorer broke: {error!r}") from error
            if isinstance(error, CheckpointError) and not self._is_ahead():
                raise Violation(f"refused without a reason: {error}") from error

    def kill(self) -> None:
        """Here and now; the broker does not know yet."""
        self.strand.kill()
        if self._beside.strand is not None:
            self._beside.strand.kill()

    def _is_ahead(self) -> bool:
        """Whether the saved point is beyond what the group has committed, as after Kafka was restored."""
        head = self.world.server.hashes.get(HEAD)
        return head is not None and int(head["applied"]) > (self.world.broker.committed or 0)

    def _run(self) -> None:
        def model(wanted: str | None) -> ToyContext:
            return ToyContext(self._dtype)

        options = LoopOptions(MAX_BATCH, MAX_DIRTY_ROOMS, rebuild_hours=24.0)
        loop = ScoringLoop(
            self.member,
            self._checkpoint,
            cast("ModelFor", model),
            options,
            lambda happening: None,
            lambda: False,
            self._beside,
        )
        loop._next_standing = math.inf  # nobody watches
        loop.run()


def build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the model's parts where the real ones are: fold, clocks, chance; small pages and no waiting."""
    numbers = itertools.count(1)

    class Clock:
        time_ns = staticmethod(lambda: next(numbers))

    class Tokens:
        token_hex = staticmethod(lambda size: f"{next(numbers):x}")

    monkeypatch.setattr(fence, "time", Clock)
    monkeypatch.setattr(fence, "secrets", Tokens)
    monkeypatch.setattr(partitions, "Fold", ToyFold)
    monkeypatch.setattr(partitions, "shape_of", lambda dtype: None)
    monkeypatch.setattr(partitions, "RETRY_S", 0.0)
    monkeypatch.setattr("scorer.loop.RETRY_S", 0.0)
    monkeypatch.setattr("scorer.saving.RETRY_S", 0.0)
    monkeypatch.setattr("scorer.loop.COMMIT_TRIES", 2)
    monkeypatch.setattr(redis_checkpoint, "ROWS_A_TRANSACTION", 1)
    monkeypatch.setattr(redis_checkpoint, "ROWS_A_SCAN", 1)
