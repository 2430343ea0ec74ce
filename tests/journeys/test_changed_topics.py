"""A checkpoint and a topic that no longer belong together: refused with exit code 1 and the way out, or rebuilt."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import redis
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.admin import KafkaAdminClient

from tests.contracts.event_logs import wait
from tests.journeys.good_rooms import clock_after, records_of, write_history
from tests.journeys.live import TIMEOUT_S, Live, backtest, lines_by_room
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer

PARTITIONS = 2


@pytest.fixture
def live(kafka: Kafka, redis_server: RedisServer) -> Live:
    """Topics with two partitions, and a Redis."""
    live = Live(kafka.address, redis_server.url, f"c{uuid.uuid4().hex[:8]}.")
    live.create_topics(PARTITIONS)
    return live


def refusal(live: Live, client: str) -> str:
    """Score, which has to fail with exit code 1: its one message."""
    command = live.score_command("--client", client)
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    lines = [line for line in done.stderr.splitlines() if line.startswith("roompulse score: ")]
    assert (done.returncode, len(lines)) == (1, 1), done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


class Group:
    """The offsets of a group that is asleep, to be read and set."""

    def __init__(self, live: Live) -> None:
        self._consumer: Any = KafkaConsumer(
            bootstrap_servers=live.bootstrap, group_id=f"{live.prefix}scorer", enable_auto_commit=False
        )
        self._topic = live.topics.minutes
        self.offsets = {at: int(self._consumer.committed(TopicPartition(self._topic, at))) for at in range(PARTITIONS)}

    def commit(self, offsets: Mapping[int, int]) -> None:
        places = {TopicPartition(self._topic, at): OffsetAndMetadata(offset, "", -1) for at, offset in offsets.items()}
        self._consumer.commit(places)

    def close(self) -> None:
        self._consumer.close()


def change_heads(client: Any, live: Live, **changes: Any) -> dict[str, bytes]:
    """Write other values into every saved head; returns the heads as they were."""
    before = {}
    for partition in range(PARTITIONS):
        key = f"{live.prefix}:{{{partition}}}:head"
        before[key] = client.hget(key, "head")
        client.hset(key, "head", json.dumps(json.loads(before[key]) | changes))
    return before


@pytest.mark.parametrize("client", ["kafka-python", "confluent"])
def test_what_must_not_be_continued_from_is_refused(
    live: Live, redis_server: RedisServer, tmp_path: Path, client: str
) -> None:
    """A newer program's head, offsets set back and set beyond the end, a grown topic, and one made anew."""
    history = tmp_path / "history.csv"
    write_history(history)
    live.send(list(records_of(history))[:120])
    live.score_to_end("--client", client)
    written = live.read(live.topics.forecasts)
    group, admin = Group(live), KafkaAdminClient(bootstrap_servers=live.bootstrap)
    scored = group.offsets

    with redis.Redis(port=redis_server.port) as store:
        heads = change_heads(store, live, head="of another kind")
        message = refusal(live, client)
        assert "the checkpoint cannot be read" in message
        assert "go on with that version, or use another --redis-prefix" in message
        for key, head in heads.items():
            store.hset(key, "head", head)

    group.commit(dict.fromkeys(scored, 1))
    assert "beyond the group's committed offset 1" in refusal(live, client)
    group.commit({at: offset + 1000 for at, offset in scored.items()})
    message = refusal(live, client)
    assert f"the group has committed offset {scored[0] + 1000}, and the topic ends at {scored[0]}" in message
    assert "Use another --group-id and --redis-prefix" in message
    group.commit(scored)

    topics = list(live.topics.all)
    admin.create_partitions(dict.fromkeys(topics, PARTITIONS + 1))
    wait(lambda: all(len(found["partitions"]) > PARTITIONS for found in admin.describe_topics(topics)), "it has grown")
    message = refusal(live, client)
    assert "the checkpoint was made when the topic had 2 partitions; it has 3 now" in message
    assert "use another --redis-prefix to rebuild" in message

    admin.delete_topics([live.topics.minutes])
    wait(lambda: live.topics.minutes not in admin.list_topics(), "the topic is gone")
    live.create_topics(PARTITIONS + 1)
    message = refusal(live, client)
    assert "the checkpoint belongs to another topic" in message
    assert "Use another --redis-prefix and --group-id" in message

    group.close()
    admin.close()
    assert {at: found for at, found in live.read(live.topics.forecasts).items() if found} == written


def test_an_older_program_rebuilds_what_a_newer_one_saved(
    live: Live, redis_server: RedisServer, tmp_path: Path
) -> None:
    """Rows of a layout that it does not know, and fields of the head that it has never heard of: the same bytes."""
    history = tmp_path / "history.csv"
    write_history(history)
    records = list(records_of(history))
    live.send(records[:200])
    live.score_to_end()
    with redis.Redis(port=redis_server.port) as store:
        change_heads(store, live, layout="0123456789abcdef", shape=[99, 60, 0], since="version 99")
        for key in store.keys(f"{live.prefix}:*:rooms:*"):
            for room in store.hkeys(key):
                store.hset(key, room, b"longer" * 1000)
    live.send(records[200:], clock_after(history))
    live.score_to_end()
    backtest(tmp_path / "quiet", str(history))
    assert live.by_room(live.topics.forecasts) == lines_by_room(tmp_path / "quiet" / "forecasts.jsonl")
    assert live.by_room(live.topics.alerts) == lines_by_room(tmp_path / "quiet" / "alerts.jsonl")
