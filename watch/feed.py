"""The port through which everything here reads records: Kafka topics, a backtest's folder, or a test's list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

MINUTES, FORECASTS, ALERTS, HOTLIST, FLEET = "minutes", "forecasts", "alerts", "hotlist", "fleet"


@dataclass(frozen=True, slots=True)
class Seen:
    """One record: what it is (`MINUTES`, ...), its value as it lies on the topic, and when it was written.

    `written_s` is in seconds since 1970, None where nobody noted it.
    """

    kind: str
    value: bytes
    written_s: float | None = None


class Feed(Protocol):
    """Records of several kinds, each kind in the order in which it was written."""

    def poll(self, max_wait_s: float) -> list[Seen]:
        """The next records; empty where none came within `max_wait_s`. Raises BrokerError."""
        ...

    def at_end(self) -> bool:
        """Whether everything that can be read by now has been."""
        ...

    def close(self) -> None:
        """Let go of what is held."""
        ...
