"""A real run for the dashboards: everything that is scraped in production, and a simulated stream through it.

Kafka, Redis, two scorers, notify, Alertmanager, and a Prometheus with the real rules. The stream has surges, slumps, a
move of the whole fleet, late, repeated and missing minutes, and records that must be refused; a model is promoted and
another one tried in its shadow, a network demoted; Redis goes away for a moment; people have their say on alerts.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from roompulse.local_server import LOOPBACK, free_port
from tests.deploy.grafana.provoked import broker_of, have_a_say, promote, refuse, serve_plain
from tests.journeys.live import Live
from tests.journeys.running import RunningScorer
from tests.require import ROOT
from tests.scorer.bundles import bundle_at
from tests.services.alertmanager import Alertmanager
from tests.services.kafka import Kafka
from tests.services.prometheus import Prometheus
from tests.services.redis import RedisServer

DEPLOY = ROOT / "deploy"
PARTITIONS = 4
ROOMS, MINUTES = 160, 55
STREAM = (
    "--rooms", str(ROOMS), "--minutes", str(MINUTES), "--speed", "240", "--typical-size", "60", "--seed", "7",
    "--surges-per-room-hour", "1.5", "--slumps-per-room-hour", "0.5", "--late-rate", "0.02", "--duplicate-rate", "0.02",
    "--missing-rate", "0.01", "--fleet-move", "42:12:0.3", "--continuous", "--no-clock",
)  # fmt: skip
AWAY_S = 1.5
SEEN_S = 6.0
"""Scorers tell every five seconds how their partitions stand; a second later Prometheus knows."""
VALUES = {"window": "20s", "__rate_interval": "10s", "__range": "3m", "__interval": "2s"}
"""Short, since the run is short and Prometheus looks every second."""


@contextmanager
def scraped_run(kafka: Kafka, redis_server: RedisServer, folder: Path) -> Iterator[Prometheus]:
    """A Prometheus that has seen it all. The scorers still run, so that their gauges are there."""
    live = Live(kafka.address, redis_server.url, f"g{uuid.uuid4().hex[:8]}.")
    live.create_topics(PARTITIONS)
    better = bundle_at(folder / "better", "2")
    registry = folder / "models"
    shutil.copytree(better.folder, registry / better.label)
    models = ("--registry", str(registry), "--shadow-share", "1")
    one, two, forwarding = (free_port() for _ in range(3))
    with ExitStack() as stack:
        scorers = [
            stack.enter_context(RunningScorer(_score(live, port, *models, *more), folder / str(port), port))
            for port, more in ((one, ("--drift",)), (two, ()))
        ]
        alertmanager = stack.enter_context(Alertmanager(DEPLOY / "alertmanager" / "alertmanager.yml"))
        posting = ("--alertmanager-url", alertmanager.url, "--metrics-port", str(forwarding))
        stack.enter_context(_running(live, "notify", *posting))
        jobs = {"roompulse-scorer": (one, two), "roompulse-notify": (forwarding,), "alertmanager": (alertmanager.port,)}
        prometheus = stack.enter_context(Prometheus(lambda at: _configured(at, jobs)))
        for scorer in scorers:
            scorer.until_ready()
        _until(
            "two partitions each", lambda: all(len(scorer.metric("roompulse_rooms_live")) == 2 for scorer in scorers)
        )
        stream = stack.enter_context(_running(live, "simulate", *STREAM, "--start", _start()))
        _until("a third of the stream", lambda: _events(scorers) > ROOMS * MINUTES / 3)
        promote(live, better, PARTITIONS)
        _until("half of the stream", lambda: _events(scorers) > ROOMS * MINUTES / 2)
        redis_server.kill()
        time.sleep(AWAY_S)
        redis_server.start()
        refuse(live)
        serve_plain(live, partition=0)
        have_a_say(live)
        assert stream.wait(60) == 0
        _until("all of it", lambda: sum(sum(scorer.metric("roompulse_offset_lag").values()) for scorer in scorers) == 0)
        time.sleep(SEEN_S)
        yield prometheus


def _score(live: Live, port: int, *more: str) -> list[str]:
    return live.score_command("--metrics-port", str(port), "--instance-id", f"at-{port}", *more)


def _start() -> str:
    """The stream ends about now, and the rooms' local time is the evening, whatever the time is here."""
    start = datetime.now(UTC) - timedelta(minutes=MINUTES)
    ahead = (20 - start.hour + 12) % 24 - 12
    return start.astimezone(timezone(timedelta(hours=ahead))).isoformat(timespec="minutes")


def _configured(folder: Path, jobs: Mapping[str, Sequence[int]]) -> Path:
    """The jobs' real names and the real rules, looked at every second; waits before firing are left out."""
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    for path in (DEPLOY / "prometheus" / "rules").glob("*.yml"):
        text = re.sub(r"^(\s+)(?:for|interval|keep_firing_for): .*\n", "", path.read_text(encoding="utf-8"), flags=re.M)
        (rules / path.name).write_text(text, encoding="utf-8")
    scraped = [
        {"job_name": job, "static_configs": [{"targets": [f"{LOOPBACK}:{port}" for port in at]}]}
        for job, at in jobs.items()
    ]
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config = folder / "prometheus.json"
    config.write_text(json.dumps({"global": every, "rule_files": ["rules/*.yml"], "scrape_configs": scraped}))
    return config


@contextmanager
def _running(live: Live, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "roompulse", *arguments, *broker_of(live)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _events(scorers: Sequence[RunningScorer]) -> float:
    return sum(sum(scorer.metric("roompulse_events_total").values()) for scorer in scorers)


def _until(what: str, holds: Callable[[], bool], within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s"
        time.sleep(0.1)
