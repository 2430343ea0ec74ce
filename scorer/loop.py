"""The scoring loop. One turn, in this order, is the whole of exactly-once:

1. poll, and take over the partitions that came to us;
2. fold what was polled beside the state in memory;
3. begin, send the records, send the positions, commit;
4. only now take the folded state over;
5. move the checkpoint on beside the next turns, or keep what changed until Redis is back.

A step that fails leaves all that came before it undone or repeatable: an aborted batch is read again, a checkpoint that
lags is caught up by re-reading with the output suppressed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from roompulse.errors import BrokerError, FencedError, UnknownOutcome
from roompulse.minutes import Minute
from scorer.happenings import Aborted, BrokerAway, Committed, Report
from scorer.partitions import RETRY_S, ModelFor, Partitions
from scorer.pipeline.partition import Outcome, Tally
from scorer.ports import Batch, Checkpoint, EventLog
from scorer.quiet import QuietPartitions
from scorer.trials import Trials

POLL_S = 0.2
STANDING_EVERY_S = 5.0
COMMIT_TRIES = 3
FENCED_TRIES = 5
"""So many refusals in a row mean that another process runs under our name; we are the one to go."""


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """`max_batch` records in a transaction; at `max_dirty_rooms` waiting for Redis reading pauses.

    A partition that has been quiet for `quiet_clock_s` gets a clock record, never where that is 0. A challenger is
    tried on `shadow_share` of the rooms. Without `saves` the checkpoint stays where it is: nobody is to continue.
    """

    max_batch: int
    max_dirty_rooms: int
    rebuild_hours: float
    exit_at_end: bool = False
    quiet_clock_s: float = 0.0
    shadow_share: float = 0.0
    saves: bool = True


class ScoringLoop:
    """Reads, scores and writes until `stop` says so."""

    def __init__(
        self,
        log: EventLog,
        checkpoint: Checkpoint,
        model_for: ModelFor,
        options: LoopOptions,
        report: Report,
        stop: Callable[[], bool],
        beside: Executor | None = None,
    ) -> None:
        """Learns what the topic is. Raises BrokerError. `beside` runs the saves, one at a time; None waits for each."""
        self._log, self._options, self._report, self._stop = log, options, report, stop
        self._mine = Partitions(
            log,
            checkpoint,
            model_for,
            report,
            rebuild_hours=options.rebuild_hours,
            max_dirty_rooms=options.max_dirty_rooms,
            wait_for_models=not options.exit_at_end,
            saves=options.saves,
            beside=beside,
        )
        self._ends: dict[int, int] = {}
        if options.exit_at_end:
            self._ends = {partition: log.bounds(partition)[1] for partition in range(self._mine.count)}
        self._quiet = QuietPartitions(options.quiet_clock_s)
        self._trials = Trials(model_for, report, options.shadow_share)
        self._fenced = 0
        self._next_standing = 0.0

    def run(self) -> None:
        """Turn until told to stop, or until the end as it was at the start; then save what is not saved yet."""
        while not self._stop() and not self._at_end():
            self.turn()
        self._mine.save(at_once=True)

    def turn(self) -> None:
        """One turn; returns after at most the poll's wait where nothing comes. Raises CheckpointError, FencedError."""
        try:
            polled = self._log.poll(self._options.max_batch, POLL_S)
        except BrokerError as error:
            self._report(BrokerAway(str(error)))
            self._quiet.begin_anew()
            self._mine.find_expired()
            self._mine.recover()  # or the next poll would be refused as well
            time.sleep(RETRY_S)
            return
        for partition in polled.lost:
            self._mine.release(partition)
            self._trials.release(partition)
        self._mine.take(polled.gained)
        live = self._up_to_end(self._mine.re_read(polled.batches))
        # Not before: what was polled of a partition that is taken over again lies beyond where it starts again.
        self._mine.recover()
        started = time.monotonic()
        live, outcomes = self._mine.fold(live)
        folded = time.monotonic()
        if outcomes and self._commit(live, outcomes):
            committed = time.monotonic()
            for partition, outcome in outcomes.items():
                self._mine[partition].apply(outcome, live[partition].position)
                self._trials.see(partition, self._mine[partition].fold, live[partition].messages)
            self._tell(live, outcomes, {"fold": folded - started, "commit": committed - folded})
        self._close_quiet(polled.batches)
        self._mine.save()
        self._tell_standing()

    def _close_quiet(self, polled: Mapping[int, Batch]) -> None:
        """Write a clock record to partitions that have been quiet for long: what is over there can then be told."""
        clocks = self._quiet.clocks(self._mine, polled)
        if not clocks:
            return
        try:
            self._log.begin()
            self._log.send(clocks)
            self._finish()
        except BrokerError as error:  # it is tried again: a clock that comes twice changes nothing
            self._abort(error)

    def _commit(self, live: Mapping[int, Batch], outcomes: Mapping[int, Outcome]) -> bool:
        """Write everything and the positions, all or nothing. False: nothing was, and the messages come again."""
        try:
            self._log.begin()
            self._log.send(line.output for outcome in outcomes.values() for line in outcome.lines)
            self._log.send_positions({partition: batch.position for partition, batch in live.items()})
            self._finish()
        except UnknownOutcome as error:
            # Whether it happened is in the committed offsets: take every partition over as if it had just come to us.
            self._abort(error)
            self._mine.take(list(self._mine))
        except BrokerError as error:
            self._fenced = self._fenced + 1 if isinstance(error, FencedError) else 0
            if self._fenced >= FENCED_TRIES:
                raise
            self._abort(error)
            self._mine.go_back(live)
        else:
            self._fenced = 0
            return True
        time.sleep(RETRY_S)
        return False

    def _finish(self) -> None:
        """Commit, asking again while the outcome is unknown. Raises UnknownOutcome where it stays so."""
        for _ in range(COMMIT_TRIES - 1):
            try:
                self._log.commit()
            except UnknownOutcome:
                continue
            return
        self._log.commit()

    def _abort(self, why: BrokerError) -> None:
        self._report(Aborted(str(why)))
        try:
            self._log.abort()
        except BrokerError as error:
            self._report(BrokerAway(str(error)))

    def _up_to_end(self, live: dict[int, Batch]) -> dict[int, Batch]:
        """With `exit_at_end`, what came after the start is left for the next run."""
        for partition, end in self._ends.items():
            if partition in live and live[partition].position > end:
                live[partition] = Batch([message for message in live[partition].messages if message.offset < end], end)
                self._log.pause([partition])
        return live

    def _at_end(self) -> bool:
        """Whether every partition, ours or another scorer's, has come to where its end was at the start."""
        if not self._options.exit_at_end or not self._mine.settled:
            return False
        if any(self._mine[partition].position < self._ends[partition] for partition in self._mine):
            return False
        others = self._ends.keys() - set(self._mine)
        return all((self._log.committed(partition) or 0) >= self._ends[partition] for partition in others)

    def watermark(self) -> Minute:
        """The highest watermark of all our partitions. Raises ValueError before the first accepted record."""
        heads = [self._mine[partition].fold.head for partition in self._mine]
        return max(Minute(head.watermark, head.offset) for head in heads if head.watermark is not None)

    def _tell(self, live: Mapping[int, Batch], outcomes: Mapping[int, Outcome], stage_s: Mapping[str, float]) -> None:
        now_ms = time.time() * 1000
        stamps = [m.timestamp_ms for batch in live.values() for m in batch.messages if m.timestamp_ms >= 0]
        tally = Tally()
        for outcome in outcomes.values():
            tally.add(outcome.tally)
        messages = sum(len(batch.messages) for batch in live.values())
        delays = (now_ms - np.array(stamps, np.float64)) / 1000
        positions = {partition: batch.position for partition, batch in live.items()}
        self._report(Committed(tally, messages, stage_s, delays, outcomes, positions))

    def _tell_standing(self) -> None:
        if time.monotonic() < self._next_standing:
            return
        self._next_standing = time.monotonic() + STANDING_EVERY_S
        try:
            self._report(self._mine.standing())
        except BrokerError as error:
            self._report(BrokerAway(str(error)))
