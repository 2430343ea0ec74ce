"""A topic in memory, and a clock that moves only when somebody sleeps."""

from __future__ import annotations

from dataclasses import dataclass, field

from producer.publisher import Headers


@dataclass
class Sent:
    """One record as it was handed over."""

    key: bytes | None
    value: bytes
    headers: dict[str, bytes]
    partition: int | None


@dataclass
class MemoryPublisher:
    """Keeps what is sent."""

    partitions: int = 3
    records: list[Sent] = field(default_factory=list)
    flushed: int = 0
    """How many records had been sent at the last flush."""

    def send(self, key: bytes | None, value: bytes, headers: Headers, partition: int | None = None) -> None:
        self.records.append(Sent(key, value, dict(headers), partition))

    def flush(self) -> None:
        self.flushed = len(self.records)


@dataclass
class SleepingClock:
    """Time for a Pace: sleeping moves it on."""

    now: float = 1000.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
