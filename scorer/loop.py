"""The scoring loop. One turn, in this order, is the whole of exactly-once:

1. poll, and recover the partitions that came to us;
2. fold what was polled beside the state in memory;
3. begin, send the records, send the positions, commit;
4. only now take the folded state over;
5. move the checkpoint on, or keep what changed until Redis is back.

A step that fails leaves all that came before it undone or repeatable: an aborted batch is read again, a checkpoint that
lags is caught up by re-reading with the output suppressed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from roompulse.errors import BrokerError, CheckpointAway, FencedError, UnknownOutcome
from roompulse.minutes import Minute
from roompulse.rooms import layout_of
from scorer.happenings import (
    Aborted,
    BrokerAway,
    Committed,
    Live,
    Lost,
    Reading,
    Recovered,
    RecoveryDelayed,
    Report,
    Saved,
    SaveDelayed,
    Standing,
)
from scorer.owned import Owned
from scorer.pipeline.fold import Fold
from scorer.pipeline.partition import Context, Head, Outcome, Tally
from scorer.ports import Batch, Checkpoint, EventLog
from scorer.recovery import SavedHead, plan_recovery, read_head

POLL_S = 0.2
RETRY_S = 1.0
STANDING_EVERY_S = 5.0
COMMIT_TRIES = 3
FENCED_TRIES = 5
"""So many refusals in a row mean that another process runs under our name; we are the one to go."""


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """`max_batch` records in a transaction; at `max_dirty_rooms` waiting for Redis reading pauses."""

    max_batch: int
    max_dirty_rooms: int
    rebuild_hours: float
    exit_at_end: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """A bundle's hash and what it makes of the fold."""

    hash: str
    context: Context


class ScoringLoop:
    """Reads, scores and writes until `stop` says so. `model_for` gives the model with a hash, or the first choice."""

    def __init__(
        self,
        log: EventLog,
        checkpoint: Checkpoint,
        model_for: Callable[[str | None], Model],
        options: LoopOptions,
        report: Report,
        stop: Callable[[], bool],
    ) -> None:
        self._log, self._checkpoint, self._model_for = log, checkpoint, model_for
        self._options, self._report, self._stop = options, report, stop
        self._owned: dict[int, Owned] = {}
        self._models: dict[int, Model] = {}
        self._waiting: set[int] = set()
        self._ends: dict[int, int] | None = None
        self._paused = False
        self._fenced = 0
        self._next_recovery = self._next_save = self._next_standing = 0.0

    def run(self) -> None:
        """Turn until told to stop, or until the end as it was at the start; then save what is not saved yet."""
        self.prepare()
        if self._options.exit_at_end:
            self._ends = {partition: self._log.bounds(partition)[1] for partition in range(self._partitions)}
        while not self._stop() and not self._at_end():
            self.turn()
        self._next_save = 0.0
        self._save()

    def prepare(self) -> None:
        """Learn what the topic is, before the first turn."""
        self._partitions = self._log.partition_count()
        self._topic_id = self._log.topic_id()

    def watermark(self) -> Minute:
        """The highest watermark of all our partitions. Raises ValueError before the first accepted record."""
        heads = [owned.fold.head for owned in self._owned.values()]
        return max(Minute(head.watermark, head.offset) for head in heads if head.watermark is not None)

    def turn(self) -> None:
        """One turn; returns after at most the poll's wait where nothing comes."""
        try:
            polled = self._log.poll(self._options.max_batch, POLL_S)
        except BrokerError as error:
            self._report(BrokerAway(str(error)))
            self._find_expired()
            time.sleep(RETRY_S)
            return
        for partition in polled.lost:
            self._release(partition)
        self._waiting |= polled.gained
        self._recover()
        live = self._re_read(polled.batches)
        started = time.monotonic()
        outcomes = {partition: self._owned[partition].fold.step(batch.messages) for partition, batch in live.items()}
        folded = time.monotonic()
        if outcomes and self._commit(live, outcomes):
            committed = time.monotonic()
            for partition, outcome in outcomes.items():
                self._owned[partition].apply(outcome, live[partition].position)
            self._tell_committed(live, outcomes, {"fold": folded - started, "commit": committed - folded})
        self._save()
        self._tell_standing()

    def _commit(self, live: Mapping[int, Batch], outcomes: Mapping[int, Outcome]) -> bool:
        """Write everything and the positions, all or nothing. False: nothing was, and the messages come again."""
        try:
            self._log.begin()
            self._log.send(line.output for outcome in outcomes.values() for line in outcome.lines)
            self._log.send_positions({partition: batch.position for partition, batch in live.items()})
            for attempt in range(COMMIT_TRIES):
                try:
                    self._log.commit()
                    break
                except UnknownOutcome:
                    if attempt == COMMIT_TRIES - 1:
                        raise
        except UnknownOutcome as error:
            # Whether it happened is in the committed offsets: recover every partition as if it had just come to us.
            self._report(Aborted(str(error)))
            self._abort()
            self._waiting |= set(self._owned)
        except BrokerError as error:
            self._fenced = self._fenced + 1 if isinstance(error, FencedError) else 0
            if self._fenced >= FENCED_TRIES:
                raise
            self._report(Aborted(str(error)))
            self._go_back(live)
        else:
            self._fenced = 0
            return True
        time.sleep(RETRY_S)
        return False

    def _go_back(self, live: Mapping[int, Batch]) -> None:
        """Abort, and read the same messages again."""
        self._abort()
        for partition in live:
            try:
                self._log.start(partition, self._owned[partition].position)
            except FencedError:
                self._release(partition)

    def _abort(self) -> None:
        try:
            self._log.abort()
        except BrokerError as error:
            self._report(BrokerAway(str(error)))

    def _recover(self) -> None:
        """Take over the partitions that are waiting; one that cannot be taken over yet waits on."""
        if time.monotonic() < self._next_recovery:
            return
        for partition in sorted(self._waiting):
            try:
                self._take_over(partition)
            except (CheckpointAway, BrokerError) as error:
                self._report(RecoveryDelayed(partition, str(error)))
                self._next_recovery = time.monotonic() + RETRY_S
            else:
                self._waiting.discard(partition)

    def _take_over(self, partition: int) -> None:
        """Claim the fence, then read: the saved point, the committed offset; then start from the one up to the other.

        Raises CheckpointError where the saved point must not be continued from.
        """
        self._owned.pop(partition, None)
        saved = self._checkpoint.claim(partition)
        model = self._model_for(None if saved is None else read_head(saved).model)
        layout = layout_of(model.context.dtype)
        plan = plan_recovery(partition, saved, self._log, layout, self._rebuild_from)
        fold = Fold(partition, model.context)
        if saved is not None and plan.saved is not None:
            data = b"".join(row for _, row in saved.rows)
            rows = np.frombuffer(bytearray(data), model.context.dtype)
            fold.load(plan.saved.head, [room.decode() for room, _ in saved.rows], rows)
        self._owned[partition] = Owned(fold, plan.applied, plan.live_from, plan.applied if plan.saved else -1)
        self._models[partition] = model
        self._log.start(partition, plan.applied)
        rebuilt = plan.saved is None and plan.live_from > plan.applied
        self._report(Recovered(partition, plan.applied, plan.live_from, len(fold), rebuilt, plan.exact))
        if plan.applied >= plan.live_from:
            self._report(Live(partition, plan.applied))

    def _rebuild_from(self, partition: int) -> int:
        """The offset `rebuild_hours` before now; Kafka's timestamps are wall-clock times of production."""
        since_ms = int((time.time() - self._options.rebuild_hours * 3600) * 1000)
        return self._log.offset_at(partition, since_ms)

    def _re_read(self, batches: Mapping[int, Batch]) -> dict[int, Batch]:
        """Fold what lies below the committed offset, without output; returns what lies beyond, up to the end."""
        live: dict[int, Batch] = {}
        for partition, batch in batches.items():
            owned = self._owned.get(partition)
            if owned is None or partition in self._waiting:
                continue
            before = [message for message in batch.messages if message.offset < owned.live_from]
            reached = min(batch.position, owned.live_from)
            if reached > owned.position:
                owned.apply(owned.fold.step(before), reached)
                if reached == owned.live_from:
                    self._report(Live(partition, reached))
            if batch.position > owned.position:
                live[partition] = self._cut_at_end(partition, Batch(batch.messages[len(before) :], batch.position))
        return live

    def _cut_at_end(self, partition: int, batch: Batch) -> Batch:
        """With `exit_at_end`, what came after the start is left for the next run."""
        if self._ends is None or batch.position <= self._ends[partition]:
            return batch
        end = self._ends[partition]
        self._log.pause([partition])
        return Batch([message for message in batch.messages if message.offset < end], end)

    def _at_end(self) -> bool:
        """Whether every partition, ours or another scorer's, has come to where its end was at the start."""
        if self._ends is None or self._waiting:
            return False
        if any(owned.position < self._ends[partition] for partition, owned in self._owned.items()):
            return False
        others = [p for p in self._ends if p not in self._owned]
        return all((self._log.committed(p) or 0) >= self._ends[p] for p in others)

    def _find_expired(self) -> None:
        """After a refused read: a partition whose next message the topic no longer holds is recovered anew."""
        for partition, owned in self._owned.items():
            try:
                if owned.position < self._log.bounds(partition)[0]:
                    self._waiting.add(partition)
            except BrokerError:
                return  # it is away, as reported; there is nothing to find out

    def _save(self) -> None:
        """Move every checkpoint on; while Redis is away, keep what changed, and stop reading when that is too much."""
        if time.monotonic() < self._next_save:
            return
        for partition, owned in list(self._owned.items()):
            if not owned.unsaved or partition in self._waiting:
                continue
            started = time.monotonic()
            try:
                self._checkpoint.save(partition, owned.snapshot(self._about(partition)))
            except CheckpointAway as error:
                waiting = sum(len(other.changed) for other in self._owned.values())
                self._report(SaveDelayed(str(error), waiting))
                self._next_save = time.monotonic() + RETRY_S
                self._pause(waiting >= self._options.max_dirty_rooms)
                return
            except FencedError as error:
                # Another scorer claimed it: Kafka will say so too, if it has not been a mistake.
                self._report(RecoveryDelayed(partition, str(error)))
                self._waiting.add(partition)
                continue
            self._report(Saved(partition, len(owned.changed), time.monotonic() - started))
            owned.saved()
        self._pause(False)

    def _about(self, partition: int) -> SavedHead:
        model = self._models[partition]
        return SavedHead(layout_of(model.context.dtype), model.hash, self._topic_id, self._partitions, Head())

    def _pause(self, paused: bool) -> None:
        if paused == self._paused:
            return
        self._paused = paused
        (self._log.pause if paused else self._log.resume)(list(self._owned))
        self._report(Reading(paused))

    def _release(self, partition: int) -> None:
        """Let go of a partition and its state."""
        self._waiting.discard(partition)
        if self._owned.pop(partition, None) is not None:
            self._report(Lost(partition))
        self._checkpoint.release(partition)

    def _tell_committed(
        self, live: Mapping[int, Batch], outcomes: Mapping[int, Outcome], stage_s: Mapping[str, float]
    ) -> None:
        now_ms = time.time() * 1000
        stamps = [m.timestamp_ms for batch in live.values() for m in batch.messages if m.timestamp_ms >= 0]
        tally = Tally()
        for outcome in outcomes.values():
            tally.add(outcome.tally)
        messages = sum(len(batch.messages) for batch in live.values())
        self._report(Committed(tally, messages, stage_s, (now_ms - np.array(stamps, np.float64)) / 1000))

    def _tell_standing(self) -> None:
        if time.monotonic() < self._next_standing:
            return
        self._next_standing = time.monotonic() + STANDING_EVERY_S
        try:
            behind = {p: self._log.bounds(p)[1] - owned.position for p, owned in self._owned.items()}
        except BrokerError as error:
            self._report(BrokerAway(str(error)))
            return
        folds = {partition: owned.fold for partition, owned in self._owned.items()}
        self._report(
            Standing(
                {partition: max(count, 0) for partition, count in behind.items()},
                {partition: fold.live_rooms() for partition, fold in folds.items()},
                {p: fold.head.watermark for p, fold in folds.items() if fold.head.watermark is not None},
            )
        )
