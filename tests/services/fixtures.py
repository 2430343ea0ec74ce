"""Real servers for the tests, each started once for a whole run, at the first test that asks for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from roompulse.embedded import EmbeddedBroker, EmbeddedValkey
from tests.require import require
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer
from tests.services.redis_cluster import Cluster


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A real Apache Kafka; a test that stops it has to start it again."""
    require("Java 17", shutil.which("java") is not None, "apt-get install openjdk-17-jre-headless")
    require("Maven", shutil.which("mvn") is not None, "apt-get install maven")
    with Kafka() as broker:
        yield broker


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[EmbeddedBroker]:
    """The broker that comes as a wheel."""
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture
def valkey() -> Iterator[EmbeddedValkey]:
    """The Valkey that comes as a wheel: empty, and started for this test alone, which takes 60 ms."""
    with EmbeddedValkey() as server:
        yield server


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A real Redis: empty, and started for this test alone, which may stop, kill or freeze it."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def redis_cluster() -> Iterator[Cluster]:
    """Three masters of a Redis Cluster, and a replica of the first; a test that stops one has to start it again."""
    with Cluster() as cluster:
        yield cluster
