"""A real Redis for tests, and what a test does to one: crash it, take its last writes away, look into it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from roompulse.embedded import redis_answers, redis_command
from roompulse.local_server import LocalServer
from tests.require import require


class RedisServer(LocalServer):
    """Debian's redis-server, append-only file on. Started again, it has its port and its data as they were."""

    def __init__(self) -> None:
        binary = shutil.which("redis-server")
        require("redis-server", binary is not None, "apt-get install redis-server")
        super().__init__("redis", lambda port, folder: redis_command(str(binary), port, folder), redis_answers)

    @property
    def url(self) -> str:
        """Fit for `--redis-url`."""
        return f"redis://{self.address}/0"


def written_bytes(server: LocalServer) -> int:
    """How much the append-only file holds by now."""
    return sum(path.stat().st_size for path in _append_only_files(server))


def crash_and_lose(server: LocalServer, kept_bytes: int) -> None:
    """Kill the server, cut its append-only file to `kept_bytes`, as a power cut would, and start it again."""
    server.kill()
    (path,) = _append_only_files(server)
    with path.open("ab") as file:
        file.truncate(kept_bytes)
    server.start()


def backup(client: Any) -> dict[bytes, bytes]:
    """Every key with its value, to be given to `restore`."""
    return {key: client.dump(key) for key in client.keys("*")}


def restore(client: Any, keys: dict[bytes, bytes]) -> None:
    """Make the server hold what it held at a `backup`; nothing where that is empty."""
    with client.pipeline(transaction=True) as pipeline:
        pipeline.flushall()
        for key, value in keys.items():
            pipeline.restore(key, 0, value)
        pipeline.execute()


def _append_only_files(server: LocalServer) -> list[Path]:
    return list((server.folder / "appendonlydir").glob("*.incr.aof"))
