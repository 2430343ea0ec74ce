"""Redis, Prometheus and Alertmanager from the machine's packages, with the configuration that the containers have."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.native.hurry import LEAST_WAIT_S, hurried
from deploy.native.missing import ALERTMANAGER_NAMES, program
from deploy.native.places import DEPLOY
from roompulse.embedded import redis_answers
from roompulse.local_server import LOOPBACK, LocalServer

ANSWER_TIMEOUT_S = 2.0


def redis() -> LocalServer:
    """Redis with deploy/redis/redis.conf."""

    def command(port: int, folder: Path) -> list[str]:
        config = str(DEPLOY / "redis" / "redis.conf")
        return [_installed("redis-server"), config, "--bind", LOOPBACK, "--port", str(port), "--dir", str(folder)]

    return LocalServer("redis", command, redis_answers)


def alertmanager(times: float) -> LocalServer:
    """Alertmanager with deploy/alertmanager/alertmanager.yml, its waits divided by `times`; on its own, no cluster."""

    def command(port: int, folder: Path) -> list[str]:
        config = _hurried_copy(DEPLOY / "alertmanager" / "alertmanager.yml", folder, times)
        listen = f"--web.listen-address={LOOPBACK}:{port}"
        storage = f"--storage.path={folder / 'data'}"
        binary = _installed(*ALERTMANAGER_NAMES)
        return [binary, f"--config.file={config}", storage, listen, "--cluster.listen-address="]

    return LocalServer("alertmanager", command, lambda port: answers(port, "/-/ready"))


def prometheus(targets: Mapping[str, Sequence[str]], alertmanagers: Sequence[str], times: float) -> LocalServer:
    """Prometheus with deploy/prometheus, its durations divided by `times`.

    `targets` are addresses by job; Prometheus itself is added to them.
    """

    def command(port: int, folder: Path) -> list[str]:
        source = DEPLOY / "prometheus"
        config = _hurried_copy(source / "prometheus.yml", folder, times)
        shutil.rmtree(folder / "rules", ignore_errors=True)
        for rules in sorted((source / "rules").glob("*.yml")):
            _hurried_copy(rules, folder / "rules", times)
        for job, addresses in {**targets, "prometheus": [f"{LOOPBACK}:{port}"]}.items():
            _target_file(folder / "targets" / f"{job}.json", addresses)
        _target_file(folder / "alertmanagers" / "alertmanager.json", alertmanagers)
        resend_s = max(60 / times, LEAST_WAIT_S)
        return [
            _installed("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address={LOOPBACK}:{port}", f"--rules.alert.resend-delay={resend_s * 1000:.0f}ms",
        ]  # fmt: skip

    return LocalServer("prometheus", command, lambda port: answers(port, "/-/ready"))


def answers(port: int, path: str) -> bool:
    """Whether a server says with 200 that it is well."""
    try:
        # The address is our own, on this machine.
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=ANSWER_TIMEOUT_S) as page:  # nosec B310
            return bool(page.status == 200)
    except OSError:
        return False


def _installed(*names: str) -> str:
    # Whether it is installed has been checked; if it has gone since, starting it will say so.
    return program(*names) or names[0]


def _hurried_copy(file: Path, folder: Path, times: float) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / file.name
    copy.write_text(hurried(file.read_text(encoding="utf-8"), times), encoding="utf-8")
    return copy


def _target_file(file: Path, addresses: Sequence[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([{"targets": list(addresses)}]), encoding="utf-8")
