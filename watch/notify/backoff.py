"""How long to wait after a failure: exponential with jitter.

"Equal jitter" of M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_S = 0.5
MOST_S = 30.0
LONGEST_ASKED_S = 300.0
"""A server that asks for more patience than this is asked again all the same."""


@dataclass(slots=True)
class Backoff:
    """When the next try is due. Times are of any one clock, in seconds; `chance` gives numbers from 0 to 1."""

    chance: Callable[[], float] = field(default=random.random)
    failures: int = 0
    _due: float = 0.0

    def ready(self, now: float) -> bool:
        """Whether the time for a try has come."""
        return now >= self._due

    def failed(self, now: float, asked_s: float = 0.0) -> None:
        """Wait longer than before, and no less than the server asked for."""
        wait = min(MOST_S, FIRST_S * 2 ** min(self.failures, 16))
        self.failures += 1
        # Never nothing at all: half of the wait is certain, the other half is chance.
        self._due = now + max(wait * (0.5 + 0.5 * self.chance()), min(asked_s, LONGEST_ASKED_S))

    def worked(self) -> None:
        """The next failure begins anew."""
        self.failures, self._due = 0, 0.0
