"""One scorer of a trial: a process that is started again whenever it ends, as a supervisor would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tests.require import ROOT

WATCH_S = 0.05
RESTART_S = 0.2
STOP_S = 60.0


class Member:
    """A scorer under one name. `folder` holds its log, of all its lives, and what arms its wires."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path) -> None:
        self.name, self.folder = name, folder
        self.superseded = False
        """Another process has its name: it has to end by itself."""
        self.arming = threading.Lock()
        """Held while one of its wires is armed: a second fault waits for the first."""
        self.ends: list[int] = []
        """How each life ended that it ended by itself: exit codes."""
        folder.mkdir(parents=True)
        self._command = [
            sys.executable, "-m", "tests.chaos.scorer", str(folder), *arguments, "--instance-id", name,
        ]  # fmt: skip
        self._lock = threading.RLock()
        self._wanted = True
        self._start()
        threading.Thread(target=self._supervise, daemon=True).start()

    @property
    def log(self) -> str:
        """What it said in all its lives."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    @property
    def lives(self) -> bool:
        """Whether its process is there, stopped ones included."""
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL; the supervisor starts it again."""
        self._send(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._send(signal.SIGCONT)

    def dismiss(self) -> None:
        """Do not start it again when it ends."""
        with self._lock:
            self._wanted = False

    def stop(self) -> int | None:
        """SIGTERM, and wait for the end: the exit code, None where it did not end in time and was killed."""
        self.dismiss()
        self.thaw()
        self._send(signal.SIGTERM)
        try:
            return self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._send(signal.SIGABRT)  # faulthandler writes where it stands
            time.sleep(1)
            self._send(signal.SIGKILL)
            self._process.wait()
            return None

    def _start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=os.environ | {"PYTHONFAULTHANDLER": "1", "OMP_NUM_THREADS": "1"},
            )

    def _send(self, number: int) -> None:
        with self._lock:
            if self._process.poll() is None:
                self._process.send_signal(number)

    def _supervise(self) -> None:
        while self._wanted:
            time.sleep(WATCH_S)
            code = self._process.poll()
            if code is None:
                continue
            if code not in {-signal.SIGKILL, -signal.SIGTERM}:
                self.ends.append(code)
            time.sleep(RESTART_S)
            with self._lock:
                if self._wanted:
                    self._start()
