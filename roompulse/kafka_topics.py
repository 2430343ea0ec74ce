"""The topics with the right settings: described, checked, created."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import errors as vendor
from kafka.admin import ConfigResource, ConfigResourceType

from roompulse.errors import BrokerError
from roompulse.kafka_client import make_admin
from roompulse.kafka_errors import broker_errors
from roompulse.settings import Settings
from roompulse.topics import Topics

_HOUR_MS = 3_600_000
_DAY_MS = 24 * 3600 * 1000


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
        # The newest segment is never compacted: without this a new reader would go through a gigabyte of what is over.
        topics.alerts_open: {"cleanup.policy": "compact", "segment.ms": str(_HOUR_MS)},
        topics.hotlist: {"cleanup.policy": "delete", "retention.ms": str(7 * _DAY_MS)},
        topics.fleet: {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)},
        topics.dead_letters: {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)},
    }


def describe_topics(settings: Settings, names: Sequence[str]) -> list[TopicState]:
    """How these topics are now, in the order given. Raises BrokerError."""
    with broker_errors("cannot read the topics' settings"), make_admin(settings) as admin:
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
    with broker_errors("cannot create the topics"), make_admin(settings) as admin:
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
