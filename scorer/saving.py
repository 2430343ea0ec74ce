"""Saves that run beside the loop: a round of points is handed to another thread, and its results are taken later.

There is one round at a time, and it is waited for before any of its partitions is claimed or let go of. So a partition
is never used by two threads, and all state belongs to the loop's thread: the other one only sees finished snapshots.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from roompulse.errors import CheckpointAway, FencedError
from scorer.happenings import RecoveryDelayed, Report, Saved, SaveDelayed
from scorer.owned import Owned
from scorer.ports import Checkpoint, PointLost, Snapshot
from scorer.recovery import SavedHead

RETRY_S = 1.0

About = Callable[[int], SavedHead]
"""What is saved beside a partition's rooms, but for its head."""


@dataclass(frozen=True, slots=True)
class _Point:
    """One partition's snapshot, and the seconds that it took to make."""

    partition: int
    snapshot: Snapshot
    seconds: float


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of a point: saved where there is no error."""

    partition: int
    rooms: int
    seconds: float
    error: CheckpointAway | FencedError | PointLost | None


class Saver:
    """Moves the checkpoint on in rounds, beside the loop where there is an executor for that."""

    def __init__(
        self, checkpoint: Checkpoint, report: Report, rows_waiting: Callable[[], int], beside: Executor | None
    ) -> None:
        """`rows_waiting` counts those not known to be saved; `beside` runs one call at a time, None saves at once."""
        self._checkpoint, self._report, self._rows_waiting, self._beside = checkpoint, report, rows_waiting, beside
        self._round: Future[list[_Result]] | None = None
        self._saving: dict[int, Owned] = {}
        self._next_round = 0.0

    def save(self, owned: Mapping[int, Owned], about: About, *, at_once: bool) -> set[int]:
        """Begin the next round where the one before is over; returns the partitions that another scorer claimed.

        With `at_once` both are waited for. So is what has to be written anew: it is read from the rows in memory while
        it is written. After Redis was away the next round comes after RETRY_S.
        """
        fenced = self._collect() if at_once or (self._round is not None and self._round.done()) else set()
        if self._round is not None or (time.monotonic() < self._next_round and not at_once):
            return fenced
        self._saving = {p: mine for p, mine in owned.items() if mine.unsaved and p not in fenced}
        if at_once or self._beside is None or any(mine.anew for mine in self._saving.values()):
            return fenced | self._take(_carry_out(self._checkpoint, _points(self._saving, about, whole=True)))
        points = list(_points(self._saving, about, whole=False))
        self._round = self._beside.submit(_carry_out, self._checkpoint, points) if points else None
        return fenced

    def wait_for(self, partition: int) -> set[int]:
        """Let the round that this partition is in come to its end; returns those that another scorer claimed."""
        return self._collect() if partition in self._saving else set()

    def _collect(self) -> set[int]:
        """Wait for the round, if there is one. Raises what ended it early."""
        if self._round is None:
            return set()
        over, self._round = self._round, None
        return self._take(over.result())

    def _take(self, results: Sequence[_Result]) -> set[int]:
        """Every partition of the round learns whether its point is saved; not all need have been tried."""
        saving, self._saving = self._saving, {}
        for at in results:
            if at.error is None:
                saving[at.partition].saved()
            saving[at.partition].anew |= isinstance(at.error, PointLost)
        for mine in saving.values():
            mine.keep_unsaved()
        for at in results:
            self._tell(at)
        return {at.partition for at in results if isinstance(at.error, FencedError)}

    def _tell(self, at: _Result) -> None:
        match at.error:
            case None:
                self._report(Saved(at.partition, at.rooms, at.seconds, self._rows_waiting()))
            case CheckpointAway():
                self._report(SaveDelayed(str(at.error), self._rows_waiting()))
                self._next_round = time.monotonic() + RETRY_S
            case FencedError():
                # Kafka will say so too, unless it was a mistake and we claim it again.
                self._report(RecoveryDelayed(at.partition, str(at.error)))
            case PointLost():
                pass  # everything is written next


def _points(unsaved: Mapping[int, Owned], about: About, *, whole: bool) -> Iterator[_Point]:
    for partition, mine in unsaved.items():
        started = time.monotonic()
        snapshot = mine.hand_over(about(partition), whole=whole)
        yield _Point(partition, snapshot, time.monotonic() - started)


def _carry_out(checkpoint: Checkpoint, points: Iterable[_Point]) -> list[_Result]:
    """Save one after the other, up to one for which the server is away."""
    results = []
    for point in points:
        started = time.monotonic()
        error: CheckpointAway | FencedError | PointLost | None = None
        try:
            checkpoint.save(point.partition, point.snapshot)
        except (CheckpointAway, FencedError, PointLost) as caught:
            error = caught
        seconds = point.seconds + time.monotonic() - started
        results.append(_Result(point.partition, len(point.snapshot.changed), seconds, error))
        if isinstance(error, CheckpointAway):
            break
    return results
