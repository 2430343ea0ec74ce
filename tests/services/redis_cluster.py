"""A real Redis Cluster on 127.0.0.1: three masters that share the slots, and a replica of the first."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from roompulse.embedded import redis_answers, redis_command
from roompulse.local_server import LOOPBACK, LocalServer, free_port
from tests.require import require

SLOTS = 16_384
PATIENCE_S = 90.0


class ClusterNode(LocalServer):
    """One node, with its cluster bus on a free port too."""

    def __init__(self) -> None:
        binary = shutil.which("redis-server")
        require("redis-server", binary is not None, "apt-get install redis-server")
        self.bus = free_port()
        options = {
            "cluster-enabled": "yes",
            "cluster-config-file": "nodes.conf",
            "cluster-node-timeout": "2000",
            "cluster-port": str(self.bus),
            "cluster-replica-validity-factor": "0",
            "repl-diskless-sync-delay": "0",
        }
        more = [part for name, value in options.items() for part in (f"--{name}", value)]

        def command(port: int, folder: Path) -> list[str]:
            return [*redis_command(str(binary), port, folder), *more]

        super().__init__("redis", command, redis_answers)

    @property
    def client(self) -> Any:
        """A client of this node alone, which may have been started a moment ago."""
        return redis.Redis(port=self.port, protocol=2, retry=Retry(ConstantBackoff(0.2), 50))

    def ask(self, *words: object) -> Any:
        """The answer to a command."""
        with self.client as client:
            return client.execute_command(*words)

    @property
    def id(self) -> str:
        """The node's own name."""
        return str(self.ask("CLUSTER", "MYID").decode())


class Cluster:
    """To be used as a context."""

    def __init__(self) -> None:
        self.masters = [ClusterNode() for _ in range(3)]
        self.replica = ClusterNode()
        self._stack = ExitStack()

    @property
    def nodes(self) -> list[ClusterNode]:
        """All of them."""
        return [*self.masters, self.replica]

    @property
    def url(self) -> str:
        """Fit for `--redis-url` with `--redis-cluster`: the last master."""
        return f"redis://{self.masters[-1].address}"

    def __enter__(self) -> Self:
        try:
            for node in self.nodes:
                self._stack.enter_context(node)
            self._join()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def node_of(self, slot: int) -> ClusterNode:
        """The node that holds a slot now."""
        for first, last, (_, port, *_), *_ in self.masters[-1].ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise AssertionError(f"nobody holds slot {slot}")

    def wait_until_ok(self) -> None:
        """Until every node that runs sees the whole cluster in order."""
        running = [node for node in self.nodes if node.pid is not None]
        wait_until(lambda: all(b"cluster_state:ok" in node.ask("CLUSTER", "INFO") for node in running))

    def _join(self) -> None:
        for number, node in enumerate(self.masters):
            first, last = number * SLOTS // 3, (number + 1) * SLOTS // 3 - 1
            node.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
            node.ask("CONFIG", "SET", "save", "")
        for node in self.nodes[1:]:
            node.ask("CLUSTER", "MEET", LOOPBACK, self.masters[0].port, self.masters[0].bus)
        count = len(self.nodes)
        wait_until(lambda: all(len(node.ask("CLUSTER", "NODES").splitlines()) == count for node in self.nodes))
        self.replica.ask("CLUSTER", "REPLICATE", self.masters[0].id)
        self.wait_until_ok()
        wait_until(lambda: self.replica.ask("INFO", "replication").get("master_link_status") == "up")


def wait_until(holds: Any) -> None:
    """Wait for a condition; a node that does not answer just now does not fulfil it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            if holds():
                return
        except redis.RedisError:
            pass
        assert time.monotonic() < deadline, f"not within {PATIENCE_S:g} s"
        time.sleep(0.05)
