"""A process that a bench starts and measures: it is named, ends with the bench, and its last line may be JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from roompulse.errors import RoomPulseError

STOP_S = 120.0
"""A scorer that is told to stop saves what it has not saved."""


class Worker:
    """`python -m module arguments`, to be used as a context; what still runs at its end is killed.

    `python` may be that of another environment.
    """

    def __init__(self, name: str, arguments: Sequence[str], *, python: str = sys.executable) -> None:
        self.name = name
        self._output = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - closed with the context
        # One thread for numpy's libraries, as a process scales by processes.
        whole = os.environ | {"OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen([python, *arguments], stdout=self._output, stdin=subprocess.DEVNULL, env=whole)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def check(self) -> None:
        """Raises RoomPulseError where the process has ended although nobody told it to."""
        if self._process.poll() is not None:
            raise RoomPulseError(f"{self.name} ended with {self._process.returncode}")

    def stop(self) -> dict[str, Any]:
        """End it by SIGTERM; returns what `finish` does."""
        self._process.terminate()
        return self.finish(STOP_S)

    def finish(self, timeout_s: float) -> dict[str, Any]:
        """Wait for its end; returns the JSON object on its last line, empty where it printed nothing.

        Raises RoomPulseError where it failed or takes too long.
        """
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise RoomPulseError(f"{self.name} did not end within {timeout_s:g} s") from error
        if code != 0:
            raise RoomPulseError(f"{self.name} ended with {code}")
        self._output.seek(0)
        lines = self._output.read().splitlines()
        found: dict[str, Any] = json.loads(lines[-1]) if lines else {}
        return found

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.kill()
        self._output.close()
