"""A real Prometheus for tests, with whatever configuration a test gives it."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from roompulse.local_server import LOOPBACK, LocalServer
from tests.require import require

HOW_TO_INSTALL = "apt-get install prometheus"


def promtool() -> str:
    """The path of promtool; skips the test where there is none."""
    binary = shutil.which("promtool")
    require("promtool", binary is not None, HOW_TO_INSTALL)
    return str(binary)


class Prometheus(LocalServer):
    """Debian's prometheus, its storage in a temporary folder."""

    def __init__(self, write_config: Callable[[Path], Path]) -> None:
        """`write_config` puts configuration and rules into the server's folder and returns the configuration's path."""
        binary = shutil.which("prometheus")
        require("prometheus", binary is not None, HOW_TO_INSTALL)

        def command(port: int, folder: Path) -> list[str]:
            listen = f"--web.listen-address={LOOPBACK}:{port}"
            storage = f"--storage.tsdb.path={folder / 'tsdb'}"
            config = f"--config.file={write_config(folder)}"
            # In its first seconds it knows no Alertmanager, and what fires then is told again after a minute unless:
            again = "--rules.alert.resend-delay=2s"
            return [str(binary), config, storage, listen, again, "--web.enable-lifecycle"]

        super().__init__("prometheus", command, lambda port: answers_ready(port, "/-/ready"))

    def api(self, path: str, **parameters: str) -> Any:
        """What `/api/v1/PATH` answers under `data`. Raises AssertionError with Prometheus's own words."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from None

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an instant query gives now."""
        found: list[dict[str, Any]] = self.api("query", query=expression)["result"]
        return found

    def firing(self) -> set[str]:
        """Names of the alerting rules that fire now."""
        return {alert["labels"]["alertname"] for alert in self.api("alerts")["alerts"] if alert["state"] == "firing"}


def answers_ready(port: int, path: str) -> bool:
    """Whether a server says that it is ready."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False
