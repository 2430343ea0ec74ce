"""What the pods run parses: every argument and every variable, by the settings classes themselves."""

from __future__ import annotations

import argparse
import importlib
import re
from typing import Any

import pytest

from roompulse.cli import COMMANDS
from roompulse.settings import PREFIX, Settings, load_kind, load_settings
from tests.deploy.kubernetes.rendered import OVERLAY, one, pods
from watch.notify.settings import NotifySettings, check

WORKLOADS = ["roompulse-topics", "roompulse-scorer", "roompulse-notify"]
PARTS = ["base", OVERLAY]
SECRET = "redis://:hunter2hunter2@redis:6379/0"
BY_POD = {"metadata.name": "roompulse-scorer-3", "metadata.namespace": "live"}


def environment(name: str, part: str) -> dict[str, str]:
    """The container's variables as the kubelet would set them: config maps first, own ones win, $(NAME) put in."""
    (container,) = pods(part)[name]["containers"]
    found: dict[str, str] = {}
    for source in container["envFrom"]:
        found |= one("ConfigMap", source["configMapRef"]["name"], part)["data"]
    for variable in container.get("env", []):
        origin: dict[str, Any] = variable.get("valueFrom", {})
        value = variable.get("value", "")
        if "fieldRef" in origin:
            value = BY_POD[origin["fieldRef"]["fieldPath"]]
        elif "secretKeyRef" in origin:
            value = SECRET
        found[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda at: found[at[1]], value)
    return found


def parsed(name: str, part: str) -> tuple[argparse.Namespace, set[str]]:
    """The container's arguments as its command reads them, and the variables that this command knows."""
    (container,) = pods(part)[name]["containers"]
    command, *arguments = container["args"]
    parser = argparse.ArgumentParser()
    importlib.import_module(COMMANDS[command][0]).configure(parser)
    return parser.parse_args(arguments), {PREFIX + action.dest.upper() for action in parser._actions}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", WORKLOADS)
def test_every_variable_is_one_that_its_command_reads(name: str, part: str) -> None:
    """None is misspelt, and none set for a command that would not look at it."""
    _, known = parsed(name, part)
    given = {key for key in environment(name, part) if key.startswith(PREFIX)}
    # Logs are the services' own; the job shares their ConfigMap for the brokers' addresses.
    assert given - known <= ({"ROOMPULSE_LOG_FORMAT"} if name == "roompulse-topics" else set())


@pytest.mark.parametrize("part", PARTS)
def test_the_scorer_starts_with_what_it_is_given(part: str) -> None:
    """Its name is stable and unlike that of another namespace, it leaves topics alone, and is reached from outside."""
    arguments, _ = parsed("roompulse-scorer", part)
    settings = load_settings(arguments, environment("roompulse-scorer", part))
    assert settings.instance == "live.roompulse-scorer-3"
    assert settings.redis_url == SECRET
    assert (settings.metrics_host, settings.metrics_port) == ("0.0.0.0", 9108)
    assert settings.create_topics is False
    assert settings.log_format == "json"
    assert "127.0.0.1" not in settings.bootstrap_servers


@pytest.mark.parametrize("part", PARTS)
def test_notify_starts_with_what_it_is_given(part: str) -> None:
    """It has somewhere to post to, and its own port."""
    arguments, _ = parsed("roompulse-notify", part)
    own = load_kind(NotifySettings, arguments, environment("roompulse-notify", part))
    check(own)
    assert own.alertmanager_url
    assert own.metrics_port != Settings().metrics_port
    assert load_settings(arguments, environment("roompulse-notify", part)).log_format == "json"


@pytest.mark.parametrize("part", PARTS)
def test_one_kafka_is_meant_everywhere(part: str) -> None:
    """The job, the scorer, notify and the scaler name the same brokers, group and topic, and partitions cap scorers."""
    made = load_settings(argparse.Namespace(), environment("roompulse-topics", part))
    scored = load_settings(argparse.Namespace(), environment("roompulse-scorer", part))
    scaling = one("ScaledObject", "roompulse-scorer", part)["spec"]
    (trigger,) = scaling["triggers"]
    metadata = trigger["metadata"]
    assert metadata["bootstrapServers"] == made.bootstrap_servers == scored.bootstrap_servers
    assert metadata["consumerGroup"] == scored.group_id
    assert metadata["topic"] == f"{scored.topic_prefix}live.room.minutes"
    assert metadata["allowIdleConsumers"] == "false"
    assert 2 <= scaling["minReplicaCount"] <= scaling["fallback"]["replicas"] <= scaling["maxReplicaCount"]
    assert scaling["maxReplicaCount"] == made.partitions
    assert made.replication_factor == 3
