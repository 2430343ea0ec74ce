"""What `bench.board` measures on: the demo's servers, a scorer, simulated rooms, and a board that comes and goes."""

from __future__ import annotations

import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.scale.processes import cpu_seconds, resident_bytes
from roompulse.embedded import EmbeddedBroker, EmbeddedValkey
from roompulse.errors import RoomPulseError
from roompulse.kafka_topics import ensure_topics
from roompulse.local_server import LOOPBACK, free_port
from roompulse.settings import Settings
from roompulse.topics import Topics
from watch.child import Child, GuardedFolder
from watch.feed import MINUTES
from watch.kafka_feed import EARLIEST, KafkaFeed

READY_S = 120.0
_ANSWER_S = 5.0
_SURGE_SHARE = 0.8
"""Of the alerts wanted, so many are simulated as surges: hotspots and echoes come on top."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What had happened, and CPU seconds that had been used up, at one moment (seconds of a steady clock)."""

    at_s: float
    events: float
    alerts: float
    delay_s: float
    delays: float
    scorer_s: float
    board_s: float


class ServedBoard:
    """`roompulse board` as a process; `close` ends it."""

    def __init__(self, folder: Path, bootstrap: str) -> None:
        port = free_port()
        self.address = f"http://{LOOPBACK}:{port}/"
        self._child = Child(folder, "board", f"--bootstrap-servers={bootstrap}", f"--port={port}", "--history=1d")
        _wait_for(lambda: self._child.ended or _get(f"{self.address}healthz") is not None, "the board")

    @property
    def cpu_s(self) -> float:
        """CPU seconds that it has used."""
        return cpu_seconds(self._child.pid)

    @property
    def resident_bytes(self) -> int:
        """Its memory that lies in RAM."""
        return resident_bytes(self._child.pid)

    def close(self) -> None:
        """End it."""
        self._child.__exit__(None, None, None)


class Rig:
    """Servers and a scorer, which `stack` ends; the rooms begin when they are told to."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._folder = stack.enter_context(
            GuardedFolder(Path(tempfile.mkdtemp(prefix="roompulse-bench-board-")), keep=False)
        )
        broker = stack.enter_context(EmbeddedBroker())
        valkey = stack.enter_context(EmbeddedValkey())
        self._bootstrap = broker.address
        self._settings = Settings(bootstrap_servers=broker.address)
        ensure_topics(self._settings, Topics())
        port = free_port()
        self._scorer = f"http://{LOOPBACK}:{port}"
        self._score = stack.enter_context(
            Child(
                self._folder, "score", f"--bootstrap-servers={broker.address}", f"--redis-url={valkey.url}",
                f"--metrics-port={port}", "--instance-id=bench",
            )
        )  # fmt: skip
        _wait_for(lambda: self._score.ended or _get(f"{self._scorer}/readyz") is not None, "the scorer")

    def start_board(self) -> ServedBoard:
        """A board that answers, though it may still be reading what was before."""
        board = ServedBoard(self._folder, self._bootstrap)
        self._stack.callback(board.close)
        return board

    def start_rooms(self, rooms: int, speed: float, alerts_per_minute: float) -> None:
        """Rooms that stream until the end, at so many times real time, with so many alerts by the clock."""
        rate = _SURGE_SHARE * alerts_per_minute * 60 / (rooms * speed)
        self._stack.enter_context(
            Child(
                self._folder, "simulate", f"--bootstrap-servers={self._bootstrap}", f"--rooms={rooms}",
                f"--speed={speed:g}", "--continuous", "--minutes=0", "--no-clock", "--typical-size=100",
                f"--surges-per-room-hour={rate:g}", "--slumps-per-room-hour=0", "--seed=1",
            )
        )  # fmt: skip

    def first_event_s(self) -> float:
        """When the first room-minute was written, seconds since 1970."""
        feed = KafkaFeed(self._settings, {MINUTES: Topics().minutes}, EARLIEST)
        try:
            found: list[float] = []
            while not found:
                found = [seen.written_s for seen in feed.poll(1.0) if seen.written_s is not None]
            return min(found)
        finally:
            feed.close()

    def standing(self, board: ServedBoard | None) -> Standing:
        """The counts and what has been used up by now."""
        metrics = _get(f"{self._scorer}/metrics")
        if metrics is None:
            raise RoomPulseError("the scorer does not answer")
        return Standing(
            time.monotonic(),
            added_up(metrics, "roompulse_events_total "),
            added_up(metrics, "roompulse_alerts_total{", 'event="open"'),
            added_up(metrics, "roompulse_delay_seconds_sum "),
            added_up(metrics, "roompulse_delay_seconds_count "),
            cpu_seconds(self._score.pid),
            0.0 if board is None else board.cpu_s,
        )


def added_up(metrics: str, begins: str, holds: str = "") -> float:
    """The sum of the samples in a page of metrics whose line begins so and holds that."""
    return sum(
        float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith(begins) and holds in line
    )


def say(line: str) -> None:
    """Tell how far it is."""
    print(line, file=sys.stderr)


def _wait_for(over: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + READY_S
    while not over():
        if time.monotonic() > deadline:
            raise RoomPulseError(f"{what} was not ready within {READY_S:g} s")
        time.sleep(0.1)


def _get(address: str) -> str | None:
    try:
        with urllib.request.urlopen(address, timeout=_ANSWER_S) as page:
            return str(page.read().decode())
    except OSError:
        return None
