"""The servers of a trial: a Kafka with a second way in, a Redis that loses its last second and fills up."""

from __future__ import annotations

import resource
import shutil
import threading
import time
from collections import deque

from roompulse.embedded import redis_answers, redis_command
from roompulse.local_server import LOOPBACK, LocalServer, free_port
from tests.chaos.network import Network, as_they_come, kafka_requests
from tests.require import require
from tests.services.kafka import Kafka
from tests.services.redis import crash_and_lose, written_bytes

_LISTENERS = """
listeners=PLAINTEXT://{host}:{port},ROUGH://{host}:{rough},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port},ROUGH://{host}:{network}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,ROUGH:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.bootstrap.servers={host}:{controller}
"""
SAMPLE_S = 0.05
LOST_S = 1.0


class RoughKafka(Kafka):
    """One broker with two listeners: `address`, and `rough_address` through `network`, which it advertises there."""

    def __init__(self) -> None:
        port, rough, controller = free_port(), free_port(), free_port()
        self.network = Network(rough, kafka_requests)
        ports = {"port": port, "rough": rough, "controller": controller, "network": self.network.port}
        super().__init__(properties=_LISTENERS.format(host=LOOPBACK, **ports))
        self.port = port
        self.lock = threading.RLock()
        """Whoever stops or starts the broker holds it."""

    @property
    def rough_address(self) -> str:
        """For whoever shall go through the network."""
        return f"{LOOPBACK}:{self.network.port}"

    def close(self) -> None:
        """End broker and network."""
        super().close()
        self.network.close()


class RoughRedis(LocalServer):
    """A Redis with its append-only file, behind a network of its own. It can lose its last second, and its disk can
    be full.

    The file's length is looked at all the time: a length seen by then lies between two writes of the server, so a cut
    there keeps whole commands. A full disk is a limit on the length of files that the process may write, which needs no
    right and no file system of its own: a write beyond it fails as one on a full disk does (the signal that would
    otherwise end the process is ignored), Redis takes the half-written commands back and answers MISCONF.
    """

    def __init__(self) -> None:
        binary = shutil.which("redis-server")
        require("redis-server", binary is not None, "apt-get install redis-server")
        ignoring = ["/bin/sh", "-c", 'trap "" XFSZ; exec "$@"', "redis"]
        super().__init__(
            "redis", lambda port, folder: [*ignoring, *redis_command(str(binary), port, folder)], redis_answers
        )
        self.lock = threading.RLock()
        """Whoever stops or starts the server holds it."""
        self._lengths: deque[tuple[float, int]] = deque(maxlen=int(60 / SAMPLE_S))
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)
        self.network: Network

    def start(self) -> None:
        """Start, and look at the file from the first time on."""
        first = not self.port
        super().start()
        if first:
            self.network = Network(self.port, as_they_come)
            self._looking.start()

    @property
    def rough_url(self) -> str:
        """Through the network."""
        return f"redis://{LOOPBACK}:{self.network.port}/0"

    def lose_a_second(self) -> int:
        """SIGKILL; what was written in about the last second is gone; start again. Returns the bytes lost."""
        with self.lock:
            kept = self._length_before(LOST_S)
            lost = written_bytes(self) - kept
            crash_and_lose(self, kept)
            self._lengths.clear()
        return lost

    def fill_disk(self) -> None:
        """From now on no file grows."""
        self._limit_files(written_bytes(self))

    def free_disk(self) -> None:
        """Undo `fill_disk`."""
        self._limit_files(resource.RLIM_INFINITY)

    def close(self) -> None:
        """End server and network."""
        self._over.set()
        self._looking.join()
        super().close()
        self.network.close()

    def _limit_files(self, length: int) -> None:
        pid = self.pid
        if pid is not None:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (length, resource.RLIM_INFINITY))

    def _look(self) -> None:
        while not self._over.wait(SAMPLE_S):
            self._lengths.append((time.monotonic(), written_bytes(self)))

    def _length_before(self, seconds: float) -> int:
        now = time.monotonic()
        seen = [length for when, length in list(self._lengths) if when <= now - seconds]
        return seen[-1] if seen else 0
