"""The way to Kafka for producer, scorer and watch: clients set up alike, and the topics with the right settings.

Time limits, so that nothing hangs for minutes: a broker that cannot be reached is given up after `connect_timeout_s`, a
request after 10 s, a record that could not be delivered after a minute.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka import errors as vendor
from kafka.admin import ConfigResource, ConfigResourceType

from roompulse.errors import BrokerError, UsageError
from roompulse.kafka_errors import UNREACHABLE, broker_errors, quiet_client_log, translated
from roompulse.settings import Settings
from roompulse.topics import Topics

REQUEST_TIMEOUT_S = 10.0
DELIVERY_TIMEOUT_S = 60.0
TRANSACTION_TIMEOUT_S = 10.0

MAX_RECORD_BYTES = 16 * 1024 * 1024
"""The largest record that the clients themselves let through; every topic has a limit of its own, usually 1 MB."""

_DAY_MS = 24 * 3600 * 1000


def _common(settings: Settings, role: str) -> dict[str, Any]:
    quiet_client_log()
    servers = [part.strip() for part in settings.bootstrap_servers.split(",") if part.strip()]
    if not servers:
        raise UsageError("--bootstrap-servers is empty: expected host:port")
    return {
        "bootstrap_servers": servers,
        "client_id": f"roompulse-{role}",
        "bootstrap_timeout_ms": int(settings.connect_timeout_s * 1000),
        "request_timeout_ms": int(REQUEST_TIMEOUT_S * 1000),
        "reconnect_backoff_max_ms": 1000,
    }


def _connect(settings: Settings, client: Any, config: Mapping[str, Any]) -> Any:
    """Build a client. Raises BrokerError within `connect_timeout_s` where no broker answers."""
    networks: list[Any] = []

    def network(**options: Any) -> Any:
        # A constructor that fails leaves its thread behind, and no other way to reach it.
        networks.append(client.DEFAULT_CONFIG["kafka_client"](**options))
        return networks[-1]

    try:
        return client(**config, kafka_client=network)
    except vendor.KafkaError as error:
        for failed in networks:
            failed.close()
        if isinstance(error, UNREACHABLE):
            waited = f"tried for {settings.connect_timeout_s:g} s"
            raise BrokerError(f"cannot reach Kafka at {settings.bootstrap_servers} ({waited})") from error
        raise translated(f"cannot use Kafka at {settings.bootstrap_servers}", error) from error


def make_producer(settings: Settings, transactional_id: str | None = None) -> Any:
    """A KafkaProducer: idempotent, acks=all, lz4, murmur2 by key. Raises BrokerError within `connect_timeout_s`.

    Its `send` keeps any number of records in memory and never waits: who sends without end has to `flush` now and then.
    With a `transactional_id` the caller goes on with `init_transactions`.
    """
    config = _common(settings, "producer") | {
        "acks": "all",
        "compression_type": "lz4",
        # Below the brokers' usual limit of 1 MB for a batch, even where nothing can be compressed.
        "batch_size": 256 * 1024,
        "linger_ms": 20,
        "max_request_size": MAX_RECORD_BYTES,
        "max_block_ms": int(2 * REQUEST_TIMEOUT_S * 1000),
        "delivery_timeout_ms": int(DELIVERY_TIMEOUT_S * 1000),
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
    }
    if transactional_id is not None:
        config["transactional_id"] = transactional_id
        config["transaction_timeout_ms"] = int(TRANSACTION_TIMEOUT_S * 1000)
    return _connect(settings, KafkaProducer, config)


def discard_producer(producer: Any) -> None:
    """Let go of a producer and of what it has not delivered, at once. Never raises.

    Its own `close` gives up, and leaves its thread running, where records wait for a broker that is away.
    """
    producer._sender.force_close()
    with contextlib.suppress(vendor.KafkaError):
        producer.close(timeout=1)


def make_consumer(settings: Settings, group_id: str | None = None, **overrides: Any) -> Any:
    """A KafkaConsumer that sees committed records only, and never commits or jumps by itself.

    `overrides` are kafka-python's own names, such as `auto_offset_reset="latest"`. Raises BrokerError within
    `connect_timeout_s`.
    """
    config = _common(settings, "consumer") | {
        "group_id": group_id,
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "fetch_max_wait_ms": 50,
        # A larger record still comes through: a broker gives at least one.
        "max_partition_fetch_bytes": 4 * 1024 * 1024,
        "session_timeout_ms": int(settings.session_timeout_s * 1000),
        "heartbeat_interval_ms": int(settings.session_timeout_s * 1000 / 4),
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
    }
    return _connect(settings, KafkaConsumer, config | overrides)


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the broker has it. `partitions` is 0 where there is none, `topic_id` empty where it has no ids."""

    name: str
    partitions: int
    topic_id: str
    config: Mapping[str, str]

    @property
    def compacted(self) -> bool:
        """Whether the broker thins this topic out to the latest record of each key."""
        return "compact" in self.config.get("cleanup.policy", "")


@dataclass(frozen=True, slots=True)
class TopicsReport:
    """All topics as they are now, the names of those just created, and what is wrong, in words, by name."""

    states: Sequence[TopicState]
    created: Sequence[str]
    faults: Mapping[str, str]


def wanted_config(topics: Topics) -> dict[str, dict[str, str]]:
    """The settings with which each topic is created; what is not named is left to the broker.

    The input must reach further back than a rebuild does (`--rebuild-hours`).
    """
    return {
        topics.minutes: {"cleanup.policy": "delete", "retention.ms": str(7 * _DAY_MS)},
        topics.forecasts: {"cleanup.policy": "delete", "retention.ms": str(2 * _DAY_MS)},
        topics.alerts: {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)},
        topics.alerts_open: {"cleanup.policy": "compact"},
        topics.hotlist: {"cleanup.policy": "delete", "retention.ms": str(7 * _DAY_MS)},
        topics.dead_letters: {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)},
    }


def describe_topics(settings: Settings, names: Sequence[str]) -> list[TopicState]:
    """How these topics are now, in the order given. Raises BrokerError."""
    with broker_errors("cannot read the topics' settings"), _admin(settings) as admin:
        return _described(admin, names)


def check_topics(settings: Settings, topics: Topics, partitions: int | None = None) -> TopicsReport:
    """What is there and what is wrong with it; changes nothing. Raises BrokerError only where Kafka is not there.

    With `partitions` another count is wrong too.
    """
    states = describe_topics(settings, topics.all)
    return TopicsReport(states, (), _faults(topics, states, partitions))


def create_topics(settings: Settings, topics: Topics, partitions: int | None = None) -> TopicsReport:
    """Create what is missing, and check the whole. Raises BrokerError only where Kafka is not there or refuses.

    An input that is there keeps its partitions; a missing one gets `partitions`, or those of the settings. The outputs
    get as many as the input. Several processes may do this at once.
    """
    with broker_errors("cannot create the topics"), _admin(settings) as admin:
        known = {state.name: state for state in _described(admin, topics.all)}
        count = known[topics.minutes].partitions or partitions or settings.partitions
        missing = [name for name in topics.all if not known[name].partitions]
        created = []
        if missing:
            config = wanted_config(topics)
            replicas = settings.replication_factor
            answer = admin.create_topics(
                {n: {"num_partitions": count, "replication_factor": replicas, "configs": config[n]} for n in missing},
                raise_errors=False,
            )
            for entry in answer["topics"]:
                kind = vendor.for_code(entry["error_code"])
                if kind is vendor.NoError:
                    created.append(entry["name"])
                elif kind is not vendor.TopicAlreadyExistsError:
                    raise BrokerError(f"cannot create topic {entry['name']}: {entry['error_message'] or kind.__name__}")
            admin.wait_for_topics(missing, timeout_ms=settings.connect_timeout_s * 1000)
        states = _described(admin, topics.all)
    return TopicsReport(states, created, _faults(topics, states, partitions))


def ensure_topics(settings: Settings, topics: Topics, partitions: int | None = None) -> TopicsReport:
    """What a command does at its start: create what is missing (if `create_topics` says so), then insist on the rest.

    Raises BrokerError that names every topic with something wrong.
    """
    report = (create_topics if settings.create_topics else check_topics)(settings, topics, partitions)
    if report.faults:
        raise BrokerError("; ".join(f"topic {name} {fault}" for name, fault in report.faults.items()))
    return report


def _faults(topics: Topics, states: Sequence[TopicState], partitions: int | None) -> dict[str, str]:
    count = states[0].partitions
    faults = {}
    for state in states:
        if not state.partitions:
            faults[state.name] = "does not exist (`roompulse topics create` makes it)"
        elif state.name == topics.minutes and partitions not in {None, count}:
            faults[state.name] = f"has {count} partitions, and {partitions} were asked for"
        elif count and state.partitions != count:
            faults[state.name] = f"has {state.partitions} partitions, and {topics.minutes} has {count}"
        elif state.name == topics.minutes and state.compacted:
            faults[state.name] = "is compacted, so that history is missing from it"
        elif state.name == topics.alerts_open and state.config and not state.compacted:
            faults[state.name] = "is not compacted, so that it grows for ever or forgets open alerts"
    return faults


def _described(admin: Any, names: Sequence[str]) -> list[TopicState]:
    known = {topic["name"]: topic for topic in admin.describe_topics(list(names)) if topic["error_code"] == 0}
    keys = ["cleanup.policy", "retention.ms", "max.message.bytes"]
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, keys) for name in known]
    configs = admin.describe_configs(resources, config_filter="all").get("topic", {}) if resources else {}
    return [
        TopicState(
            name,
            len(known[name]["partitions"]) if name in known else 0,
            str(known[name]["topic_id"] or "") if name in known else "",
            {key: entry["value"] for key, entry in configs.get(name, {}).items()},
        )
        for name in names
    ]


def _admin(settings: Settings) -> Any:
    return _connect(settings, KafkaAdminClient, _common(settings, "admin"))
