"""One live installation for a journey: a Kafka, a Redis, a topic prefix of its own, and commands run against them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from roompulse.kafka_client import make_producer
from roompulse.settings import Settings
from roompulse.topics import Topics
from tests.journeys.good_rooms import Sent

TIMEOUT_S = 90


def roompulse(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "roompulse", *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env=os.environ | (env or {}),
    )


class Live:
    """Commands against one broker and one Redis, under one topic prefix."""

    def __init__(self, bootstrap: str, redis_url: str, prefix: str) -> None:
        self.topics = Topics(prefix)
        self.bootstrap = bootstrap
        self.broker = ("--bootstrap-servers", bootstrap, "--topic-prefix", prefix)
        self.redis: tuple[str, ...] = ("--redis-url", redis_url, "--redis-prefix", prefix)
        self.prefix = prefix
        self.partitions = 0

    def create_topics(self, partitions: int) -> None:
        """Create all topics."""
        self.must("topics", "create", *self.broker, "--partitions", str(partitions))
        self.partitions = partitions

    def send(self, records: Sequence[Sent], clock: Sent | None = None) -> None:
        """Put records on the topic, each at the partition of its key, and a clock on every partition."""
        producer = make_producer(Settings(bootstrap_servers=self.bootstrap))
        for record in records:
            producer.send(self.topics.minutes, record.value, record.key, record.headers)
        for partition in range(self.partitions if clock else 0):
            producer.send(self.topics.minutes, clock.value, None, clock.headers, partition) if clock else None
        producer.flush(timeout=60)
        producer.close(timeout=5)

    def produce(self, *arguments: str) -> dict[str, Any]:
        """Replay files as fast as possible; returns the summary."""
        return self.must("produce", *arguments, *self.broker, "--speed", "max", "--json")

    def score_command(self, *arguments: str) -> list[str]:
        """The command line of a scorer of this installation."""
        settings = (
            *self.redis, "--group-id", f"{self.prefix}scorer", "--metrics-port", "0", "--instance-id", "one",
        )  # fmt: skip
        return [sys.executable, "-m", "roompulse", "score", *self.broker, *settings, *arguments]

    def score_to_end(self, *arguments: str) -> dict[str, Any]:
        """Score all there is; returns the summary."""
        done = subprocess.run(
            self.score_command("--exit-at-end", "--json", *arguments), capture_output=True, text=True, timeout=TIMEOUT_S
        )
        return _summary(done)

    def must(self, *arguments: str) -> dict[str, Any]:
        """Run a command that has to succeed; its summary where it prints one."""
        return _summary(roompulse(*arguments))

    def read(self, topic: str) -> dict[int, list[tuple[bytes | None, bytes | None]]]:
        """Every committed record of a topic by partition, as (key, value) pairs in order."""
        return {at: [(record.key, record.value) for record in found] for at, found in self.records(topic).items()}

    def records(self, topic: str) -> dict[int, list[Any]]:
        """Every committed record of a topic by partition, as the client gives them, in order."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap, isolation_level="read_committed", enable_auto_commit=False,
            max_partition_fetch_bytes=16 * 1024 * 1024,
        )  # fmt: skip
        try:
            places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
            consumer.assign(places)
            consumer.seek_to_beginning()
            ends = consumer.end_offsets(places)
            found: dict[int, list[Any]] = defaultdict(list)
            while any(consumer.position(place) < ends[place] for place in places):
                for place, records in consumer.poll(timeout_ms=500).items():
                    found[place.partition] += records
            return dict(found)
        finally:
            consumer.close()

    def by_room(self, topic: str) -> dict[str, list[bytes]]:
        """A topic's values by their key, in order."""
        rooms: dict[str, list[bytes]] = defaultdict(list)
        for records in self.read(topic).values():
            for key, value in records:
                rooms[(key or b"").decode()].append(value or b"")
        return dict(rooms)


def backtest(folder: Path, *arguments: str) -> dict[str, Any]:
    """Backtest into a folder; returns the summary."""
    return _summary(roompulse("backtest", *arguments, "--out", str(folder), "--json"))


def lines_by_room(file: Path) -> dict[str, list[bytes]]:
    """A backtest's records by room, in order."""
    rooms: dict[str, list[bytes]] = defaultdict(list)
    for line in file.read_bytes().splitlines():
        rooms[json.loads(line)["room_id"]].append(line)
    return dict(rooms)


def _summary(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, f"exit code {done.returncode}:\n{done.stdout}\n{done.stderr}"
    lines: Sequence[str] = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    return found
