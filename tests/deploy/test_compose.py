"""docker-compose.yml, as Debian's docker-compose reads it. No Docker engine takes part: what it says is checked."""

from __future__ import annotations

import argparse
import importlib
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.native import commands
from roompulse import __version__
from roompulse.cli import COMMANDS
from tests.require import ROOT, require
from tests.services.prometheus import promtool

OWN = ("topics", "producer", "scorer-1", "scorer-2", "notify", "trainer")
END_BY_THEMSELVES = {"topics": "on-failure", "trainer": "no"}
NO_PORT_TO_ASK = {"topics", "producer", "trainer"}
IN_CONTAINERS = Path("/etc/prometheus")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """Every service with all that is inherited and interpolated, as docker-compose resolves it."""
    require("docker-compose", shutil.which("docker-compose") is not None, "apt-get install docker-compose")
    command = ["docker-compose", "--profile", "train", "config"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, "docker-compose warns of something"
    found: dict[str, dict[str, Any]] = yaml.safe_load(done.stdout)["services"]
    return found


def mounts(service: dict[str, Any]) -> dict[str, Path]:
    """Files and folders of the repository by where the container finds them; each has to be read-only."""
    parts = [volume.split(":") for volume in service.get("volumes", []) if volume.startswith("/")]
    assert all(mode == "ro" for _, _, mode in parts)
    return {inside: Path(source) for source, inside, _ in parts}


def words(command: str | list[str]) -> list[str]:
    """A command line as its words."""
    return shlex.split(command) if isinstance(command, str) else command


def test_every_port_is_open_to_this_machine_alone(services: dict[str, dict[str, Any]]) -> None:
    """Nothing here asks for a password, so nothing here may be reached from another machine."""
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 5
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert not [name for name, service in services.items() if service.get("network_mode") or service.get("privileged")]


def test_every_image_is_pinned(services: dict[str, dict[str, Any]]) -> None:
    """Three numbers, never a moving tag; our own carry this version, and Kafka's is the one that the tests run."""
    images = {name: service["image"] for name, service in services.items()}
    assert not [image for image in images.values() if not re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+(-\w+)?", image)]
    assert {image for name, image in images.items() if name in OWN} == {
        f"roompulse:{__version__}",
        f"roompulse-trainer:{__version__}",
    }
    pom = (ROOT / "deploy" / "kafka" / "pom.xml").read_text(encoding="utf-8")
    tested = re.search(r"kafka_2\.13</artifactId>\s*<version>(.+?)<", pom)
    assert tested is not None
    assert images["kafka"] == f"apache/kafka:{tested[1]}"


def test_every_service_is_bounded_and_comes_back(services: dict[str, dict[str, Any]]) -> None:
    """Memory, processor, processes and log have an end; what ends by accident is started again, what hangs is seen."""
    for name, service in services.items():
        assert service["mem_limit"], name
        assert 0 < service["cpus"] <= 1, "Docker refuses more processors than the machine has"
        assert service["pids_limit"], name
        assert service["logging"]["options"]["max-size"], name
        assert service["restart"] == END_BY_THEMSELVES.get(name, "unless-stopped"), name
        if name in NO_PORT_TO_ASK:
            assert service["healthcheck"]["test"] == ["NONE"], name
        elif name not in OWN:  # ours have the image's own
            assert service["healthcheck"]["test"], name


def test_every_service_has_no_more_rights_than_it_needs(services: dict[str, dict[str, Any]]) -> None:
    """No capability, no way to get one, a root file system that nobody can write to, and no secret in the file."""
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert any(entry.startswith("/tmp:") for entry in service["tmpfs"]), name
        assert not [key for key in service.get("environment", {}) if re.search("PASSWORD|SECRET|TOKEN|KEY", key)], name


def test_every_mounted_file_is_there_and_everybody_may_read_it(services: dict[str, dict[str, Any]]) -> None:
    """A path that is missing would be made as an empty folder by Docker, and the service would start without it."""
    for service in services.values():
        for path in mounts(service).values():
            assert path.exists(), path
            assert path.is_relative_to(ROOT)
            files = path.rglob("*") if path.is_dir() else [path]
            assert any(True for _ in files), path


@pytest.mark.parametrize("name", OWN)
def test_every_roompulse_command_is_understood(services: dict[str, dict[str, Any]], name: str) -> None:
    """The real parsers take the command line, and the servers that a command asks for are given by name."""
    command, *arguments = words(services[name]["command"])
    parser = argparse.ArgumentParser()
    importlib.import_module(COMMANDS[command][0]).configure(parser)
    if arguments != ["--help"]:
        parser.parse_args(arguments)
    given = services[name]["environment"]
    for variable, server in (
        ("ROOMPULSE_BOOTSTRAP_SERVERS", "kafka:9092"),
        ("ROOMPULSE_REDIS_URL", "redis://redis:6379/0"),
    ):
        if variable in parser.format_help():
            assert given[variable] == server


def test_the_native_stack_runs_the_same_commands(services: dict[str, dict[str, Any]]) -> None:
    """`make stack` stands in for this file as long as both start the same; two scorers have two names."""
    assert words(services["producer"]["command"]) == list(commands.PRODUCER)
    assert words(services["topics"]["command"])[-1] == str(commands.PARTITIONS)
    for name in ("scorer-1", "scorer-2"):
        assert words(services[name]["command"]) == list(commands.score(name))
    assert words(services["notify"]["command"])[:3] == ["notify", "--watchdog", "--alertmanager-url"]


def test_prometheus_is_told_of_services_that_are_there(services: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """promtool takes the files as they lie in the container, and each target is a service of this file."""
    for inside, source in mounts(services["prometheus"]).items():
        target = tmp_path / Path(inside).relative_to(IN_CONTAINERS)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    config = tmp_path / "prometheus.yml"
    done = subprocess.run([promtool(), "check", "config", str(config)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = [job["job_name"] for job in yaml.safe_load(config.read_text(encoding="utf-8"))["scrape_configs"]]
    assert jobs == ["roompulse-scorer", "roompulse-notify", "prometheus", "alertmanager"]
    files = [tmp_path / "targets" / f"{job}.json" for job in jobs] + [tmp_path / "alertmanagers" / "alertmanager.json"]
    hosts = {
        address.partition(":")[0]
        for file in files
        for group in json.loads(file.read_text(encoding="utf-8"))
        for address in group["targets"]
    }
    assert hosts == {"scorer-1", "scorer-2", "notify", "127.0.0.1", "alertmanager"}
    assert hosts - {"127.0.0.1"} <= services.keys()


def test_what_must_outlive_a_container_lies_in_a_volume(services: dict[str, dict[str, Any]]) -> None:
    """The topics, the checkpoint, the series, the silences, and the models."""
    kept = {
        name: {volume.partition(":")[0] for volume in service.get("volumes", []) if not volume.startswith("/")}
        for name, service in services.items()
    }
    assert {name: volumes for name, volumes in kept.items() if volumes} == {
        "kafka": {"kafka-data"},
        "redis": {"redis-data"},
        "prometheus": {"prometheus-data"},
        "alertmanager": {"alertmanager-data"},
        "grafana": {"grafana-data"},
        "scorer-1": {"models"},
        "scorer-2": {"models"},
        "trainer": {"models"},
    }
