"""The partitions that are ours: taken over, caught up by re-reading, saved, and let go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from roompulse.errors import BrokerError, CheckpointAway, FencedError
from roompulse.rooms import layout_of
from scorer.happenings import (
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
from scorer.pipeline.partition import Context, Head
from scorer.ports import Batch, Checkpoint, EventLog
from scorer.recovery import SavedHead, plan_recovery, read_head
from scorer.standing import standing_of

RETRY_S = 1.0


def _who_is_away(error: CheckpointAway | BrokerError) -> str:
    """The server that did not answer; none where another scorer claimed the partition meanwhile."""
    if isinstance(error, FencedError):
        return ""
    return "kafka" if isinstance(error, BrokerError) else "redis"


@dataclass(frozen=True, slots=True)
class Model:
    """A bundle's hash and what it makes of the fold."""

    hash: str
    context: Context


class Partitions:
    """What the loop owns, by partition. `model_for` gives the model with a hash, or the first choice."""

    def __init__(
        self,
        log: EventLog,
        checkpoint: Checkpoint,
        model_for: Callable[[str | None], Model],
        report: Report,
        *,
        rebuild_hours: float,
        max_dirty_rooms: int,
    ) -> None:
        """Learns what the topic is. Raises BrokerError."""
        self._log, self._checkpoint, self._model_for, self._report = log, checkpoint, model_for, report
        self._rebuild_hours, self._max_dirty_rooms = rebuild_hours, max_dirty_rooms
        self._owned: dict[int, Owned] = {}
        self._models: dict[int, Model] = {}
        self._waiting: set[int] = set()
        self._paused = False
        self._next_recovery = self._next_save = 0.0
        self._topic_id, self.count = log.topic_id(), log.partition_count()

    def __getitem__(self, partition: int) -> Owned:
        return self._owned[partition]

    def __iter__(self) -> Iterator[int]:
        return iter(self._owned)

    @property
    def settled(self) -> bool:
        """Whether none is waiting to be taken over."""
        return not self._waiting

    def take(self, partitions: Iterable[int]) -> None:
        """Take these over, again if they are ours already, as soon as that can be done."""
        self._waiting.update(partitions)

    def recover(self) -> None:
        """Take over the partitions that are waiting; one that cannot be taken over yet waits on.

        Raises CheckpointError where a saved point must not be continued from.
        """
        if time.monotonic() < self._next_recovery:
            return
        for partition in sorted(self._waiting):
            try:
                self._take_over(partition)
            except (CheckpointAway, BrokerError) as error:
                self._report(RecoveryDelayed(partition, str(error), _who_is_away(error)))
                self._next_recovery = time.monotonic() + RETRY_S
            else:
                self._waiting.discard(partition)

    def _take_over(self, partition: int) -> None:
        """Claim the fence, read the saved point and the committed offset, start from the one up to the other."""
        self._owned.pop(partition, None)
        saved = self._checkpoint.claim(partition)
        model = self._model_for(None if saved is None else read_head(saved).model)
        plan = plan_recovery(partition, saved, self._log, layout_of(model.context.dtype), self._rebuild_from)
        fold = Fold(partition, model.context)
        owned = Owned(fold, plan.applied, plan.live_from, saved_at=-1, anew=plan.saved is None)
        if saved is not None and plan.saved is not None:
            data = b"".join(row for _, row in saved.rows)
            rows = np.frombuffer(bytearray(data), model.context.dtype)
            fold.load(plan.saved.head, [room.decode() for room, _ in saved.rows], rows)
            owned.saved_at = plan.applied
        self._owned[partition], self._models[partition] = owned, model
        self._start(partition)
        self._report(Recovered(partition, plan.applied, plan.live_from, len(fold), plan.rebuilt, plan.exact))
        if plan.applied >= plan.live_from:
            self._report(Live(partition, plan.applied))

    def _start(self, partition: int) -> None:
        """Read from where the fold stands; a partition that was paused on its own has to give its messages again."""
        self._log.start(partition, self._owned[partition].position)
        (self._log.pause if self._paused else self._log.resume)([partition])

    def _rebuild_from(self, partition: int) -> int:
        """The offset `rebuild_hours` before now; Kafka's timestamps are wall-clock times of production."""
        since_ms = int((time.time() - self._rebuild_hours * 3600) * 1000)
        return self._log.offset_at(partition, since_ms)

    def re_read(self, batches: Mapping[int, Batch]) -> dict[int, Batch]:
        """Fold what lies below the committed offset, whose records were written before; returns what lies beyond."""
        live: dict[int, Batch] = {}
        for partition, batch in batches.items():
            owned = self._owned.get(partition)
            if owned is None or partition in self._waiting:
                continue
            before = [message for message in batch.messages if message.offset < owned.live_from]
            # Not beyond the committed offset, although there may be markers: a saved point must not be ahead of it.
            reached = min(batch.position, owned.live_from)
            if reached > owned.position:
                owned.apply(owned.fold.step(before), reached)
                if reached == owned.live_from:
                    self._report(Live(partition, reached))
            if batch.position > owned.position:
                live[partition] = Batch(batch.messages[len(before) :], batch.position)
        return live

    def go_back(self, partitions: Iterable[int]) -> None:
        """After an abort: read the same messages again."""
        for partition in partitions:
            try:
                self._start(partition)
            except FencedError:
                self.release(partition)

    def find_expired(self) -> None:
        """After a refused read: a partition whose next message the topic no longer holds is taken over anew."""
        for partition, owned in self._owned.items():
            try:
                if owned.position < self._log.bounds(partition)[0]:
                    self._waiting.add(partition)
            except BrokerError:
                return  # it is away, as was reported; there is nothing to find out

    def save(self, *, at_once: bool = False) -> None:
        """Move every checkpoint on; while Redis is away, keep what changed, and stop reading when that is too much."""
        if time.monotonic() < self._next_save and not at_once:
            return
        for partition, owned in self._owned.items():
            if not owned.unsaved or partition in self._waiting:
                continue
            started = time.monotonic()
            try:
                self._checkpoint.save(partition, owned.snapshot(self._about(partition)))
            except CheckpointAway as error:
                waiting = sum(len(other.changed) for other in self._owned.values())
                self._report(SaveDelayed(str(error), waiting))
                self._next_save = time.monotonic() + RETRY_S
                self._pause(waiting >= self._max_dirty_rooms)
                return
            except FencedError as error:
                # Another scorer claimed it: Kafka will say so too, unless it was a mistake and we claim it again.
                self._report(RecoveryDelayed(partition, str(error)))
                self._waiting.add(partition)
                continue
            self._report(Saved(partition, len(owned.changed), time.monotonic() - started))
            owned.saved()
        self._pause(False)

    def _about(self, partition: int) -> SavedHead:
        model = self._models[partition]
        return SavedHead(layout_of(model.context.dtype), model.hash, self._topic_id, self.count, Head())

    def _pause(self, paused: bool) -> None:
        if paused == self._paused:
            return
        self._paused = paused
        (self._log.pause if paused else self._log.resume)(list(self._owned))
        self._report(Reading(paused))

    def release(self, partition: int) -> None:
        """Let go of a partition and its state, or of one that could not be taken over yet."""
        if partition in self._waiting or partition in self._owned:
            self._report(Lost(partition))
        self._waiting.discard(partition)
        self._owned.pop(partition, None)
        self._checkpoint.release(partition)

    def standing(self) -> Standing:
        """Where the partitions stand. Raises BrokerError."""
        ends = {partition: self._log.bounds(partition)[1] for partition in self._owned}
        return standing_of(self._owned, ends, self._waiting)
