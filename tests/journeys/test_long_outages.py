"""Servers that are away for long: what can go on goes on, memory is bounded, nothing is lost, and all of it is said."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.journeys.good_rooms import MINUTES, ROOMS, clock_after, records_of, write_history
from tests.journeys.live import Live, backtest, lines_by_room
from tests.journeys.running import RunningScorer
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer

PARTITIONS = 2
EVENTS = MINUTES * len(ROOMS)
PATIENCE_S = 120.0
CLIENTS = ["kafka-python", "confluent"]


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Four rooms over ninety minutes."""
    file = tmp_path / "history.csv"
    write_history(file)
    return file


def installed(kafka: Kafka, redis_server: RedisServer) -> Live:
    """Topics with two partitions."""
    live = Live(kafka.address, redis_server.url, f"o{uuid.uuid4().hex[:8]}.")
    live.create_topics(PARTITIONS)
    return live


def one(scorer: RunningScorer, name: str) -> float:
    """A metric without labels."""
    return scorer.metric(name)[""]


def same_as_backtest(live: Live, history: Path, folder: Path) -> None:
    """Each room has its forecasts and alerts once, in order, to the byte."""
    backtest(folder, str(history))
    assert live.by_room(live.topics.forecasts) == lines_by_room(folder / "forecasts.jsonl")
    assert live.by_room(live.topics.alerts) == lines_by_room(folder / "alerts.jsonl")


@pytest.mark.parametrize("client", CLIENTS)
def test_scoring_goes_on_without_redis_up_to_the_bound_and_by_itself_when_it_is_back(
    kafka: Kafka, redis_server: RedisServer, history: Path, tmp_path: Path, client: str
) -> None:
    """Two rooms may wait: one is scored without Redis, at four reading pauses, and nothing is lost over it."""
    live, records = installed(kafka, redis_server), list(records_of(history))
    few = [record for record in records if record.key == ROOMS[0].encode()]
    many = [record for record in records if record.key != ROOMS[0].encode()]
    with RunningScorer(live.score_command("--client", client, "--max-dirty-rooms", "2"), tmp_path / "one") as scorer:
        scorer.until_ready()
        live.send(many[:60])
        scorer.until_events(60)
        scorer.until("saved", lambda: one(scorer, "roompulse_checkpoint_rooms_waiting") == 0)
        redis_server.stop()
        live.send(few[:40])
        scorer.until_events(100)
        scorer.until("one waits", lambda: one(scorer, "roompulse_checkpoint_rooms_waiting") == 1)
        assert one(scorer, "roompulse_redis_up") == 0
        assert one(scorer, "roompulse_reading_paused") == 0
        scorer.until("said", lambda: "checkpoint delayed, 1 rooms wait in memory" in scorer.log)
        live.send(many[60:90])
        scorer.until("paused", lambda: one(scorer, "roompulse_reading_paused") == 1, PATIENCE_S)
        waiting = "roompulse_checkpoint_rooms_waiting"  # as told by the next save that is delayed
        scorer.until("counted", lambda: 2 <= one(scorer, waiting) <= len(ROOMS), PATIENCE_S)
        assert "reading pauses until Redis is back" in scorer.log
        assert scorer.get("/readyz")[0] == 503
        live.send([*few[40:], *many[90:]], clock_after(history))
        scorer.until("a backlog", lambda: sum(scorer.metric("roompulse_offset_lag").values()) > 100, PATIENCE_S)
        assert sum(scorer.metric("roompulse_events_total").values()) <= 130
        redis_server.start()
        scorer.until("all", lambda: sum(scorer.metric("roompulse_events_total").values()) == EVENTS, PATIENCE_S)
        scorer.until("saved", lambda: one(scorer, "roompulse_checkpoint_rooms_waiting") == 0)
        assert one(scorer, "roompulse_redis_up") == 1
        assert "reading goes on" in scorer.log
        scorer.until("caught up", lambda: one(scorer, "roompulse_backlog_remaining_seconds") == 0, PATIENCE_S)
        assert scorer.stop()["unaccounted"] == 0
    with redis.Redis(port=redis_server.port) as store:
        applied = [int(store.hget(f"{live.prefix}:{{{at}}}:head", "applied")) for at in range(PARTITIONS)]
    assert sum(applied) == EVENTS + PARTITIONS
    same_as_backtest(live, history, tmp_path / "quiet")


@pytest.fixture
def own_kafka(kafka: Kafka) -> Iterator[Kafka]:
    """The run's Kafka, which a test may stop: it is running again afterwards."""
    yield kafka
    kafka.start()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_broker_that_was_away_is_waited_for(
    own_kafka: Kafka, redis_server: RedisServer, history: Path, tmp_path: Path, client: str
) -> None:
    """Stopped while scoring, and started again: the metric and the log say so, then everything comes once."""
    live, records = installed(own_kafka, redis_server), list(records_of(history))
    half = EVENTS // 2
    with RunningScorer(live.score_command("--client", client), tmp_path / "one") as scorer:
        scorer.until_ready()
        live.send(records[:half])
        scorer.until_events(half // 2)
        own_kafka.stop()
        scorer.until("it is missed", lambda: one(scorer, "roompulse_broker_up") == 0, PATIENCE_S)
        scorer.until("said", lambda: "Kafka does not answer, trying again" in scorer.log, PATIENCE_S)
        own_kafka.start()
        live.send(records[half:], clock_after(history))
        scorer.until("all", lambda: sum(scorer.metric("roompulse_events_total").values()) >= EVENTS, PATIENCE_S)
        scorer.until("back", lambda: one(scorer, "roompulse_broker_up") == 1, PATIENCE_S)
        scorer.stop()
    same_as_backtest(live, history, tmp_path / "quiet")
