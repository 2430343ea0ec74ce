"""A scorer under a real Prometheus and Alertmanager, with the configuration and rules that are shipped."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.native.hurry import hurried
from tests.deploy.rule_files import FOLDER, RULES, recorded, runbook_questions
from tests.journeys.good_rooms import MINUTES, ROOMS, write_history
from tests.journeys.live import Live
from tests.journeys.running import RunningScorer
from tests.require import ROOT
from tests.services.alertmanager import Alertmanager
from tests.services.kafka import Kafka
from tests.services.prometheus import Prometheus
from tests.services.redis import RedisServer

TIMES = 20
"""What Prometheus waits for and looks back over is divided by this; all else is as it is shipped."""
WITHIN_S = 40.0
WITHOUT_DATA = {"roompulse:forecast_drift:ratio1d"}
"""Needs `--drift` and a day."""


@pytest.fixture
def live(kafka: Kafka, redis_server: RedisServer) -> Live:
    """Topics with two partitions."""
    live = Live(kafka.address, redis_server.url, f"w{uuid.uuid4().hex[:8]}.")
    live.create_topics(2)
    return live


@pytest.fixture
def scorer(live: Live, tmp_path: Path) -> Iterator[RunningScorer]:
    """A scorer that serves partitions."""
    with RunningScorer(live.score_command(), tmp_path / "scorer") as running:
        running.until_ready()
        yield running


@pytest.fixture
def alertmanager() -> Iterator[Alertmanager]:
    """With the shipped configuration."""
    with Alertmanager(ROOT / "deploy" / "alertmanager" / "alertmanager.yml") as server:
        yield server


def address_of(scorer: RunningScorer) -> str:
    """Where its metrics are."""
    found = re.search(r"metrics on http://(\S+)/metrics", scorer.log)
    assert found
    return found[1]


def watched(scorer: RunningScorer, alertmanager: Alertmanager) -> Callable[[Path], Path]:
    """Writes the shipped files, hurried, with the target files that the configuration asks for."""
    targets = {
        "targets/roompulse-scorer": address_of(scorer),
        "targets/alertmanager": alertmanager.address,
        "alertmanagers/alertmanager": alertmanager.address,
    }

    def write(folder: Path) -> Path:
        for file in (FOLDER / "prometheus.yml", *RULES.glob("*.yml")):
            copy = folder / file.relative_to(FOLDER)
            copy.parent.mkdir(exist_ok=True)
            copy.write_text(hurried(file.read_text(encoding="utf-8"), TIMES), encoding="utf-8")
        for name, address in targets.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / f"{name}.json").write_text(f'[{{"targets": ["{address}"]}}]', encoding="utf-8")
        return folder / "prometheus.yml"

    return write


def until(what: str, holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {WITHIN_S:g} s"
        time.sleep(0.2)


def test_a_redis_that_goes_is_told_to_alertmanager_and_taken_back(
    live: Live, redis_server: RedisServer, scorer: RunningScorer, alertmanager: Alertmanager, tmp_path: Path
) -> None:
    """Every rule evaluates on what a scorer exports; RedisAway comes with its runbook entry, and goes with Redis."""
    history = tmp_path / "history.csv"
    write_history(history)
    live.produce(str(history))
    scorer.until_events(MINUTES * len(ROOMS))

    def told() -> dict[str, dict[str, Any]]:
        return {alert["labels"]["alertname"]: alert for alert in alertmanager.alerts()}

    with Prometheus(watched(scorer, alertmanager)) as prometheus:
        until("scrapes", lambda: bool(prometheus.query("rate(roompulse_events_total[15s])")))
        until("the watchdog is heard", lambda: "Watchdog" in told())
        missing = WITHOUT_DATA
        until("all is recorded", lambda: {name for name in recorded() if not prometheus.query(name)} == missing)
        groups = prometheus.api("rules")["groups"]
        assert {
            rule["name"]: rule.get("lastError", "") for group in groups for rule in group["rules"]
        } == dict.fromkeys({rule["name"] for group in groups for rule in group["rules"]}, "")
        for question in runbook_questions():
            prometheus.query(question)
        assert not {"RedisAway", "BrokerAway", "NoScorer", "ScorerDown"} & prometheus.firing()

        redis_server.stop()
        live.produce(str(history))  # there has to be something to save
        until("RedisAway is told", lambda: "RedisAway" in told())
        alert = told()["RedisAway"]
        assert alert["labels"]["severity"] == "page"
        assert alert["labels"]["instance"] == address_of(scorer)
        assert alert["annotations"]["runbook_url"] == "https://roompulse.example/runbook/#redisaway"
        assert re.search(r"\d+ changed rooms wait in memory", alert["annotations"]["description"])
        assert "### RedisAway" in (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")

        redis_server.start()
        until("RedisAway is over", lambda: "RedisAway" not in told())
        assert "RedisAway" not in prometheus.firing()
    assert scorer.stop()["unaccounted"] == 0
