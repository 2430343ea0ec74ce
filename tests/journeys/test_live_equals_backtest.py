"""Replay equals live: what the scorer writes to a real Kafka is what a backtest of the same files writes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from tests.journeys.live import Live, backtest, lines_by_room
from tests.require import shared_data
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer

BILIBILI = ("--columns", "room_id=room_id,minute=minute,watch_ucnt=danmaku")


@pytest.fixture
def live(kafka: Kafka, redis_server: RedisServer) -> Live:
    """An installation of this test alone."""
    return Live(kafka.address, redis_server.url, f"t{uuid.uuid4().hex[:8]}.")


def same_as(live: Live, folder: Path) -> None:
    """Forecasts and alerts are the same room by room."""
    assert live.by_room(live.topics.forecasts) == lines_by_room(folder / "forecasts.jsonl")
    assert live.by_room(live.topics.alerts) == lines_by_room(folder / "alerts.jsonl")


@pytest.mark.parametrize("client", ["kafka-python", "confluent"])
def test_one_douyin_room_is_scored_live_as_in_a_backtest(live: Live, tmp_path: Path, client: str) -> None:
    """The platform's own export, on a topic with one partition: the hotlist is the same too, whatever the client."""
    history = str(shared_data("douyin_predict", "predict.csv"))
    backtest(tmp_path / "out", history)
    live.create_topics(1)
    live.produce(history)
    summary = live.score_to_end("--client", client)
    assert (summary["events_in"], summary["unaccounted"]) == (696, 0)
    same_as(live, tmp_path / "out")
    hotlist = [value for _, value in live.read(live.topics.hotlist)[0]]
    assert hotlist == (tmp_path / "out" / "hotlist.jsonl").read_bytes().splitlines()


@pytest.mark.parametrize(
    ("max_batch", "client"), [(1, "kafka-python"), (7, "kafka-python"), (7, "confluent"), (5000, "kafka-python")]
)
def test_bilibili_sessions_are_the_same_for_any_batch_size(
    live: Live, tmp_path: Path, max_batch: int, client: str
) -> None:
    """78 sessions in 41 rooms over three partitions; batches are cut wherever the size says."""
    history = str(shared_data("bilibili_live_2019", "sessions_minutes.csv"))
    end = ("--end", {1: "2019-05-10 21:30", 7: "2019-05-11 00:00"}[max_batch]) if max_batch < 100 else ()
    backtest(tmp_path / "out", history, *BILIBILI, *end)
    live.create_topics(3)
    live.produce(history, *BILIBILI, *end)
    live.score_to_end("--max-batch", str(max_batch), "--client", client)
    same_as(live, tmp_path / "out")


def test_a_killed_scorer_leaves_the_same_bytes(live: Live, tmp_path: Path) -> None:
    """SIGKILL in the middle, three times, then a restart with the other client: an undisturbed run is what is seen."""
    history = str(shared_data("bilibili_live_2019", "sessions_minutes.csv"))
    backtest(tmp_path / "out", history, *BILIBILI)
    live.create_topics(2)
    live.produce(history, *BILIBILI)
    command = live.score_command("--max-batch", "50", "--session-timeout-s", "6")
    written = 0
    for client in ("kafka-python", "confluent", "kafka-python"):
        with subprocess.Popen(
            [*command, "--client", client], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        ) as scorer:
            before, deadline = written, time.monotonic() + 60
            while written <= before and time.monotonic() < deadline:
                time.sleep(0.2)
                written = sum(len(records) for records in live.read(live.topics.forecasts).values())
            os.kill(scorer.pid, signal.SIGKILL)
        assert before < written, "the scorer was killed before it had written anything"
    live.score_to_end("--session-timeout-s", "6", "--client", "confluent")
    same_as(live, tmp_path / "out")
