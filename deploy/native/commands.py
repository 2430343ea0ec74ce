"""RoomPulse's own commands as the stack runs them; a test holds them and docker-compose.yml together."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.native.servers import answers
from roompulse.errors import RoomPulseError
from roompulse.local_server import LOOPBACK, LocalServer

PARTITIONS = 4
ROOMS = 300
PRODUCER = (
    "simulate", "--minutes", "0", "--start", "now", "--head-start", "60", "--speed", "1", "--spread", "--continuous",
    "--rooms", str(ROOMS), "--typical-size", "100", "--surges-per-room-hour", "0.2", "--slumps-per-room-hour", "0.05",
)  # fmt: skip
"""Rooms that go on for ever at real time; the hour before now comes at once, so that forecasts and alerts are warm."""

START_TIMEOUT_S = 60.0
TOPICS_TIMEOUT_S = 60.0

Address = Callable[[], str]
"""Where another server is; known once that has been started."""


def create_topics(broker: str) -> None:
    """Create what is missing. Raises RoomPulseError with the command's own words."""
    command = _roompulse("topics", "create", "--partitions", str(PARTITIONS), "--bootstrap-servers", broker)
    done = subprocess.run(command, capture_output=True, text=True, timeout=TOPICS_TIMEOUT_S, check=False)
    if done.returncode:
        raise RoomPulseError(f"the topics could not be created:\n{done.stdout}{done.stderr}")


def producer(broker: Address) -> LocalServer:
    """Simulated rooms onto the topic. It has no port to be asked on: that it runs has to do."""
    return LocalServer(
        "producer", lambda port, folder: _roompulse(*PRODUCER, "--bootstrap-servers", broker()), lambda port: True
    )


def scorer(name: str, broker: Address, redis: Address) -> LocalServer:
    """One scorer; `name` is its stable name, and so its transactional id."""

    def command(port: int, folder: Path) -> Sequence[str]:
        return _roompulse(
            *score(name), "--bootstrap-servers", broker(), "--redis-url", f"redis://{redis()}/0",
            "--metrics-host", LOOPBACK, "--metrics-port", str(port),
        )  # fmt: skip

    return LocalServer(name, command, _healthy, start_timeout_s=START_TIMEOUT_S)


def score(name: str) -> tuple[str, ...]:
    """A scorer's command, without the addresses, which a container gets from its environment."""
    return ("score", "--instance-id", name, "--drift")


def notify(broker: Address, alertmanager: Address) -> LocalServer:
    """The forwarding of alerts to Alertmanager."""

    def command(port: int, folder: Path) -> Sequence[str]:
        return _roompulse(
            "notify", "--watchdog", "--alertmanager-url", f"http://{alertmanager()}", "--bootstrap-servers", broker(),
            "--metrics-host", LOOPBACK, "--metrics-port", str(port),
        )  # fmt: skip

    return LocalServer("notify", command, _healthy, start_timeout_s=START_TIMEOUT_S)


def _healthy(port: int) -> bool:
    return answers(port, "/healthz")


def _roompulse(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "roompulse", *arguments]
