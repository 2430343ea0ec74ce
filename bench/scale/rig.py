"""The real servers of a bench, the load on them and the scorers: started here, alike for every bench."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import time

from redis import Redis

from bench.scale.probe import GroupProbe, count_committed
from bench.scale.worker import Worker
from roompulse.kafka_topics import create_topics
from roompulse.settings import Settings
from roompulse.topics import Topics
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer

_DISK_BYTES = 24 * 2**30
"""What one topic may take up in all: enough to count every forecast at the end, and no more."""
_PROPERTIES = """
log.segment.bytes=67108864
log.retention.bytes={per_partition}
"""
LOAD_S = 900.0


@dataclass(frozen=True, slots=True)
class Loaded:
    """A backlog: its events, and the generator's CPU microseconds for each."""

    sent: int
    cost_us: float


@dataclass(frozen=True, slots=True)
class Rig:
    """Kafka and Redis (append-only file on, as in docker-compose.yml), and how scorers are started on them."""

    kafka: Kafka
    redis: RedisServer
    client: str
    partitions: int
    max_batch: int

    @property
    def pids(self) -> dict[str, list[int]]:
        """The servers' process ids."""
        assert self.kafka.pid is not None
        assert self.redis.pid is not None
        return {"broker": [self.kafka.pid], "redis": [self.redis.pid]}

    def make_topics(self, prefix: str) -> Topics:
        """A set of topics of its own."""
        topics = Topics(prefix)
        create_topics(Settings(bootstrap_servers=self.kafka.address), topics, self.partitions)
        return topics

    def scorer(self, prefix: str, group: str, number: int = 1) -> Worker:
        """Start `roompulse score`. Its name is static, so that its successor after a crash need not wait."""
        arguments = {
            "--bootstrap-servers": self.kafka.address, "--redis-url": self.redis.url, "--redis-prefix": group,
            "--topic-prefix": prefix, "--group-id": group, "--instance-id": f"bench-{number}", "--client": self.client,
            "--max-batch": str(self.max_batch), "--metrics-port": "0", "--log-level": "warning",
            "--quiet-clock-s": "0",  # a clock on the input would be an event that no forecast answers
        }  # fmt: skip
        flat = [part for pair in arguments.items() for part in pair]
        return Worker(f"scorer {number}", ["-m", "roompulse", "score", *flat, "--static-membership", "--json"])

    def generator(self, topics: Topics, rooms: int, *more: str) -> Worker:
        """Start the load generator on the input topic."""
        where = ("--bootstrap-servers", self.kafka.address, "--topic", topics.minutes, "--rooms", str(rooms))
        return Worker("generator", ["-m", "bench.scale.generate", *where, *more])

    def load(self, topics: Topics, rooms: int, minutes: int, *, first_minute: int, step: int = 0) -> Loaded:
        """Put whole minutes of all rooms onto the input, as fast as it goes."""
        which = ("--minutes", str(minutes), "--step", str(step), "--first-minute", str(first_minute))
        with self.generator(topics, rooms, *which) as generator:
            told = generator.finish(LOAD_S)
        return Loaded(told["sent"], told["cpu_s"] / told["sent"] * 1e6)

    def probe(self, group: str, topics: Topics) -> GroupProbe:
        """Ask how far a group has come on the input."""
        return GroupProbe(self.kafka.address, group, topics.minutes, self.partitions)

    def count(self, topic: str) -> int:
        """Records that a reader of committed records sees on a topic."""
        return count_committed(self.kafka.address, topic, range(self.partitions))

    def redis_bytes(self) -> int:
        """Memory that Redis has given to keys and values."""
        with Redis.from_url(self.redis.url) as client:
            return int(client.info("memory")["used_memory"])

    def empty_redis(self) -> None:
        """Forget every checkpoint: the next group begins with none."""
        with Redis.from_url(self.redis.url) as client:
            client.flushall()


@contextmanager
def running_rig(client: str, partitions: int, max_batch: int) -> Iterator[Rig]:
    """Start the servers, and stop them at the end."""
    properties = _PROPERTIES.format(per_partition=_DISK_BYTES // partitions)
    with Kafka(properties=properties, java_options=()) as kafka, RedisServer() as redis:
        yield Rig(kafka, redis, client, partitions, max_batch)


def first_minute_of(minutes: int) -> int:
    """The epoch minute at which a backlog of so many minutes begins that ends just now."""
    return int(time() // 60) - minutes - 1
