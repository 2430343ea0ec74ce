"""Whether the scorer does its work, for whoever restarts processes and whoever waits for one to be ready."""

from __future__ import annotations

import time

from scorer import happenings as told

STUCK_S = 60.0
"""A loop that has not turned for so long is not healthy. Recovering a million rooms takes less."""


class Readiness:
    """What /healthz and /readyz say, by what the loop told."""

    def __init__(self) -> None:
        self._turned_at = time.monotonic()
        self._owned: set[int] = set()
        self._catching_up: set[int] = set()
        self._held_up: dict[int, str] = {}
        self._broker_away = ""
        self._paused = False

    def turned(self) -> None:
        """Note that the loop is alive."""
        self._turned_at = time.monotonic()

    def __call__(self, happening: told.Happening) -> None:
        """Note what makes the scorer ready or not."""
        match happening:
            case told.Recovered(partition):
                self._owned.add(partition)
                self._catching_up.add(partition)
                self._held_up.pop(partition, None)
            case told.RecoveryDelayed(partition, reason) | told.Halted(partition, reason):
                self._held_up[partition] = reason
            case told.Live(partition):
                self._catching_up.discard(partition)
            case told.Lost(partition):
                self._owned.discard(partition)
                self._catching_up.discard(partition)
                self._held_up.pop(partition, None)
            case told.BrokerAway(reason):
                self._broker_away = reason
            case told.Committed() | told.Standing():
                self._broker_away = ""
            case told.Reading(paused):
                self._paused = paused
            case _:
                pass

    def unhealthy(self) -> str:
        """Why the process should be restarted; empty when it should not."""
        idle = time.monotonic() - self._turned_at
        return f"the loop has not turned for {idle:.0f} s" if idle > STUCK_S else ""

    def not_ready(self) -> str:
        """Why no output is to be expected; empty when it is."""
        if self._broker_away:
            return self._broker_away
        for partition, reason in sorted(self._held_up.items()):
            if reason:
                return f"partition {partition} is held up: {reason}"
        if not self._owned:
            return "no partition is assigned yet"
        if self._catching_up:
            return f"re-reading partitions {', '.join(map(str, sorted(self._catching_up)))}"
        return "reading pauses until Redis is back" if self._paused else ""
