"""A server process of our own: in a temporary folder, on a free port of 127.0.0.1, gone when we are gone.

A guard process holds the other end of a pipe. However this process ends, SIGKILL included, the pipe closes; the guard
then kills the server and removes its folder. That needs nothing but a shell, so it works on Linux and macOS alike.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from roompulse.errors import RoomPulseError

LOOPBACK = "127.0.0.1"
PORT_TRIES = 3
STOP_TIMEOUT_S = 5.0
POLL_S = 0.02

# A line on standard input dismisses the guard; the end of the file means that our process is gone.
_GUARD = 'read -r _ && exit 0; kill -9 "$1" 2>/dev/null; sleep 0.2; rm -rf -- "$2"'


class LocalServer:
    """One server, started by `start` or by entering it as a context; `close` or leaving ends it and cleans up.

    `command` gives the arguments for a port and a folder, `answers` says whether the server on a port is ready.
    It may be stopped or killed and started again: it then finds its folder and its port as they were.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[int, Path], Sequence[str]],
        answers: Callable[[int], bool],
        *,
        start_timeout_s: float = 20.0,
    ) -> None:
        self.name = name
        self.port = 0
        self.folder = Path(tempfile.mkdtemp(prefix=f"roompulse-{name}-"))
        self._command = command
        self._answers = answers
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Host and port, fit for a client's list of servers."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it is not running."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def log(self) -> Path:
        """What the server printed."""
        return self.folder / "server.log"

    def start(self) -> None:
        """Start the server and wait until it answers. Does nothing while it runs.

        Raises RoomPulseError with the end of the server's log when it does not answer in time.
        """
        if self.pid is not None:
            return
        for ports_left in reversed(range(1 if self.port else PORT_TRIES)):
            port = self.port or free_port()
            problem = self._try(port)
            if problem is None:
                self.port = port
                return
            self.kill()
            if not ports_left:
                raise RoomPulseError(f"{self.name} did not start: {problem}{self._tail()}")

    def stop(self) -> None:
        """Let the server end by itself, and kill it where it takes too long."""
        if self.pid is not None and self._process is not None:
            self.thaw()
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self.kill()

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._dismiss_guard()

    def freeze(self) -> None:
        """Connections stay open and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo `freeze`."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """End the server and remove its folder: what it would still write would be thrown away."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _try(self, port: int) -> str | None:
        """Start on this port; says what went wrong, or None when it answers."""
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal is for us, and we stop the server when we are done with it.
            self._process = subprocess.Popen(
                self._command(port, self.folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(self._process.pid), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + self._start_timeout_s
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return f"it ended with exit code {self._process.returncode}"
            if self._answers(port):
                return None
            time.sleep(POLL_S)
        return f"no answer within {self._start_timeout_s:g} s"

    def _signal(self, number: int) -> None:
        pid = self.pid
        if pid is not None:
            os.kill(pid, number)

    def _dismiss_guard(self) -> None:
        if self._guard is not None:
            self._guard.communicate(b"done\n")
            self._guard = None

    def _tail(self, lines: int = 8) -> str:
        said = self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        # The loader's remark on a weak symbol is harmless and would only mislead.
        told = [line for line in said if "weak version" not in line][-lines:]
        return "".join(f"\n  | {line}" for line in told)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens now.

    Taken from below the range for outgoing connections: a client that keeps trying a port of that range while the
    server is down may be given it as its own port, and so occupy it, or even connect to itself.
    """
    for _ in range(1000):
        port = random.randint(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise RoomPulseError("found no free port on 127.0.0.1 between 15000 and 32000")
