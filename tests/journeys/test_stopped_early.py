"""A process that is told to stop while a server that accepts and never answers lets it wait ends at once, with 0."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from roompulse.embedded import EmbeddedValkey

FOR_EVER = ("--connect-timeout-s", "100000", "--metrics-port", "0", "--json")
WAIT_S = 120.0


class SilentServer:
    """Takes every connection, reads what is sent, and says nothing."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self.spoken_to = threading.Event()
        self._links: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._socket.accept()
            except OSError:
                return
            self._links.append(link)
            if link.recv(1):
                self.spoken_to.set()

    def close(self) -> None:
        """Hang up."""
        for link in (self._socket, *self._links):
            link.close()


@pytest.fixture
def silent() -> Iterator[SilentServer]:
    """A server that never answers."""
    server = SilentServer()
    yield server
    server.close()


def told_to_stop(command: Sequence[str], server: SilentServer, number: signal.Signals, folder: Path) -> tuple[str, str]:
    """Start, stop once the server has been spoken to; gives what was said on standard output and error."""
    out, err = folder / "out", folder / "err"
    with out.open("wb") as to_out, err.open("wb") as to_err:
        process = subprocess.Popen(
            [sys.executable, "-m", "roompulse", *command, *FOR_EVER],
            stdout=to_out,
            stderr=to_err,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    try:
        assert server.spoken_to.wait(WAIT_S), err.read_text()
        process.send_signal(number)
        assert process.wait(WAIT_S) == 0, err.read_text()
    finally:
        process.kill()
        process.wait()
    return out.read_text(), err.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_scorer_that_waits_for_redis_ends_at_once(
    silent: SilentServer, tmp_path: Path, number: signal.Signals
) -> None:
    """Exit code 0 and the summary of nothing, as where it had been connected."""
    out, err = told_to_stop(["score", "--redis-url", f"redis://127.0.0.1:{silent.port}/0"], silent, number, tmp_path)
    assert json.loads(out)["events_in"] == 0
    assert "told to stop while connecting" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("client", ["kafka-python", "confluent"])
def test_a_scorer_that_waits_for_kafka_ends_at_once(
    silent: SilentServer, valkey: EmbeddedValkey, tmp_path: Path, client: str
) -> None:
    """The same where Redis is there, with either client."""
    places = ("--redis-url", valkey.url, "--bootstrap-servers", f"127.0.0.1:{silent.port}", "--client", client)
    out, err = told_to_stop(["score", *places], silent, signal.SIGTERM, tmp_path)
    assert json.loads(out)["events_in"] == 0
    assert "told to stop while connecting" in err
    assert "Traceback" not in err


def test_notify_that_waits_for_kafka_ends_at_once(silent: SilentServer, tmp_path: Path) -> None:
    """It posts what it finds until it is told to stop, and found nothing."""
    places = ("--bootstrap-servers", f"127.0.0.1:{silent.port}", "--alertmanager-url", "http://127.0.0.1:9")
    out, err = told_to_stop(["notify", *places], silent, signal.SIGTERM, tmp_path)
    assert json.loads(out)["failed"] == 0
    assert "told to stop while connecting" in err
    assert "Traceback" not in err
