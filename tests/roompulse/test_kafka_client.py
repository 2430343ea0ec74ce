"""The way to Kafka: clear errors where there is none, and topics with the right settings."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from roompulse import cli
from roompulse.embedded import EmbeddedBroker
from roompulse.errors import BrokerError, UsageError
from roompulse.kafka_client import make_consumer, make_producer
from roompulse.kafka_topics import check_topics, create_topics, ensure_topics
from roompulse.local_server import LOOPBACK, free_port
from roompulse.settings import Settings
from roompulse.topics import Topics
from tests.services.kafka import Kafka


@pytest.fixture(params=["embedded_broker", "kafka"])
def settings(request: pytest.FixtureRequest) -> Settings:
    """Settings for a broker, under a prefix of their own."""
    broker: EmbeddedBroker | Kafka = request.getfixturevalue(request.param)
    return Settings(bootstrap_servers=broker.address, topic_prefix=f"{uuid.uuid4().hex[:8]}.", partitions=3)


@pytest.mark.parametrize("make", [make_producer, make_consumer])
def test_a_broker_that_is_not_there_is_named_in_one_line_within_the_limit(make: Callable[[Settings], Any]) -> None:
    """The error names host and port, comes when it was promised, and leaves no thread behind."""
    settings = Settings(bootstrap_servers=f"{LOOPBACK}:{free_port()}", connect_timeout_s=0.5)
    threads = set(threading.enumerate())
    before = time.monotonic()
    with pytest.raises(BrokerError) as caught:
        make(settings)
    assert time.monotonic() - before < 5
    assert str(caught.value) == f"cannot reach Kafka at {settings.bootstrap_servers} (tried for 0.5 s)"
    assert [thread for thread in set(threading.enumerate()) - threads if thread.is_alive()] == []


def test_the_clients_own_log_stays_off_the_screen(caplog: pytest.LogCaptureFixture) -> None:
    """Its warnings and errors reach the root logger as debug lines of ours only."""
    seen: list[logging.LogRecord] = []

    class Screen(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    screen = Screen()
    caplog.set_level(logging.DEBUG, "roompulse.kafka")
    logging.getLogger().addHandler(screen)
    try:
        with pytest.raises(BrokerError):
            make_producer(Settings(bootstrap_servers=f"{LOOPBACK}:{free_port()}", connect_timeout_s=0.3))
    finally:
        logging.getLogger().removeHandler(screen)
    assert {(record.name, record.levelno) for record in seen} == {("roompulse.kafka", logging.DEBUG)}


def test_an_empty_list_of_brokers_is_wrong_usage() -> None:
    """A list of commas names nobody."""
    with pytest.raises(UsageError, match="expected host:port"):
        make_producer(Settings(bootstrap_servers=" , "))


def test_missing_topics_are_created_alike_and_a_second_time_nothing_happens(settings: Settings) -> None:
    """The outputs get as many partitions as the input; only the topic of open alerts is compacted."""
    topics = Topics(settings.topic_prefix)
    assert set(check_topics(settings, topics).faults) == set(topics.all)
    report = ensure_topics(settings, topics)
    assert list(report.created) == list(topics.all)
    assert {state.partitions for state in report.states} == {3}
    assert [state.name for state in report.states if state.compacted] == [topics.alerts_open]
    assert list(ensure_topics(settings, topics).created) == []
    assert check_topics(settings, topics).faults == {}


def test_outputs_follow_an_input_that_is_there_already(settings: Settings, make_topic: MakeTopic) -> None:
    """Not the settings but the input says how many partitions there are."""
    topics = Topics(settings.topic_prefix)
    make_topic(settings, topics.minutes, 5)
    assert {state.partitions for state in ensure_topics(settings, topics).states} == {5}


def test_unequal_partition_counts_are_refused_by_name(settings: Settings, make_topic: MakeTopic) -> None:
    """An output goes to the partition number of its input, which must be there."""
    topics = Topics(settings.topic_prefix)
    make_topic(settings, topics.alerts, 2)
    with pytest.raises(BrokerError, match=rf"topic {topics.alerts} has 2 partitions, and {topics.minutes} has 3"):
        ensure_topics(settings, topics)


def test_another_partition_count_than_asked_for_is_a_fault(settings: Settings) -> None:
    """`--partitions 4` on a topic with three is not silently something else."""
    topics = Topics(settings.topic_prefix)
    ensure_topics(settings, topics)
    assert "has 3 partitions, and 4 were asked for" in create_topics(settings, topics, 4).faults[topics.minutes]


def test_a_compacted_input_is_refused(settings: Settings, make_topic: MakeTopic) -> None:
    """A topic that forgets what it held cannot be replayed."""
    topics = Topics(settings.topic_prefix)
    make_topic(settings, topics.minutes, 3, {"cleanup.policy": "compact"})
    with pytest.raises(BrokerError, match="is compacted"):
        ensure_topics(settings, topics)


def test_topics_that_must_not_be_created_are_asked_for(settings: Settings) -> None:
    """With `--no-create-topics` the error says what to run."""
    held = Settings(
        bootstrap_servers=settings.bootstrap_servers, topic_prefix=settings.topic_prefix, create_topics=False
    )
    with pytest.raises(BrokerError, match="roompulse topics create"):
        ensure_topics(held, Topics(held.topic_prefix))


def test_the_topics_command_checks_creates_and_says_so(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 while something is missing, 0 once it is there; JSON on the last line for scripts."""
    where = ["--bootstrap-servers", settings.bootstrap_servers, "--topic-prefix", settings.topic_prefix]
    assert cli.main(["topics", *where]) == 1
    assert "does not exist" in " ".join(capsys.readouterr().out.split())
    assert cli.main(["topics", "create", *where, "--partitions", "2", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["ok"]
    assert len(summary["created"]) == len(summary["topics"]) == 7
    assert {topic["partitions"] for topic in summary["topics"]} == {2}
    assert cli.main(["topics", *where]) == 0
    assert cli.main(["topics", "check", *where, "--partitions", "3"]) == 1


MakeTopic = Callable[..., None]


@pytest.fixture
def make_topic() -> MakeTopic:
    """Creates one topic."""
    from kafka import KafkaAdminClient

    def make(settings: Settings, name: str, partitions: int, config: dict[str, str] | None = None) -> None:
        topic = {"num_partitions": partitions, "replication_factor": 1, "configs": config or {}}
        with KafkaAdminClient(bootstrap_servers=settings.bootstrap_servers) as admin:
            admin.create_topics({name: topic}, wait_for_metadata=True)

    return make
