"""A windowed network behind the live scorer: its rings, longer and of all series, go through Redis and back."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from roompulse.rooms import DRIVERS
from tests.journeys.live import Live, backtest, lines_by_room
from tests.require import shared_data
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer

pytest.importorskip("onnx", reason="the extra `train` makes the network of this test")

from tests.scorer.window_bundles import bundle_at, specification


def test_all_series_of_a_window_survive_a_restart_in_the_middle(
    kafka: Kafka, redis_server: RedisServer, tmp_path: Path
) -> None:
    """Half the day, a new scorer process, the other half: the same bytes as one backtest of the whole day."""
    history = str(shared_data("douyin_predict", "predict.csv"))
    model = tmp_path / "tiny"
    bundle_at(model, specification(30, DRIVERS))
    backtest(tmp_path / "out", history, "--model", str(model))
    live = Live(kafka.address, redis_server.url, f"t{uuid.uuid4().hex[:8]}.")
    live.create_topics(1)
    live.produce(history, "--end", "2019-12-02 17:00", "--no-clock")
    live.score_to_end("--model", str(model), "--max-batch", "7")
    live.produce(history, "--start", "2019-12-02 17:00")
    live.score_to_end("--model", str(model), "--max-batch", "100")
    assert live.by_room(live.topics.forecasts) == lines_by_room(tmp_path / "out" / "forecasts.jsonl")
    assert live.by_room(live.topics.alerts) == lines_by_room(tmp_path / "out" / "alerts.jsonl")
