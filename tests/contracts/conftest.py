"""Every checkpoint contract runs against each of these stores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from roompulse.embedded import EmbeddedValkey
from tests.contracts.stores import InCluster, InMemory, InRedis, Store
from tests.services.redis import RedisServer


@pytest.fixture(params=["memory", "redis", "valkey", "cluster"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Memory, a real Redis, the embedded Valkey and a real Redis Cluster, empty."""
    if request.param == "memory":
        yield InMemory()
    elif request.param == "cluster":
        store = InCluster(request.getfixturevalue("redis_cluster"))
        yield store
        store.close()
    else:
        yield from _in_redis(request.param)


@pytest.fixture(params=["redis", "valkey"])
def redis_store(request: pytest.FixtureRequest) -> Iterator[InRedis]:
    """A real Redis and the embedded Valkey, empty."""
    yield from _in_redis(request.param)


def _in_redis(kind: str) -> Iterator[InRedis]:
    with RedisServer() if kind == "redis" else EmbeddedValkey() as server:
        store = InRedis(server)
        yield store
        store.close()
