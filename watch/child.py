"""One of our own commands as a process of its own, which ends when we do, however we end.

A guard holds the other end of a pipe, as for the servers of roompulse.local_server: when we are gone, SIGKILL included,
the pipe closes and the guard kills what it was given.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from roompulse.errors import RoomPulseError
from roompulse.settings import PREFIX

STOP_TIMEOUT_S = 15.0
TAIL_LINES = 8
STOPPED = (0, 128 + signal.SIGINT, 128 + signal.SIGTERM)
"""Exit codes of a command that ended as it should, by itself or because it was asked to."""

# A line on standard input dismisses the guard; the end of the file means that we are gone.
_GUARD_PROCESS = 'read -r _ && exit 0; kill -9 "$1" 2>/dev/null'
_GUARD_FOLDER = 'read -r _ && exit 0; sleep 0.5; rm -rf -- "$1"'


class Guard:
    """Does one thing should this process vanish: kill a process, or remove a folder."""

    def __init__(self, script: str, argument: str) -> None:
        # A session of its own: neither Ctrl-C nor a closed terminal is meant for it.
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", script, "guard", argument],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """There is nothing to guard any more."""
        self._shell.communicate(b"done\n")


class Child:
    """`roompulse NAME ...` running beside us; leaving the context ends it. Its words go to files in `folder`."""

    def __init__(self, folder: Path, name: str, *arguments: str) -> None:
        self.name = name
        self._out, self._log = folder / f"{name}.out", folder / f"{name}.log"
        # What the user's environment says about other installations is not for this one.
        environment = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
        # onnxruntime reports to its maker, and leaves a file in the temporary folder, unless it is told not to.
        environment["ORT_DISABLE_TELEMETRY"] = "1"
        with self._out.open("wb") as out, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "roompulse", name, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        self._guard: Guard | None = Guard(_GUARD_PROCESS, str(self._process.pid))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it ended as it should. Raises RoomPulseError with the end of its log where it failed."""
        code = self._process.poll()
        if code is not None and code not in STOPPED:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            raise RoomPulseError(f"roompulse {self.name} {how}{tail_of(self._log)}")
        return code is not None

    def stop(self) -> bool:
        """Ask it to end, and wait. Returns whether it came to its own end, with a summary, rather than was cut off.

        Raises RoomPulseError where it fails or takes too long.
        """
        if self.ended:
            return True
        self._process.terminate()
        try:
            code = self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise RoomPulseError(f"roompulse {self.name} did not stop{tail_of(self._log)}") from None
        # A command that has no clean stop, or is not far enough for it yet, just ends.
        return code != -signal.SIGTERM and self.ended

    def summary(self) -> dict[str, Any]:
        """What it printed as the last line of its output. Raises RoomPulseError where that is no summary."""
        lines = self._out.read_text(encoding="utf-8", errors="replace").splitlines()
        try:
            found = json.loads(lines[-1] if lines else "")
        except ValueError:
            raise RoomPulseError(f"roompulse {self.name} ended without a summary{tail_of(self._log)}") from None
        return dict(found)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None


class GuardedFolder:
    """A folder that is removed on leaving, and by its guard if this process vanishes; with `keep` it stays."""

    def __init__(self, path: Path, *, keep: bool) -> None:
        self.path = path
        self._guard = None if keep else Guard(_GUARD_FOLDER, str(path))

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._guard is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            self._guard.dismiss()


def tail_of(log: Path) -> str:
    """The last lines of a log, each on a line of its own behind a bar; empty where there is none."""
    said = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return "".join(f"\n  | {line}" for line in said[-TAIL_LINES:])
