"""The scoring loop over memory, with failures at will: every call to log and checkpoint can be made to fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar, cast

from roompulse.errors import ModelMissing
from roompulse.overrides import Overrides
from scorer.adapters.memory_checkpoint import MemoryCheckpoint, MemoryStore
from scorer.adapters.memory_log import MemoryLog, MemoryTopic
from scorer.happenings import Happening
from scorer.loop import LoopOptions, ScoringLoop
from scorer.pipeline.partition import Context
from scorer.ports import Checkpoint, EventLog, Output
from tests.scorer.fakes import START, Event, Lab, clock, context_of, event, feedback, snooze

PARTITIONS = 2
MOST_TURNS = 400
Hook = Callable[[str, str, int], None]
Told = TypeVar("Told")

CONTEXT = context_of(memory=0.1)


class Crash(BaseException):
    """The process is gone."""


class LastingLog(MemoryLog):
    """As a broker does: committing again, or aborting, after a commit whose answer was lost is no misuse."""

    def commit(self) -> None:
        if self._open:
            super().commit()

    def abort(self) -> None:
        if self._open:
            super().abort()


@dataclass(slots=True)
class Probe:
    """Stands before a log or checkpoint and calls `hook(method, "before" or "after", how many times now)`."""

    target: Any
    hook: Hook
    calls: Counter[str]

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.target, name)

        def call(*args: Any, **named: Any) -> Any:
            self.calls[name] += 1
            count = self.calls[name]
            self.hook(name, "before", count)
            result = method(*args, **named)
            self.hook(name, "after", count)
            return result

        return call


class LateFuture(Future[Any]):
    """A call that is made when it is asked for the last of `late` times, or waited for: slow, without a thread."""

    def __init__(self, late: int, call: Callable[[], Any]) -> None:
        super().__init__()
        self._late, self._call = late, call

    def done(self) -> bool:
        self._late -= 1
        if self._late < 0:
            self.run()
        return super().done()

    def result(self, timeout: float | None = None) -> Any:
        self.run()
        return super().result(timeout)

    def run(self) -> None:
        """Make the call now, unless it was made."""
        if super().done():
            return
        try:
            self.set_result(self._call())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for, as a thread's is
            self.set_exception(error)


class LateExecutor(Executor):
    """Runs every call in the test's own thread, when its result has been asked for `late` times."""

    def __init__(self, late: int) -> None:
        self._late = late
        self.calls: list[LateFuture] = []

    def submit(self, call: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        assert all(Future.done(earlier) for earlier in self.calls), "two rounds at once"
        self.calls.append(LateFuture(self._late, partial(call, *args, **named)))
        return self.calls[-1]


def never(name: str, when: str, count: int) -> None:
    """Nothing fails."""


def failing(method: str, when: str, error: BaseException, *counts: int) -> Hook:
    """This method fails before or after its effect, at these of its calls (none named: at every call)."""

    def hook(name: str, moment: str, count: int) -> None:
        if (name, moment) == (method, when) and (not counts or count in counts):
            raise error

    return hook


def partition_of(room: str) -> int:
    """Rooms lie on partitions by their last letter."""
    return ord(room[-1]) % PARTITIONS


def stream(minutes: int = 24, first: int = 0) -> list[Event]:
    """Three rooms with surges, a slump, a correction, a duplicate, garbage and a room that falls silent.

    People say something of two of them, and of one that nobody knows.
    """
    records: list[Event] = []
    for minute in range(first, first + minutes):
        for room in ("a", "b", "c"):
            value = 500 if (room, minute % 24) in {("a", 14), ("a", 15), ("b", 16)} else 5 if minute % 24 == 20 else 100
            if not (room == "c" and minute % 24 > 17):
                records.append(event(room, minute, value))
        if minute % 24 == 18:
            records += [event("b", minute - 2, 100), event("a", minute, 100), Event(b"a", b"garbage")]
        if minute % 24 == 12:
            records += [feedback("b", "noise"), feedback("nobody", "noise")]
        if minute % 24 == 17:
            records += [feedback("a", "useful"), snooze("a", minute + 30)]
    return records


def fill(topic: MemoryTopic, records: list[Event], *, end: int | None = None) -> None:
    """Append records to their partitions, then a clock at minute `end` to each."""
    for record in records:
        topic.append(partition_of((record.key or b"a").decode()), *record_fields(record))
    if end is not None:
        for partition in range(PARTITIONS):
            topic.append(partition, *record_fields(clock(end)))


def record_fields(record: Event) -> tuple[Any, ...]:
    """Key, value, headers and timestamp, as `MemoryTopic.append` takes them."""
    return record.key, record.value, record.headers, record.timestamp_ms


def filled(minutes: int = 24) -> MemoryTopic:
    """A topic with the stream and clocks that end every session."""
    topic = MemoryTopic(PARTITIONS)
    fill(topic, stream(minutes), end=minutes + 30)
    return topic


def undisturbed(topic: MemoryTopic) -> dict[tuple[str, int], list[Output]]:
    """What the fold alone makes of all that is on the topic."""
    outputs: dict[tuple[str, int], list[Output]] = {}
    for partition, messages in enumerate(topic.messages):
        lab = Lab(CONTEXT, partition)
        lab.send([Event(message.key, message.value, message.headers, message.timestamp_ms) for message in messages])
        for output in lab.all:
            outputs.setdefault((output.topic, output.partition), []).append(output)
    return outputs


@dataclass(slots=True)
class Process:
    """One scorer process over a topic and a store; `told` is what it reported."""

    topic: MemoryTopic
    store: MemoryStore = field(default_factory=MemoryStore)
    hook: Hook = never
    max_batch: int = 20
    max_dirty_rooms: int = 1000
    exit_at_end: bool = True
    instance: str = "one"
    rebuild_hours: float = 24.0 * 365 * 200
    model_hash: str = "fake"
    ignored: tuple[str, ...] = ()
    models: dict[str, Context] = field(default_factory=dict)
    quiet_clock_s: float = 0.0
    shadow_share: float = 0.0
    saves: bool = True
    overrides: Overrides = field(default_factory=Overrides)
    beside: Executor | None = None
    told: list[Happening] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    turns: int = 0
    memory_log: MemoryLog = field(init=False)
    loop: ScoringLoop = field(init=False)

    def __post_init__(self) -> None:
        self.memory_log = LastingLog(self.topic, self.instance)
        log = cast("EventLog", Probe(self.memory_log, self.hook, self.calls))
        checkpoint = cast("Checkpoint", Probe(MemoryCheckpoint(self.store), self.hook, self.calls))
        options = LoopOptions(
            self.max_batch, self.max_dirty_rooms, self.rebuild_hours, self.exit_at_end, self.quiet_clock_s,
            self.shadow_share, self.saves,
        )  # fmt: skip
        self.loop = ScoringLoop(log, checkpoint, self._model, options, self.told.append, self._stop, self.beside)

    def _model(self, wanted: str | None) -> Context:
        if wanted in (None, self.model_hash):
            return replace(CONTEXT, model=self.model_hash, settings=self.overrides, ignored=self.ignored)
        if wanted not in self.models:
            raise ModelMissing(f"model {wanted} is not here")
        return self.models[wanted]

    def _stop(self) -> bool:
        self.turns += 1
        assert self.turns < MOST_TURNS, "the loop does not come to its end"
        return False

    def run(self) -> Process:
        """Run to the end and leave the group."""
        self.loop.run()
        self.memory_log.close()
        return self

    def gone(self) -> None:
        """The broker notices that this process has died."""
        self.memory_log.evict()

    def of(self, kind: type[Told]) -> list[Told]:
        """The happenings of one kind."""
        return [happening for happening in self.told if isinstance(happening, kind)]


def watermark_of(minute: int) -> int:
    """Minute `minute` of the tests as epoch minutes."""
    return START + minute
