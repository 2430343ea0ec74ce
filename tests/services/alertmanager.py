"""A real Alertmanager for tests."""

from __future__ import annotations

import json
import shutil
import urllib.request
from pathlib import Path
from typing import Any

from roompulse.local_server import LOOPBACK, LocalServer
from tests.require import require
from tests.services.prometheus import answers_ready


class Alertmanager(LocalServer):
    """Debian's prometheus-alertmanager with the given configuration, on its own: no cluster."""

    def __init__(self, config: Path) -> None:
        binary = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        require("Alertmanager", binary is not None, "apt-get install prometheus-alertmanager")

        def command(port: int, folder: Path) -> list[str]:
            listen = f"--web.listen-address={LOOPBACK}:{port}"
            storage = f"--storage.path={folder / 'data'}"
            return [str(binary), f"--config.file={config}", storage, listen, "--cluster.listen-address="]

        super().__init__("alertmanager", command, lambda port: answers_ready(port, "/-/ready"))

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://{self.address}"

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert that it holds as active, inhibited and silenced ones too, as its v2 API gives them."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=10) as response:
            found: list[dict[str, Any]] = json.load(response)
        return found
