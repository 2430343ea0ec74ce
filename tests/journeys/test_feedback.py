"""A person answers an alert: the verdict reaches the room's state, the labels file, and a backtest's figures."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from tests.journeys.good_rooms import ROOMS, write_history
from tests.journeys.live import Live, backtest, roompulse
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer

SURGING = ROOMS[1]


def test_a_verdict_goes_from_the_terminal_to_threshold_labels_and_figures(
    kafka: Kafka, redis_server: RedisServer, tmp_path: Path
) -> None:
    """Score, call one alert noise and another useful, snooze a room, score on, collect the labels, judge a backtest."""
    history = tmp_path / "h.csv"
    write_history(history)
    live = Live(kafka.address, redis_server.url, f"t{uuid.uuid4().hex[:8]}.")
    broker = ("--bootstrap-servers", kafka.address, "--topic-prefix", live.topics.prefix)
    live.create_topics(3)
    live.produce(str(history), "--no-clock")
    live.score_to_end()
    alerts = [json.loads(value) for values in live.by_room(live.topics.alerts).values() for value in values]
    opened = {alert["room_id"]: alert for alert in alerts if alert["event"] == "open"}
    surge, slump = opened[SURGING], opened["c-3"]

    live.must("feedback", surge["alert_id"], "--room", SURGING, "--verdict", "useful", *broker)
    live.must("feedback", surge["alert_id"], "--room", SURGING, "--verdict", "noise", "--note", "a lottery", *broker)
    live.must("feedback", slump["alert_id"], "--room", "c-3", "--verdict", "useful", *broker)
    live.must("feedback", slump["alert_id"], "--room", "nobody", "--verdict", "noise", *broker)
    told = live.must("snooze", SURGING, "--until", "2024-05-01T13:00:00+08:00", *broker, "--json")
    assert (told["sent"], told["room_id"], told["until"]) == ("snooze", SURGING, "2024-05-01T13:00:00+08:00")
    summary = live.score_to_end()
    assert (summary["events_in"], summary["dead_letters"], summary["unaccounted"]) == (0, 0, 0)

    server = ("--redis-url", redis_server.url, "--redis-prefix", live.topics.prefix)
    seen = live.must("room", SURGING, *server, "--json")
    assert (seen["room_id"], seen["threshold_shift"]) == (SURGING, 0.2)
    assert (seen["snoozed_until"], seen["last_minute"]) == ("2024-05-01T13:00:00+08:00", "2024-05-01T11:29:00+08:00")
    assert len(seen["window"]) == 60
    unknown = roompulse("room", "nobody", *server)
    assert unknown.returncode == 1
    assert "roompulse room: no room 'nobody' in Redis at redis://" in unknown.stderr

    labels = tmp_path / "labels.csv"
    told = live.must("labels", "--out", str(labels), *broker, "--json")
    assert (told["labels"], told["useful"], told["noise"], told["left_out"]) == (2, 1, 1, 1)
    assert labels.read_text(encoding="utf-8").splitlines()[1:] == [
        f"c-3,{slump['kind']},{slump['opened']},useful,,{slump['alert_id']}",
        f"{SURGING},{surge['kind']},{surge['opened']},noise,a lottery,{surge['alert_id']}",
    ]

    found = backtest(tmp_path / "out", str(history), "--labels", str(labels))
    assert (found["labels"], found["alerts_right"], found["precision"], found["recall"]) == (2, 1, 0.5, 1.0)
    assert found["median_delay_minutes"] == 0
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["precision"] == 0.5


def test_words_need_a_topic(kafka: Kafka) -> None:
    """Where there is none, nobody would hear: no topic is created, and the command fails."""
    broker = ("--bootstrap-servers", kafka.address, "--topic-prefix", f"t{uuid.uuid4().hex[:8]}.")
    done = roompulse("snooze", "a", "--for", "2h", *broker)
    assert done.returncode == 1
    assert "live.room.minutes does not exist (`roompulse topics create` makes it)" in done.stderr
