"""The port behind which the demo runs: simulated rooms into a scorer, and the account of what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from watch.feed import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is simulated, how fast, and where /metrics and the board are served (`board_port` 0: no board).

    `minutes` None goes on until it is stopped.
    """

    rooms: int
    seed: int
    speed: float
    minutes: int | None
    metrics_port: int
    board_port: int = 0

    def simulate_arguments(self, minutes: int, labels: Path) -> list[str]:
        """The flags of `roompulse simulate`; 0 minutes go on for ever. Why these numbers: docs/demo.md."""
        return [
            "--continuous",
            f"--rooms={self.rooms}",
            f"--minutes={minutes}",
            f"--seed={self.seed}",
            "--typical-size=100",
            "--surges-per-room-hour=0.5",
            "--slumps-per-room-hour=0.1",
            "--missing-rate=0.002",
            "--late-rate=0.003",
            "--duplicate-rate=0.003",
            f"--labels={labels}",
            "--json",
        ]


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the events: sent by the producer's count, the rest by the scorer's. None: could not be told."""

    events_sent: int | None
    forecasts: int
    late: int
    duplicate: int
    dead_letters: int
    delay_p50_s: float | None
    delay_p99_s: float | None


class Pipeline(Protocol):
    """A run of the demo, from the first event to the account. Its methods raise RoomPulseError where a part failed."""

    feed: Feed
    labels: Path
    metrics: str | None
    """Address of the metrics page, where there is one."""
    board: str | None
    """Address of the board, where there is one, for as long as it runs."""

    def input_over(self) -> bool:
        """Whether all events have been sent."""
        ...

    def end_input(self) -> None:
        """Send no more."""
        ...

    def scored(self) -> bool:
        """Whether all that was sent has been scored."""
        ...

    def account(self) -> Account:
        """Stop the scorer, and tell what became of everything."""
        ...
