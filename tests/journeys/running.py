"""A scorer that runs until it is told to stop: its HTTP port, its log, and how it ended."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

START_S = 45
WORK_S = 60
STOP_S = 20


class RunningScorer:
    """One scorer process, to be used as a context; leaving it kills what has not ended by then."""

    def __init__(self, command: Sequence[str], folder: Path, port: int = 0) -> None:
        """`command` is that of `Live.score_command`; `port` is its metrics port where the log will not say it."""
        folder.mkdir(parents=True, exist_ok=True)
        self._out, self._err = folder / "stdout", folder / "stderr"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen([*command, "--json"], stdout=out, stderr=err)
        self._port = port

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        """What it said on standard error so far."""
        return self._err.read_text(encoding="utf-8", errors="replace")

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page of its HTTP port."""
        try:
            with urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name: str) -> dict[str, float]:
        """A metric's samples by their label values."""
        families = text_string_to_metric_families(self.get("/metrics")[1])
        return {
            ",".join(sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
            if sample.name == name
        }

    def until(self, what: str, holds: Callable[[], bool], within_s: float = WORK_S) -> None:
        """Wait until something holds; it fails where the process ends first."""
        deadline = time.monotonic() + within_s
        while True:
            with contextlib.suppress(OSError):  # its HTTP port is not open yet, or not any more
                if holds():
                    return
            assert self.process.poll() is None, f"{what}: the scorer ended with {self.process.returncode}:\n{self.log}"
            assert time.monotonic() < deadline, f"{what}: not within {within_s} s:\n{self.log}"
            time.sleep(0.05)

    def until_ready(self) -> None:
        """Wait until it serves partitions."""
        self.until("start", lambda: re.search(r"metrics on http://\S+:(\d+)/metrics", self.log) is not None, START_S)
        found = re.search(r"metrics on http://\S+:(\d+)/metrics", self.log)
        self._port = int(found[1]) if found else 0
        self.until("ready", lambda: self.get("/readyz")[0] == 200, START_S)

    def until_events(self, count: int) -> None:
        """Wait until so many room-minutes are committed."""
        self.until(f"{count} events", lambda: sum(self.metric("roompulse_events_total").values()) >= count)

    def ended(self, within_s: float = STOP_S) -> int:
        """Wait for the end; the exit code."""
        return self.process.wait(within_s)

    def stop(self, number: int = signal.SIGTERM) -> dict[str, Any]:
        """Stop it cleanly; its summary."""
        self.process.send_signal(number)
        assert self.ended() == 0, self.log
        assert "Traceback" not in self.log
        return self.summary()

    def summary(self) -> dict[str, Any]:
        """What it printed at its end."""
        found: dict[str, Any] = json.loads(self._out.read_text(encoding="utf-8").splitlines()[-1])
        return found
