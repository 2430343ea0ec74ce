"""Scoring with the checkpoint in a real Redis Cluster: the same bytes, over a restart, and for who looks into it."""

from __future__ import annotations

import uuid
from pathlib import Path

from tests.journeys.live import Live, backtest, lines_by_room
from tests.require import shared_data
from tests.services.kafka import Kafka
from tests.services.redis_cluster import Cluster

BILIBILI = ("--columns", "room_id=room_id,minute=minute,watch_ucnt=danmaku", "--end", "2019-05-10 21:30")


def test_a_cluster_holds_the_checkpoint_of_all_partitions(kafka: Kafka, redis_cluster: Cluster, tmp_path: Path) -> None:
    """Six partitions, three nodes; a second run goes on from what the first saved, and writes nothing anew."""
    history = str(shared_data("bilibili_live_2019", "sessions_minutes.csv"))
    backtest(tmp_path / "out", history, *BILIBILI)
    live = Live(kafka.address, redis_cluster.url, f"t{uuid.uuid4().hex[:8]}.")
    live.redis = (*live.redis, "--redis-cluster")
    live.create_topics(6)
    live.produce(history, *BILIBILI)
    assert live.score_to_end()["unaccounted"] == 0
    assert live.score_to_end()["events_in"] == 0
    forecasts = lines_by_room(tmp_path / "out" / "forecasts.jsonl")
    assert live.by_room(live.topics.forecasts) == forecasts
    assert live.by_room(live.topics.alerts) == lines_by_room(tmp_path / "out" / "alerts.jsonl")
    live.must("room", next(iter(forecasts)), *live.redis)
    assert live.must("settings", "show", "--json", *live.redis)["without_checkpoint"] == []
    holding = [node for node in redis_cluster.masters if node.client.keys(f"{live.prefix}:*")]
    assert len(holding) > 1
