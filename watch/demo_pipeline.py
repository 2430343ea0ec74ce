"""The demo's machinery: simulated rooms into a scorer, on embedded servers or, where none fit, in memory."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from roompulse.embedded import EmbeddedBroker, EmbeddedValkey
from roompulse.errors import RoomPulseError
from roompulse.kafka_client import create_topics
from roompulse.local_server import LOOPBACK
from roompulse.settings import Settings
from roompulse.topics import Topics
from watch.child import Child
from watch.feed import ALERTS, FORECASTS, HOTLIST, MINUTES, Feed
from watch.folder_feed import FolderFeed
from watch.kafka_feed import EARLIEST, KafkaFeed

READY_TIMEOUT_S = 60.0
LOCAL_TIMEOUT_S = 2.0
OPEN_ENDED_IN_MEMORY_MINUTES = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is simulated, how fast, and where /metrics is served. `minutes` None goes on until it is stopped."""

    rooms: int
    seed: int
    speed: float
    minutes: int | None
    metrics_port: int

    def simulate_arguments(self, minutes: int, labels: Path) -> list[str]:
        """The flags of `roompulse simulate`. Why these numbers: docs/demo.md."""
        return [
            "--continuous",
            f"--rooms={self.rooms}",
            f"--minutes={minutes}",
            f"--seed={self.seed}",
            "--typical-size=100",
            "--surges-per-room-hour=0.3",
            "--slumps-per-room-hour=0.2",
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
    """A run of the demo, from the first event to the account."""

    feed: Feed
    labels: Path
    metrics: str | None
    """Address of the metrics page, where there is one."""

    def input_over(self) -> bool:
        """Whether all events have been sent. Raises RoomPulseError where a part has failed."""
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


class LivePipeline:
    """Embedded broker and Valkey, `roompulse score`, `roompulse simulate`: four processes, gone on leaving."""

    def __init__(self, stack: ExitStack, folder: Path, plan: Plan, say: Callable[[str], None]) -> None:
        self.labels = folder / "labels.csv"
        say("starting a broker and a Valkey")
        with ThreadPoolExecutor(2) as starting:
            servers = EmbeddedBroker(), EmbeddedValkey()
            for server in servers:
                stack.callback(server.close)
            for started in [starting.submit(server.start) for server in servers]:
                started.result()
        self._broker, self._valkey = servers
        broker = f"--bootstrap-servers={self._broker.address}"
        settings = Settings(bootstrap_servers=self._broker.address)
        say("starting the scorer")
        self._score = stack.enter_context(
            Child(
                folder, "score", broker, f"--redis-url={self._valkey.url}", f"--metrics-port={plan.metrics_port}",
                "--instance-id=demo", "--json",
            )
        )  # fmt: skip
        self._server = f"http://{LOOPBACK}:{plan.metrics_port}"
        self.metrics: str | None = f"{self._server}/metrics"
        topics = Topics()
        create_topics(settings, topics)
        names = {
            MINUTES: topics.minutes,
            FORECASTS: topics.forecasts,
            ALERTS: topics.alerts,
            HOTLIST: topics.hotlist,
        }
        self.feed: Feed = KafkaFeed(settings, names, EARLIEST)
        stack.callback(self.feed.close)
        self._wait_until_ready()
        say("starting the rooms")
        arguments = plan.simulate_arguments(plan.minutes or 0, self.labels)
        self._simulate = stack.enter_context(
            Child(folder, "simulate", broker, f"--speed={plan.speed:g}", "--no-clock", *arguments)
        )

    def input_over(self) -> bool:
        """Whether all events have been sent."""
        self._insist()
        return self._simulate.ended

    def end_input(self) -> None:
        """Send no more."""
        self._simulate.stop()
        self._sent = int(self._simulate.summary()["events_sent"])

    def scored(self) -> bool:
        """Whether the scorer has committed all that was sent."""
        self._insist()
        found = re.search(r"^roompulse_events_total (\S+)$", self._get("/metrics") or "", re.MULTILINE)
        return found is not None and float(found[1]) >= self._sent

    def account(self) -> Account:
        """Stop the scorer."""
        self._score.stop()
        told = self._score.summary()
        return Account(
            self._sent,
            told["forecasts_out"],
            told["late"],
            told["duplicate"],
            told["dead_letters"],
            told["delay_p50_s"],
            told["delay_p99_s"],
        )

    def _insist(self) -> None:
        for server in (self._broker, self._valkey):
            if server.pid is None:
                raise RoomPulseError(f"the embedded {server.name} has ended")
        if self._score.ended:
            raise RoomPulseError("roompulse score has ended before its time")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while self._get("/readyz") is None:
            self._insist()
            if time.monotonic() > deadline:
                raise RoomPulseError(f"roompulse score was not ready within {READY_TIMEOUT_S:g} s")
            time.sleep(0.05)

    def _get(self, path: str) -> str | None:
        """A page of the scorer; None while it does not answer, or says that it is not well."""
        try:
            with urllib.request.urlopen(self._server + path, timeout=LOCAL_TIMEOUT_S) as page:  # nosec B310: our own
                return str(page.read().decode())
        except (urllib.error.URLError, OSError):
            return None


class MemoryPipeline:
    """The same scorer as `roompulse backtest` at the same pace, over a simulated file. Ends by itself in any case."""

    metrics: str | None = None

    def __init__(self, stack: ExitStack, folder: Path, plan: Plan, say: Callable[[str], None]) -> None:
        self.labels = folder / "labels.csv"
        history, results = folder / "rooms.csv", folder / "results"
        say("simulating the rooms")
        minutes = plan.minutes or OPEN_ENDED_IN_MEMORY_MINUTES
        arguments = plan.simulate_arguments(minutes, self.labels)
        with Child(folder, "simulate", f"--out={history}", *arguments) as simulate:
            while not simulate.ended:
                time.sleep(0.05)
            self._sent = int(simulate.summary()["rows_written"])
        say("starting the scorer")
        self._backtest = stack.enter_context(
            Child(
                folder, "backtest", str(history), "--order=file", f"--speed={plan.speed:g}", f"--out={results}",
                "--no-clock", "--json",
            )
        )  # fmt: skip
        self.feed: Feed = FolderFeed(results, history)
        stack.callback(self.feed.close)

    def input_over(self) -> bool:
        """Whether the file has been scored."""
        return self._backtest.ended

    def end_input(self) -> None:
        """Give up scoring."""
        self._complete = self._backtest.ended
        self._backtest.stop()

    def scored(self) -> bool:
        """Whether there is nothing under way."""
        return True

    def account(self) -> Account:
        """What the backtest says of itself; only a whole one knows."""
        if not self._complete:
            return Account(None, 0, 0, 0, 0, None, None)
        told = self._backtest.summary()
        return Account(
            self._sent, told["forecasts_out"], told["late"], told["duplicate"], told["dead_letters"], None, None
        )
