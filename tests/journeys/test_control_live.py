"""Models and settings change while scorers run: by command, over real Kafka and Redis, through kills and losses."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import redis

from roompulse.bundle import Bundle, default_bundle, load_bundle
from roompulse.control import Control, FollowModel, control_value
from roompulse.kafka_client import make_producer
from roompulse.settings import Settings
from roompulse.topics import CONTROL_SCHEMA, SCHEMA_HEADER
from scorer.pipeline.fold import Fold
from scorer.ports import Message
from scorer.wiring import open_model
from tests.journeys.good_rooms import ROOMS, Sent, clock_after, records_of, write_history
from tests.journeys.live import Live
from tests.journeys.running import RunningScorer
from tests.scorer.bundles import bundle_at
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer

PARTITIONS = 2
SURGING = "直播间 🎉"
SPREAD = 5


class Journey:
    """A registry, a history sent part by part, and scorers that come and go."""

    def __init__(self, live: Live, redis_server: RedisServer, folder: Path) -> None:
        self.live, self.folder, self.redis = live, folder, redis_server
        write_history(folder / "history.csv")
        self.records = list(records_of(folder / "history.csv"))
        self.sent = 0

    def command(self, *arguments: str) -> dict[str, Any]:
        """Run a command in this installation; its summary."""
        return self.live.must(*arguments, "--json")

    def scorer(self, name: str) -> RunningScorer:
        """A scorer under a name of its own, which tries challengers on all rooms."""
        command = self.live.score_command(
            "--registry", str(self.folder / "models"), "--session-timeout-s", "6", "--shadow-share", "1",
            "--quiet-clock-s", "0",
        )  # fmt: skip
        command[command.index("--instance-id") + 1] = name
        return RunningScorer(command, self.folder / name)

    def send(self, until: int, clock: bool = False) -> None:
        """Put the minutes before `until` on the topic, and at the end a clock on every partition."""
        some = self.records[self.sent : until * len(ROOMS)]
        self.sent += len(some)
        self.put([(None, record) for record in some])
        if clock:
            over = clock_after(self.folder / "history.csv")
            self.put([(partition, over) for partition in range(PARTITIONS)])

    def put(self, records: Iterable[tuple[int | None, Sent]]) -> None:
        """Write records, where no partition is given to that of their key."""
        producer = make_producer(Settings(bootstrap_servers=self.live.bootstrap))
        for partition, record in records:
            producer.send(self.live.topics.minutes, record.value, record.key, record.headers, partition)
        producer.flush(timeout=30)
        producer.close(timeout=5)

    def by_hand(self, partition: int, control: Control) -> None:
        """A control record that one partition alone has."""
        header = (SCHEMA_HEADER, CONTROL_SCHEMA.encode())
        self.put([(partition, Sent(None, control_value(control), [header]))])

    def forecasts(self) -> dict[str, list[dict[str, Any]]]:
        """By room, in order."""
        return {
            room: [json.loads(value) for value in values]
            for room, values in self.live.by_room(self.live.topics.forecasts).items()
        }

    def until_scored(self, scorer: RunningScorer, minutes: int, rooms: Iterable[str] = ROOMS) -> None:
        """Wait until these rooms have so many forecasts."""
        wanted = set(rooms)

        def scored() -> bool:
            found = self.forecasts()
            return all(len(found.get(room, [])) >= minutes for room in wanted)

        scorer.until(f"{minutes} minutes", scored)

    def folded(self, *bundles: Bundle) -> dict[tuple[str, int], list[tuple[bytes | None, bytes | None]]]:
        """What the fold alone, undisturbed, makes of the topic as it is: by topic and partition, keys and values."""
        settings = Settings(topic_prefix=self.live.prefix)
        contexts = [open_model(bundle, settings, None) for bundle in bundles]
        outputs: dict[tuple[str, int], list[tuple[bytes | None, bytes | None]]] = {}
        for partition, records in self.live.records(self.live.topics.minutes).items():
            fold = Fold(partition, contexts[0])
            for context in contexts:
                fold.know(context)
            messages = [Message(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in records]
            for line in fold.step(messages).lines:
                outputs.setdefault((line.output.topic, partition), []).append((line.output.key, line.output.value))
        return outputs


@pytest.fixture
def journey(kafka: Kafka, redis_server: RedisServer, tmp_path: Path) -> Journey:
    """Two partitions, two rooms on each."""
    live = Live(kafka.address, redis_server.url, f"m{uuid.uuid4().hex[:8]}.")
    live.create_topics(PARTITIONS)
    return Journey(live, redis_server, tmp_path)


def shows(scorer: RunningScorer, name: str, samples: dict[str, float]) -> bool:
    """Whether a metric has just these samples."""
    return scorer.metric(name) == samples


def above_zero(scorer: RunningScorer, name: str, sample: str) -> bool:
    """Whether a metric's sample has counted something."""
    return scorer.metric(name).get(sample, 0) > 0


def labels(forecasts: list[dict[str, Any]]) -> list[str]:
    """The models behind a room's forecasts, one after the other."""
    return [label for label, _ in groupby(forecast["model"] for forecast in forecasts)]


def test_models_and_settings_change_under_running_scorers(journey: Journey) -> None:
    """Promoted from the command line, through SIGKILL, a missing bundle and a Redis that lost everything: each room
    turns once to each model, settings count from their place on, and the bytes are those of the fold alone.
    """
    live, folder = journey.live, journey.folder
    shipped = load_bundle(default_bundle())
    second, third = bundle_at(folder / "b", "2"), bundle_at(folder / "c", "3")
    where = ("--registry", str(folder / "models"), *live.broker)
    quiet = folder / "settings.toml"
    quiet.write_text(f'[room."{SURGING}"]\nkinds = ["slump"]\n', encoding="utf-8")
    with journey.scorer("one") as one, journey.scorer("two") as two:
        for scorer in (one, two):
            scorer.until_ready()
        journey.send(20)
        journey.until_scored(one, 20)
        # The champion changes while both run; the challenger is the one before.
        promoted = journey.command("models", "promote", str(folder / "b"), *where, "--spread-minutes", str(SPREAD))
        assert promoted["partitions_told"] == PARTITIONS
        journey.command("models", "promote", str(default_bundle()), "--as", "challenger", *where)
        applied = journey.command("settings", "apply", str(quiet), *live.broker, *live.redis)
        assert (applied["changes"], applied["partitions_told"]) == (1, PARTITIONS)
        journey.send(40)
        journey.until_scored(one, 40)
        for room, forecasts in journey.forecasts().items():
            assert labels(forecasts) == [shipped.label, second.label], room
            assert 20 <= [forecast["model"] for forecast in forecasts].index(second.label) < 20 + SPREAD
        for scorer in (one, two):
            info = {f"{second.label},champion": 1.0, f"{shipped.label},challenger": 1.0}
            scorer.until("metrics follow", partial(shows, scorer, "roompulse_model_info", info))
            assert scorer.metric("roompulse_control_records_total")["settings,applied"] == 1
            scorer.until("a trial", partial(above_zero, scorer, "roompulse_shadow_judged_total", "1,challenger"))
        # A bundle that is not here: its partition stands still, the other one goes on.
        journey.by_hand(1, FollowModel(third.hash, third.label, 1))
        journey.send(60)
        journey.until_scored(two, 60, ROOMS[:2])
        owner = next(scorer for scorer in (one, two) if "1" in scorer.metric("roompulse_partition_halted"))
        assert owner.metric("roompulse_partition_halted")["1"] == 1
        assert "partition 1: stands still: model" in owner.log
        other = two if owner is one else one
        owner.process.kill()
        other.until("it has both", lambda: other.metric("roompulse_partition_halted").get("1") == 1)
        assert {len(journey.forecasts()[room]) for room in ROOMS[2:]} == {40}
        # Put into the registry it goes on by itself.
        journey.command("models", "promote", str(folder / "c"), "--registry", str(folder / "models"))
        journey.until_scored(other, 60)
        assert other.metric("roompulse_partition_halted")["1"] == 0
        journey.send(75)
        journey.until_scored(other, 75)
        other.stop()
    followed = journey.command("models", "list", "--registry", str(folder / "models"), *live.redis)["partitions"]
    assert [row["champion"] for row in followed] == [second.label, third.label]
    # All of Redis is lost: the control records are read again with the rest of the topic.
    with redis.Redis.from_url(journey.redis.url) as client:
        client.flushall()
    with journey.scorer("three") as last:
        last.until_ready()
        assert "no checkpoint to continue from; rebuilding exactly" in last.log
        journey.send(90, clock=True)
        outputs = journey.folded(shipped, second, third)
        hotlists = sum(len(found) for (topic, _), found in outputs.items() if topic == live.topics.hotlist)
        last.until("the end", lambda: sum(map(len, live.read(live.topics.hotlist).values())) >= hotlists)
        last.stop()
    shown = live.must("settings", "show", *live.redis, "--json")
    assert shown["alike"]
    assert shown["partitions"][0]["settings"] == {"room": {SURGING: {"kinds": ["slump"]}}}
    assert {json.loads(value)["kind"] for value in live.by_room(live.topics.alerts).get(SURGING, [])} <= {"slump"}
    assert any(json.loads(value)["kind"] == "slump" for value in live.by_room(live.topics.alerts)["c-3"])
    for (topic, partition), expected in outputs.items():
        assert live.read(topic)[partition] == expected, (topic, partition)
