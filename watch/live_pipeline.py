"""The demo on embedded servers: a broker, a Valkey, `roompulse score`, `simulate` and `board`, five processes."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from roompulse.embedded import EmbeddedBroker, EmbeddedValkey
from roompulse.errors import RoomPulseError
from roompulse.kafka_topics import ensure_topics
from roompulse.local_server import LOOPBACK, LocalServer
from roompulse.settings import Settings
from roompulse.topics import Topics
from watch.child import Child, tail_of
from watch.demo_board import DemoBoard
from watch.feed import ALERTS, FORECASTS, HOTLIST, MINUTES, Feed
from watch.kafka_feed import EARLIEST, KafkaFeed
from watch.pipeline import Account, Plan

READY_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 2.0


class LivePipeline:
    """Starts everything in order; leaving `stack` ends it. `insist` is called while waiting, and may raise."""

    def __init__(
        self, stack: ExitStack, folder: Path, plan: Plan, say: Callable[[str], None], insist: Callable[[], None]
    ) -> None:
        self.labels = folder / "labels.csv"
        say("starting a broker and a Valkey")
        self._broker, self._valkey = EmbeddedBroker(), EmbeddedValkey()
        self._servers: tuple[LocalServer, ...] = (self._broker, self._valkey)
        for server in self._servers:
            stack.callback(server.close)
        with ThreadPoolExecutor(len(self._servers)) as starting:
            for started in [starting.submit(server.start) for server in self._servers]:
                started.result()
        insist()
        say("starting the scorer")
        broker = f"--bootstrap-servers={self._broker.address}"
        self._score = stack.enter_context(
            Child(
                folder, "score", broker, f"--redis-url={self._valkey.url}", f"--metrics-port={plan.metrics_port}",
                "--instance-id=demo", "--json",
            )
        )  # fmt: skip
        self._server = f"http://{LOOPBACK}:{plan.metrics_port}"
        self.metrics: str | None = f"{self._server}/metrics"
        settings, topics = Settings(bootstrap_servers=self._broker.address), Topics()
        ensure_topics(settings, topics)
        self.board: str | None = None
        # It loads while the scorer gets ready.
        self._demo_board = DemoBoard(stack, folder, self._broker.address, plan.board_port, say)
        names = {
            MINUTES: topics.minutes,
            FORECASTS: topics.forecasts,
            ALERTS: topics.alerts,
            HOTLIST: topics.hotlist,
        }
        self.feed: Feed = KafkaFeed(settings, names, EARLIEST)
        stack.callback(self.feed.close)
        self._wait_until_ready(insist)
        self.board = self._demo_board.wait(insist)
        say("starting the rooms")
        arguments = plan.simulate_arguments(plan.minutes or 0, self.labels)
        self._simulate = stack.enter_context(
            # No clocks at the end: the demo stops looking, the rooms do not stop streaming.
            Child(folder, "simulate", broker, f"--speed={plan.speed:g}", "--no-clock", *arguments)
        )
        self._sent: int | None = 0

    def input_over(self) -> bool:
        """Whether all events have been sent."""
        self._insist()
        return self._simulate.ended

    def end_input(self) -> None:
        """Send no more."""
        # Cut off while it was starting, it cannot say how much it sent.
        self._sent = int(self._simulate.summary()["events_sent"]) if self._simulate.stop() else None

    def scored(self) -> bool:
        """Whether the scorer has committed all that was sent."""
        self._insist()
        if self._sent is None:
            return True
        found = re.search(r"^roompulse_events_total (\S+)$", self._get("/metrics") or "", re.MULTILINE)
        return found is not None and float(found[1]) >= self._sent

    def account(self) -> Account:
        """Stop the scorer, and take its count."""
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
        """Raises RoomPulseError unless everything runs that must; the board need not."""
        for server in self._servers:
            if server.pid is None:
                raise RoomPulseError(f"the embedded {server.name} has ended{tail_of(server.log)}")
        if self._score.ended:
            raise RoomPulseError("roompulse score has ended before its time")
        if self.board is not None and self._demo_board.ended():
            self.board = None

    def _wait_until_ready(self, insist: Callable[[], None]) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while self._get("/readyz") is None:
            insist()
            self._insist()
            if time.monotonic() > deadline:
                raise RoomPulseError(f"roompulse score was not ready within {READY_TIMEOUT_S:g} s")
            time.sleep(0.05)

    def _get(self, path: str) -> str | None:
        """A page of the scorer; None while it does not answer, or says that it is not well."""
        try:
            # The address is our own, on this machine.
            with urllib.request.urlopen(self._server + path, timeout=ANSWER_TIMEOUT_S) as page:  # nosec B310
                return str(page.read().decode())
        except OSError:
            return None
