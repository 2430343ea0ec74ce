"""Scorers that share a topic, take over from each other, and end: the output stays that of a backtest."""

from __future__ import annotations

import signal
import uuid
from pathlib import Path

import pytest
import redis

from tests.journeys.good_rooms import MINUTES, ROOMS, clock_after, records_of, write_history
from tests.journeys.live import Live, backtest, lines_by_room
from tests.journeys.running import RunningScorer
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer

PARTITIONS = 4
SECRET = "s3crtw0rd"
EVENTS = MINUTES * len(ROOMS)


@pytest.fixture
def live(kafka: Kafka, redis_server: RedisServer) -> Live:
    """Topics with four partitions, and a Redis that asks for a password."""
    with redis.Redis(port=redis_server.port) as client:
        client.config_set("requirepass", SECRET)
    url = f"redis://:{SECRET}@{redis_server.address}/0"
    live = Live(kafka.address, url, f"s{uuid.uuid4().hex[:8]}.")
    live.create_topics(PARTITIONS)
    return live


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Four rooms over ninety minutes."""
    file = tmp_path / "history.csv"
    write_history(file)
    return file


def scorer(live: Live, folder: Path, name: str, client: str = "kafka-python") -> RunningScorer:
    """A scorer under a name of its own, with a log that tells all."""
    command = live.score_command("--log-level", "debug", "--session-timeout-s", "6", "--client", client)
    command[command.index("--instance-id") + 1] = name
    return RunningScorer(command, folder)


def owned(running: RunningScorer) -> int:
    """How many partitions it serves."""
    return len(running.metric("roompulse_rooms_live"))


def same_as_backtest(live: Live, history: Path, folder: Path) -> None:
    """Each room has its forecasts and alerts once, in order, to the byte."""
    backtest(folder, str(history))
    assert live.by_room(live.topics.forecasts) == lines_by_room(folder / "forecasts.jsonl")
    assert live.by_room(live.topics.alerts) == lines_by_room(folder / "alerts.jsonl")


@pytest.mark.parametrize(
    ("one_client", "two_client"),
    [("kafka-python", "kafka-python"), ("confluent", "confluent"), ("kafka-python", "confluent"),
     ("confluent", "kafka-python")],
)  # fmt: skip
def test_two_scorers_share_the_partitions_and_hand_them_over(
    live: Live, history: Path, tmp_path: Path, one_client: str, two_client: str
) -> None:
    """One alone, two together, the other alone, with any two clients: both end with 0, and nobody sees the password."""
    records = list(records_of(history))
    third = EVENTS // 3
    with scorer(live, tmp_path / "first", "one", one_client) as first:
        first.until_ready()
        first.until("all partitions", lambda: owned(first) == PARTITIONS)
        assert first.get("/healthz") == (200, "ok\n")
        assert first.get("/readyz") == (200, "ok\n")
        assert first.get("/") == (404, "there are /metrics, /healthz and /readyz\n")
        assert first.get("/metrics/rooms")[0] == 404
        live.send(records[:third])
        first.until_events(third)
        with scorer(live, tmp_path / "second", "two", two_client) as second:
            second.until_ready()
            live.send(records[third : 2 * third])
            events = "roompulse_events_total"
            first.until(
                "both", lambda: sum(first.metric(events).values()) + sum(second.metric(events).values()) >= 2 * third
            )
            pages = first.get("/metrics")[1] + second.get("/metrics")[1]
            one = first.stop(signal.SIGINT)
            live.send(records[2 * third :], clock_after(history))
            second.until("the rest", lambda: sum(second.metric(events).values()) >= EVENTS - one["events_in"])
            two = second.stop(signal.SIGTERM)
    assert one["events_in"] + two["events_in"] == EVENTS
    assert third <= one["events_in"] <= 2 * third
    assert one["unaccounted"] == two["unaccounted"] == 0
    assert SECRET not in first.log + second.log + pages
    same_as_backtest(live, history, tmp_path / "quiet")


@pytest.mark.parametrize("client", ["kafka-python", "confluent"])
def test_the_older_of_two_scorers_of_one_name_ends(live: Live, history: Path, tmp_path: Path, client: str) -> None:
    """It says that another process has its name, with exit code 1; the newer one goes on and nothing comes twice."""
    records = list(records_of(history))
    half = EVENTS // 2
    with scorer(live, tmp_path / "older", "one", client) as older:
        older.until_ready()
        live.send(records[:half])
        older.until_events(half)
        with scorer(live, tmp_path / "newer", "one", client) as newer:
            newer.until_ready()
            live.send(records[half:], clock_after(history))
            assert older.ended(120) == 1
            last = older.log.splitlines()[-1]
            assert last.startswith("roompulse score: ")
            assert "another process runs under the name" in last
            assert "(--instance-id)" in last
            assert "Traceback" not in older.log
            newer.until_events(EVENTS - half)
            assert newer.stop()["unaccounted"] == 0
    same_as_backtest(live, history, tmp_path / "quiet")
