"""Services that are away, silent or set up to lose data: one clear message, exit code 1, within 15 s."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
from kafka import KafkaAdminClient

from roompulse.embedded import EmbeddedValkey
from roompulse.local_server import free_port
from roompulse.topics import Topics
from tests.journeys.running import RunningScorer
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer

SECRET = "s3cr/t@word"
PATIENCE_S = 30.0
SHORT = ("--connect-timeout-s", "1")


@pytest.fixture(scope="module")
def valkey() -> Iterator[EmbeddedValkey]:
    """A store that is in order."""
    with EmbeddedValkey() as server:
        yield server


@contextmanager
def silent_port() -> Iterator[str]:
    """A port that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=50)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def command(*arguments: str) -> list[str]:
    """A command line of ours."""
    return [sys.executable, "-m", "roompulse", *arguments]


def fails(*arguments: str) -> str:
    """Run a command that has to fail: its one message. Whatever it prints, a password is not in it."""
    started = time.monotonic()
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=60)
    took = time.monotonic() - started
    said = done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("roompulse")]
    assert (done.returncode, len(lines)) == (1, 1), said
    assert "Traceback" not in said
    assert took < PATIENCE_S
    assert not any(secret in said for secret in (SECRET, quote(SECRET, safe=""), SECRET[:5]))
    return lines[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("score", "--metrics-port", "0", "--redis-url", "{redis}"),
        ("topics", "check"),
        ("produce", "{history}"),
        ("watch", "alerts"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_broker_that_is_not_there_is_said(valkey: EmbeddedValkey, tmp_path: Path, arguments: Sequence[str]) -> None:
    """Every command that needs Kafka gives up after the connect timeout and says where it looked."""
    history = tmp_path / "h.csv"
    history.write_text("minute,watch_ucnt\n2024-05-01 10:00,5\n")
    filled = [text.format(redis=f"redis://{valkey.address}", history=history) for text in arguments]
    closed = f"127.0.0.1:{free_port()}"
    message = fails(*filled, "--bootstrap-servers", closed, *SHORT)
    assert message == f"roompulse {arguments[0]}: cannot reach Kafka at {closed} (tried for 1 s)"


def test_a_broker_that_never_answers_is_given_up_and_meanwhile_the_scorer_is_not_ready(
    valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    """With the default timeouts, within 15 s; /readyz says 503 and why, /healthz that the process lives."""
    with silent_port() as silent:
        port = free_port()
        arguments = ("--bootstrap-servers", silent, "--redis-url", f"redis://{valkey.address}")
        with RunningScorer(
            command("score", *arguments, "--metrics-port", str(port)), tmp_path / "scorer", port
        ) as scorer:
            scorer.until("HTTP port", lambda: scorer.get("/healthz") == (200, "ok\n"))
            started = time.monotonic()
            assert scorer.get("/readyz") == (503, "no partition is assigned yet\n")
            assert scorer.get("/metrics")[0] == 200
            assert scorer.ended() == 1
        assert time.monotonic() - started < PATIENCE_S
        assert scorer.log.splitlines() == [f"roompulse score: cannot reach Kafka at {silent} (tried for 10 s)"]


def test_a_redis_that_is_not_there_or_never_answers_is_said() -> None:
    """Closed or silent: where it looked, with the password hidden."""
    with silent_port() as silent:
        for address in (f"127.0.0.1:{free_port()}", silent):
            url = f"redis://ops:{quote(SECRET, safe='')}@{address}/0"
            message = fails("score", "--metrics-port", "0", "--redis-url", url, *SHORT)
            assert f"cannot reach Redis at redis://ops:***@{address}/0" in message


def test_a_redis_that_may_lose_rooms_or_refuses_us_is_refused() -> None:
    """An evicting policy is named with the way out; a wrong password is said without either password."""
    with RedisServer() as server, redis.Redis(port=server.port) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        message = fails("score", "--metrics-port", "0", "--redis-url", server.url)
        assert "may evict rooms: its maxmemory-policy is allkeys-lru; run `CONFIG SET maxmemory-policy" in message
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("requirepass", "another")
        message = fails(
            "score", "--metrics-port", "0", "--redis-url", f"redis://:{quote(SECRET, safe='')}@{server.address}/0"
        )
        assert f"Redis at redis://:***@{server.address}/0 refuses us: " in message
        assert "another" not in message


def test_a_metrics_port_that_is_taken_is_said(valkey: EmbeddedValkey) -> None:
    """Before Kafka is asked for anything."""
    with silent_port() as taken:
        port = taken.rpartition(":")[2]
        message = fails("score", "--metrics-port", port, "--redis-url", f"redis://{valkey.address}", *SHORT)
    assert f"cannot serve metrics on {taken}: Address already in use; choose another --metrics-port" in message


def test_topics_that_cannot_be_scored_are_refused(kafka: Kafka, valkey: EmbeddedValkey) -> None:
    """A compacted input and outputs with other partition counts: each topic is named with what is wrong."""
    topics = Topics(f"x{uuid.uuid4().hex[:8]}.")
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    compacted = {"cleanup.policy": "compact"}
    admin.create_topics(
        {
            topics.minutes: {"num_partitions": 3, "replication_factor": 1, "configs": compacted},
            topics.alerts: {"num_partitions": 2, "replication_factor": 1},
        }
    )
    admin.close()
    message = fails(
        "score", "--metrics-port", "0", "--redis-url", f"redis://{valkey.address}",
        "--bootstrap-servers", kafka.address, "--topic-prefix", topics.prefix,
    )  # fmt: skip
    assert f"topic {topics.minutes} is compacted, so that history is missing from it" in message
    assert f"topic {topics.alerts} has 2 partitions, and {topics.minutes} has 3" in message


def test_a_missing_topic_is_named_where_none_shall_be_created(kafka: Kafka, valkey: EmbeddedValkey) -> None:
    """With --no-create-topics the message says which command makes them."""
    message = fails(
        "score", "--metrics-port", "0", "--redis-url", f"redis://{valkey.address}", "--no-create-topics",
        "--bootstrap-servers", kafka.address, "--topic-prefix", "nowhere.",
    )  # fmt: skip
    assert "topic nowhere.live.room.minutes does not exist (`roompulse topics create` makes it)" in message
