"""Reading topics of a broker, from where one was told to, committed records only."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import pytest

from roompulse.embedded import EmbeddedBroker
from roompulse.errors import BrokerError
from roompulse.kafka_client import discard_producer, make_producer
from roompulse.kafka_topics import create_topics
from roompulse.settings import Settings
from roompulse.topics import CLOCK_SCHEMA, SCHEMA_HEADER, Topics
from tests.watch.records import alert_record, event
from watch.feed import ALERTS, MINUTES
from watch.kafka_feed import EARLIEST, LATEST, KafkaFeed, Since

DEADLINE_S = 60.0


@pytest.fixture
def settings(embedded_broker: EmbeddedBroker) -> Settings:
    """Topics of its own, with two partitions."""
    settings = Settings(bootstrap_servers=embedded_broker.address, topic_prefix=f"{uuid.uuid4().hex[:8]}.")
    create_topics(settings, Topics(settings.topic_prefix), 2)
    return settings


@pytest.fixture
def topics(settings: Settings) -> Topics:
    """Their names."""
    return Topics(settings.topic_prefix)


def feed_of(settings: Settings, since: Since, kind: str = ALERTS) -> KafkaFeed:
    topics = Topics(settings.topic_prefix)
    return KafkaFeed(settings, {kind: topics.alerts if kind == ALERTS else topics.minutes}, since)


def read_to_end(feed: KafkaFeed) -> Iterator[bytes]:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        seen = feed.poll(0.1)
        yield from (record.value for record in seen)
        if not seen and feed.at_end():
            feed.close()
            return
    raise AssertionError("the feed did not come to its end")


def write(settings: Settings, topic: str, *values: bytes, headers: list[tuple[str, bytes]] | None = None) -> None:
    producer = make_producer(settings)
    for value in values:
        producer.send(topic, value, key=value[:9], headers=headers or [])
    producer.flush()
    producer.close()


VALUES = [alert_record(room, "surge", 1).value for room in "abcdef"]


def test_everything_is_read_from_the_earliest_and_nothing_from_the_latest(settings: Settings, topics: Topics) -> None:
    """Latest means what comes from now on."""
    write(settings, topics.alerts, *VALUES[:3])
    later = feed_of(settings, LATEST)
    assert sorted(read_to_end(feed_of(settings, EARLIEST))) == VALUES[:3]
    write(settings, topics.alerts, *VALUES[3:])
    assert sorted(read_to_end(later)) == VALUES[3:]


def test_since_a_time_begins_with_what_was_written_then(settings: Settings, topics: Topics) -> None:
    """The time is that of the record; a partition with nothing so new is read from its end."""
    write(settings, topics.alerts, *VALUES[:3])
    between = int(time.time() * 1000) + 1
    deadline = time.monotonic() + DEADLINE_S
    while int(time.time() * 1000) <= between and time.monotonic() < deadline:
        time.sleep(0.001)
    write(settings, topics.alerts, *VALUES[3:])
    assert sorted(read_to_end(feed_of(settings, Since(between)))) == VALUES[3:]
    assert sorted(read_to_end(feed_of(settings, Since(between - 60_000)))) == VALUES


def test_what_was_not_committed_is_not_seen_and_does_not_hide_the_end(settings: Settings, topics: Topics) -> None:
    """An aborted record and the markers take offsets, and are never given out."""
    producer = make_producer(settings, f"t-{topics.prefix}")
    producer.init_transactions()
    for value, commit in ((VALUES[0], True), (VALUES[1], False)):
        producer.begin_transaction()
        producer.send(topics.alerts, value, partition=0).get(timeout=DEADLINE_S)
        _ = producer.commit_transaction() if commit else producer.abort_transaction()
    producer.begin_transaction()
    producer.send(topics.alerts, VALUES[2], partition=0).get(timeout=DEADLINE_S)
    assert list(read_to_end(feed_of(settings, EARLIEST))) == VALUES[:1]
    producer.abort_transaction()
    discard_producer(producer)


def test_clocks_on_the_input_topic_are_not_room_minutes(settings: Settings, topics: Topics) -> None:
    """Told apart by the schema header; a record without one is a room-minute."""
    minute = event("a", 1, 5).value
    write(settings, topics.minutes, minute)
    write(settings, topics.minutes, b'{"minute":"x"}', headers=[(SCHEMA_HEADER, CLOCK_SCHEMA.encode())])
    assert list(read_to_end(feed_of(settings, EARLIEST, MINUTES))) == [minute]


def test_a_missing_topic_is_named(embedded_broker: EmbeddedBroker) -> None:
    """With the command that makes it."""
    settings = Settings(bootstrap_servers=embedded_broker.address, topic_prefix="nothing.")
    with pytest.raises(BrokerError, match=r"nothing\.live\.room\.alerts does not exist.*topics create"):
        feed_of(settings, EARLIEST)


def test_the_command_prints_what_is_there_and_ends(settings: Settings, topics: Topics) -> None:
    """`watch alerts --no-follow --json` as a script uses it."""
    write(settings, topics.alerts, *VALUES)
    command = [sys.executable, "-m", "roompulse", "watch", "alerts", "--no-follow", "--json", "--room", "b"]
    flags = ["--bootstrap-servers", settings.bootstrap_servers, "--topic-prefix", settings.topic_prefix]
    done = subprocess.run([*command, *flags], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout.splitlines()) == (0, [VALUES[1]]), done.stderr


def test_without_a_broker_the_command_says_so_within_15_seconds() -> None:
    """One line, exit code 1."""
    started = time.monotonic()
    command = [sys.executable, "-m", "roompulse", "watch", "hotlist", "--bootstrap-servers", "127.0.0.1:9"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert time.monotonic() - started < 15
    assert done.returncode == 1
    assert done.stderr == "roompulse watch: cannot reach Kafka at 127.0.0.1:9 (tried for 10 s)\n"
