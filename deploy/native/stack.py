"""All processes of a native stack: started in order, started again after they ended, ended together."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deploy.native import commands, servers
from deploy.native.apache_kafka import ApacheKafka
from roompulse.errors import RoomPulseError
from roompulse.local_server import LocalServer, free_port

NAMES = ("kafka", "redis", "alertmanager", "scorer-1", "scorer-2", "notify", "prometheus", "producer")
WITHOUT_PORT = "producer"


class Stack:
    """To be used as a context: entering starts everything, leaving ends it and removes all its data."""

    def __init__(self, ports: Mapping[str, int], times: float, say: Callable[[str], None]) -> None:
        """`ports` by name, a free one where none is named; rules and scrapes wait 1/`times` of what they say.

        Raises RoomPulseError.
        """
        self._say = say
        kafka, redis, alertmanager = ApacheKafka(), servers.redis(), servers.alertmanager(times)
        scorers = [
            commands.scorer(name, lambda: kafka.address, lambda: redis.address) for name in ("scorer-1", "scorer-2")
        ]
        notify = commands.notify(lambda: kafka.address, lambda: alertmanager.address)
        # Prometheus is told where everybody is before all are started, so these ports are chosen now.
        watched = (*scorers, notify, alertmanager)
        for server in watched:
            server.port = ports.get(server.name) or free_port()
        targets = {
            "roompulse-scorer": [scorer.address for scorer in scorers],
            "roompulse-notify": [notify.address],
            "alertmanager": [alertmanager.address],
        }
        prometheus = servers.prometheus(targets, [alertmanager.address], times)
        for server in (kafka, redis, prometheus):
            server.port = ports.get(server.name, 0)
        self._waves: Sequence[Sequence[LocalServer]] = (
            (kafka, redis, alertmanager),
            (*scorers, notify, prometheus),
            (commands.producer(lambda: kafka.address),),
        )
        self._servers = {server.name: server for wave in self._waves for server in wave}
        self._told: set[str] = set()

    def __enter__(self) -> Self:
        try:
            services, *others = self._waves
            self._start(services)
            commands.create_topics(self._servers["kafka"].address)
            for wave in others:
                self._start(wave)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ended(self) -> list[str]:
        """The processes that do not run now; each is said once."""
        gone = [name for name, server in self._servers.items() if server.pid is None]
        for name in gone:
            if name not in self._told:
                self._say(f"{name} has ended; its log: {self._servers[name].log}")
        self._told = set(gone)
        return gone

    def start_again(self) -> None:
        """Start what has ended, in order, each with its port and data as they were; says what does not start."""
        for wave in self._waves:
            for server in wave:
                if server.pid is None:
                    # Tidies up after the old process first; its guard would take the folder with it.
                    server.kill()
                    try:
                        server.start()
                    except RoomPulseError as error:
                        self._say(str(error))
                    else:
                        self._say(f"{server.name} runs again")

    def state(self) -> dict[str, Any]:
        """Process ids (None where ended), ports, addresses and log files by name."""
        return {
            "pid": os.getpid(),
            "processes": {
                name: {
                    "pid": server.pid,
                    "port": None if name == WITHOUT_PORT else server.port,
                    "address": None if name == WITHOUT_PORT else server.address,
                    "log": str(server.log),
                }
                for name, server in self._servers.items()
            },
        }

    def close(self) -> None:
        """End everything at once; what it would still write would be thrown away."""
        for wave in reversed(self._waves):
            for server in wave:
                server.close()

    def _start(self, wave: Sequence[LocalServer]) -> None:
        with ThreadPoolExecutor(len(wave)) as starting:
            for started in [starting.submit(server.start) for server in wave]:
                started.result()


def write_state(file: Path, state: Mapping[str, Any]) -> None:
    """Replace the file as a whole, so that a reader never meets half of it."""
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
    fresh.replace(file)
