"""The partitions that are ours: taken over, caught up by re-reading, saved, and let go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor

from roompulse.errors import BrokerError, CheckpointAway, FencedError, ModelMissing
from roompulse.rooms import layout_of, room_dtype, shape_of
from scorer.happenings import (
    Halted,
    Live,
    Lost,
    Reading,
    Recovered,
    RecoveryDelayed,
    Report,
    Standing,
)
from scorer.owned import Owned
from scorer.pipeline.fold import Fold, ModelAhead
from scorer.pipeline.partition import Context, Head, Outcome
from scorer.ports import Batch, Checkpoint, EventLog
from scorer.recovery import SavedHead, are_unheeded, plan_recovery, read_head, who_is_away
from scorer.saving import Saver
from scorer.standing import standing_of

RETRY_S = 1.0

ModelFor = Callable[[str | None], Context]
"""Gives the model with a hash, or with None the first choice. Raises ModelMissing."""


class Partitions:
    """What the loop owns, by partition."""

    def __init__(
        self,
        log: EventLog,
        checkpoint: Checkpoint,
        model_for: ModelFor,
        report: Report,
        *,
        rebuild_hours: float,
        max_dirty_rooms: int,
        wait_for_models: bool = True,
        saves: bool = True,
        beside: Executor | None = None,
    ) -> None:
        """Learns what the topic is. Raises BrokerError. Without `wait_for_models` a lack of one raises ModelMissing.

        Saves run in `beside`, one at a time; without it they are waited for. Where `saves` is off there are none.
        """
        self._log, self._checkpoint, self._model_for, self._report = log, checkpoint, model_for, report
        self._rebuild_hours, self._max_dirty_rooms = rebuild_hours, max_dirty_rooms
        self._wait_for_models, self._saves = wait_for_models, saves
        self._owned: dict[int, Owned] = {}
        self._saver = Saver(checkpoint, report, self._rows_waiting, beside)
        self._waiting, self._halted = set[int](), dict[int, str]()
        self._paused = False
        self._next_recovery = 0.0
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
        """Take over the partitions that are waiting, and go on with those that lack a model, as far as that can be.

        Raises CheckpointError where a saved point must not be continued from.
        """
        if time.monotonic() < self._next_recovery:
            return
        for partition in sorted(self._waiting):
            try:
                self._take_over(partition)
            except ModelMissing as error:
                self._miss(partition, error)
            except (CheckpointAway, BrokerError) as error:
                self._report(RecoveryDelayed(partition, str(error), who_is_away(error)))
                self._next_recovery = time.monotonic() + RETRY_S
            else:
                self._waiting.discard(partition)
        for partition, model in sorted(self._halted.items()):
            try:
                self._owned[partition].fold.know(self._model_for(model))
                self._start(partition)
            except ModelMissing as error:
                self._miss(partition, error)
            except BrokerError as error:
                self._report(RecoveryDelayed(partition, str(error), who_is_away(error)))
            else:
                del self._halted[partition]
                self._report(Halted(partition, ""))

    def _miss(self, partition: int, error: ModelMissing) -> None:
        if not self._wait_for_models:
            raise error
        self._report(Halted(partition, str(error)))
        self._next_recovery = time.monotonic() + RETRY_S

    def _take_over(self, partition: int) -> None:
        """Claim the fence, read the saved point and the committed offset, start from the one up to the other."""
        self._waiting |= self._saver.wait_for(partition)
        self._owned.pop(partition, None)
        self._halted.pop(partition, None)
        saved, first = self._checkpoint.claim(partition), self._model_for(None)
        about = None if saved is None else read_head(saved)
        dtype = first.dtype if about is None or about.shape is None else room_dtype(*about.shape)
        since_ms = int((time.time() - self._rebuild_hours * 3600) * 1000)
        plan = plan_recovery(partition, self.count, saved, self._log, layout_of(dtype), since_ms)
        fold = Fold(partition, first)
        owned = Owned(fold, plan.applied, plan.live_from, saved_at=-1, anew=plan.saved is None)
        if plan.follows is not None:
            fold.begin(plan.follows, [self._model_for(turn.model) for turn in plan.follows.turns])
        if saved is not None and plan.saved is not None:
            owned.load(saved, plan.saved.head, dtype)
        self._owned[partition] = owned
        self._start(partition)
        unheeded = are_unheeded(first.settings, fold.head.follows.settings)
        self._report(Recovered(partition, plan.applied, plan.live_from, len(fold), plan.rebuilt, plan.exact, unheeded))
        if plan.applied >= plan.live_from:
            self._report(Live(partition, plan.applied))

    def _start(self, partition: int) -> None:
        """Read from where the fold stands; what was paused on its own has to give its messages again."""
        self._log.start(partition, self._owned[partition].position)
        (self._log.pause if self._paused else self._log.resume)([partition])

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
                outcome, folded = self._fold(partition, Batch(before, reached))
                owned.apply(outcome, folded.position)
                if owned.position == owned.live_from:
                    self._report(Live(partition, reached))
            if batch.position > owned.position >= reached:
                live[partition] = Batch(batch.messages[len(before) :], batch.position)
        return live

    def fold(self, live: Mapping[int, Batch]) -> tuple[dict[int, Batch], dict[int, Outcome]]:
        """Fold batches beside the state; one is cut before a record that names a model which is not here."""
        folded = {partition: self._fold(partition, batch) for partition, batch in live.items()}
        moved = [partition for partition, (_, batch) in folded.items() if batch.position > self[partition].position]
        return {partition: folded[partition][1] for partition in moved}, {p: folded[p][0] for p in moved}

    def _fold(self, partition: int, batch: Batch) -> tuple[Outcome, Batch]:
        fold = self._owned[partition].fold
        while True:
            try:
                return fold.step(batch.messages), batch
            except ModelAhead as ahead:
                model, offset = ahead.control.hash, ahead.offset
            try:
                fold.know(self._model_for(model))
            except ModelMissing as error:
                self._halted[partition] = model
                self._log.pause([partition])
                self._miss(partition, error)
                batch = Batch([message for message in batch.messages if message.offset < offset], offset)

    def go_back(self, partitions: Iterable[int]) -> None:
        """After an abort: read the same messages again."""
        for partition in partitions:
            try:
                self._start(partition)
            except FencedError:
                self.release(partition)

    def find_expired(self) -> None:
        """After a refused read: a partition whose next message the topic does not hold is taken over anew."""
        for partition, owned in self._owned.items():
            try:
                first, end = self._log.bounds(partition)
                if not first <= owned.position <= end:
                    self._waiting.add(partition)
            except BrokerError:
                return  # it is away, as was reported; there is nothing to find out

    def save(self, *, at_once: bool = False) -> None:
        """Move every checkpoint on, with `at_once` to the end; where too much waits for Redis, stop reading."""
        if not self._saves:
            for owned in self._owned.values():
                owned.changed, owned.removed = set(), set()  # or the names of all rooms would add up
            return
        settled = {partition: owned for partition, owned in self._owned.items() if partition not in self._waiting}
        self._waiting |= self._saver.save(settled, self._about, at_once=at_once)
        self._pause(self._rows_waiting() >= self._max_dirty_rooms)

    def _rows_waiting(self) -> int:
        return sum(owned.waiting for owned in self._owned.values())

    def _about(self, partition: int) -> SavedHead:
        dtype = self._owned[partition].fold.dtype
        return SavedHead(layout_of(dtype), self._topic_id, self.count, Head(), shape_of(dtype))

    def _pause(self, paused: bool) -> None:
        if paused == self._paused:
            return
        self._paused = paused
        reading = [partition for partition in self._owned if partition not in self._halted]
        (self._log.pause if paused else self._log.resume)(reading)
        self._report(Reading(paused))

    def reads(self, partition: int) -> bool:
        """Whether it is live: taken over, not paused, and not without its model."""
        return not self._paused and partition not in self._waiting and partition not in self._halted

    def behind(self, partition: int) -> int:
        """Messages of it that are not read yet. Raises BrokerError."""
        return max(self._log.bounds(partition)[1] - self._owned[partition].position, 0)

    def release(self, partition: int) -> None:
        """Let go of a partition and its state, or of one that could not be taken over yet."""
        self._waiting |= self._saver.wait_for(partition)
        self._halted.pop(partition, None)
        if partition in self._waiting or partition in self._owned:
            self._report(Lost(partition))
        self._waiting.discard(partition)
        self._owned.pop(partition, None)
        self._checkpoint.release(partition)

    def standing(self) -> Standing:
        """Where the partitions stand. Raises BrokerError."""
        return standing_of(self._owned, {partition: self.behind(partition) for partition in self._owned}, self._waiting)
