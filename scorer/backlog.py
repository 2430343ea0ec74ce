"""How long it will be until what has piled up is read, from what the partitions' standing says every few seconds."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scorer import happenings as told

WINDOW_S = 30.0
"""The rates are those of so long: shorter, and they jump with every batch; longer, and they lag behind."""
CAUGHT_UP_S = 2.0
"""What is handled in so short a time is no backlog: messages are always on their way."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One moment: messages behind by partition, and how many have been handled since the start."""

    at_s: float
    behind: Mapping[int, int]
    handled: int


def remaining_s(marks: Sequence[Mark]) -> float:
    """Seconds until nothing waits, by the first and the last of the marks: messages behind over the rate at which they
    are handled less that at which they arrive. 0 where it is caught up, infinite where the backlog does not shrink,
    NaN before there are two marks.

    Only partitions in both marks tell a rate: one that came meanwhile brought its backlog along.
    """
    if len(marks) < 2:
        return math.nan
    first, last = marks[0], marks[-1]
    seconds = last.at_s - first.at_s
    behind = sum(last.behind.values())
    if behind <= CAUGHT_UP_S * (last.handled - first.handled) / seconds:
        return 0.0
    common = first.behind.keys() & last.behind.keys()
    shrinks = sum(first.behind[partition] - last.behind[partition] for partition in common) / seconds
    return behind / shrinks if shrinks > 0 else math.inf


class BacklogWatch:
    """Tells the backlog at each standing."""

    def __init__(self, report: told.Report) -> None:
        self._report = report
        self._marks: deque[Mark] = deque()
        self._handled = 0

    def __call__(self, happening: told.Happening) -> None:
        """See what the loop tells."""
        match happening:
            case told.Committed(messages=messages):
                self._handled += messages
            case told.BrokerAway():
                self._marks.clear()  # what comes next begins anew
                self._report(told.Backlog(0, math.nan))
            case told.Standing(behind=behind):
                now = time.monotonic()
                while self._marks and now - self._marks[0].at_s > WINDOW_S:
                    self._marks.popleft()
                self._marks.append(Mark(now, dict(behind), self._handled))
                self._report(told.Backlog(sum(behind.values()), remaining_s(self._marks)))
            case _:
                pass
