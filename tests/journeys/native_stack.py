"""The native stack as somebody runs it: a process of its own, its state file, its signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deploy.native.missing import ALERTMANAGER_NAMES, java_fits, program
from tests.require import ROOT, require

START_S = 120
CHANGE_S = 120
STOP_S = 20


class NativeStack:
    """`python -m deploy.native`, its rules 60 times as fast; leaving the context ends it."""

    def __init__(self, folder: Path) -> None:
        require("Java 17", java_fits(), "apt-get install openjdk-17-jre-headless")
        require("Maven", shutil.which("mvn") is not None, "apt-get install maven")
        require("redis-server", shutil.which("redis-server") is not None, "apt-get install redis-server")
        require("Prometheus", shutil.which("prometheus") is not None, "apt-get install prometheus")
        found = program(*ALERTMANAGER_NAMES) is not None
        require("Alertmanager", found, "apt-get install prometheus-alertmanager")
        self.state_file = folder / "state.json"
        self._log, self._out = folder / "stack.log", folder / "stack.out"
        command = [sys.executable, "-m", "deploy.native", "--times", "60", "--state", str(self.state_file), "--json"]
        with self._log.open("wb") as log, self._out.open("wb") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=log)

    def __enter__(self) -> Self:
        try:
            self.until("start", self.state_file.exists, START_S)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    @property
    def processes(self) -> dict[str, dict[str, Any]]:
        """Process ids, ports, addresses and logs by name, as they are now."""
        found: dict[str, dict[str, Any]] = json.loads(self.state_file.read_text(encoding="utf-8"))["processes"]
        return found

    @property
    def printed(self) -> dict[str, dict[str, Any]]:
        """The same, as `--json` printed it once everything ran."""
        found: dict[str, dict[str, Any]] = json.loads(self._out.read_text(encoding="utf-8"))["processes"]
        return found

    def kill(self, *names: str) -> None:
        """End these processes as a crash would, and wait until the stack has seen it."""
        processes = self.processes
        for name in names:
            os.kill(processes[name]["pid"], signal.SIGKILL)
        self.until("killed", lambda: all(self.processes[name]["pid"] is None for name in names))

    def start_again(self) -> None:
        """Have everything that ended started again, and wait until it runs."""
        self.process.send_signal(signal.SIGUSR1)
        self.until("started again", lambda: all(process["pid"] for process in self.processes.values()))

    def end(self) -> int:
        """Stop it as Ctrl-C does; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOP_S)
        finally:
            self.process.kill()

    def firing(self) -> set[str]:
        """The rules that fire in Prometheus now; none where it does not answer."""
        alerts = self._get("prometheus", "/api/v1/alerts")
        found = alerts["data"]["alerts"] if alerts else []
        return {alert["labels"]["alertname"] for alert in found if alert["state"] == "firing"}

    def told(self) -> set[str]:
        """The alerts that Alertmanager holds as active now, by name."""
        return {alert["labels"]["alertname"] for alert in self._get("alertmanager", "/api/v2/alerts") or []}

    def has_told(self, rule: str) -> bool:
        """Whether a rule fires in Prometheus and Alertmanager has been told."""
        return rule in self.firing() & self.told()

    def until(self, what: str, holds: Callable[[], bool], within_s: float = CHANGE_S) -> None:
        """Wait until something holds; it fails where the stack ends first."""
        deadline = time.monotonic() + within_s
        while not holds():
            said = self._log.read_text(encoding="utf-8")
            assert self.process.poll() is None, f"{what}: the stack ended:\n{said}"
            assert time.monotonic() < deadline, f"{what}: not within {within_s} s; firing {self.firing()}:\n{said}"
            time.sleep(0.2)

    def _get(self, name: str, path: str) -> Any:
        url = f"http://{self.processes[name]['address']}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)
        except OSError:  # it is down: that is what these tests are about
            return None
