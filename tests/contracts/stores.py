"""The stores that a checkpoint can lie in, with what tests do to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import redis

from roompulse.local_server import LocalServer
from scorer.adapters.memory_checkpoint import MemoryCheckpoint, MemoryStore
from scorer.adapters.redis_checkpoint import RedisCheckpoint
from scorer.adapters.redis_place import RedisPlace
from scorer.ports import Checkpoint
from tests.services.redis import backup, restore
from tests.services.redis_cluster import Cluster


class Store(Protocol):
    """One place to keep checkpoints in."""

    def owner(self) -> Checkpoint:
        """Another process that uses this store."""

    def copy(self) -> Callable[[], None]:
        """Remember what is stored; calling the result loses every write since."""

    def lose_everything(self) -> None:
        """As FLUSHALL does."""

    def go_away(self) -> None:
        """Be out of reach; nothing is lost."""

    def come_back(self) -> None:
        """Be in reach again."""

    def close(self) -> None:
        """Let go of everything."""


class InMemory:
    """A MemoryStore."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    def owner(self) -> Checkpoint:
        return MemoryCheckpoint(self.store)

    def copy(self) -> Callable[[], None]:
        copied = self.store.copy()
        return lambda: self.store.restore(copied)

    def lose_everything(self) -> None:
        self.store.restore({})

    def go_away(self) -> None:
        self.store.away = True

    def come_back(self) -> None:
        self.store.away = False

    def close(self) -> None:
        pass


class InRedis:
    """A running Redis or Valkey, which belongs to whoever gave it."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.client: Any = redis.Redis(port=server.port, protocol=2)
        self._owners: list[RedisCheckpoint] = []

    def owner(self, prefix: str = "rp", port: int = 0) -> RedisCheckpoint:
        url = f"redis://127.0.0.1:{port or self.server.port}/0"
        owner = RedisCheckpoint(url, prefix, connect_timeout_s=1.0, answer_timeout_s=1.0)
        self._owners.append(owner)
        return owner

    def copy(self) -> Callable[[], None]:
        copied = backup(self.client)
        return lambda: restore(self.client, copied)

    def lose_everything(self) -> None:
        self.client.flushall()

    def go_away(self) -> None:
        self.server.stop()

    def come_back(self) -> None:
        self.server.start()

    def close(self) -> None:
        for owner in self._owners:
            owner.close()
        self.client.close()


class InCluster:
    """A running Redis Cluster, which belongs to whoever gave it; its keys are spread over the nodes."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.lose_everything()
        self._owners: list[RedisCheckpoint] = []

    def owner(self, prefix: str = "rp") -> RedisCheckpoint:
        place = RedisPlace(self.cluster.url, cluster=True)
        owner = RedisCheckpoint(place, prefix, connect_timeout_s=1.0, answer_timeout_s=1.0)
        self._owners.append(owner)
        return owner

    def copy(self) -> Callable[[], None]:
        copied = {node: backup(node.client) for node in self.cluster.masters}

        def put_back() -> None:
            for node, keys in copied.items():
                restore(node.client, keys)

        return put_back

    def lose_everything(self) -> None:
        for node in self.cluster.masters:
            node.client.flushall()

    def go_away(self) -> None:
        for node in self.cluster.masters:
            node.freeze()

    def come_back(self) -> None:
        for node in self.cluster.masters:
            node.thaw()
        self.cluster.wait_until_ok()

    def close(self) -> None:
        for owner in self._owners:
            owner.close()
