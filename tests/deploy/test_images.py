"""The images, built for real and run as they run in production: without root, on a read-only root file system."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from roompulse import __version__
from roompulse.cli import COMMANDS
from roompulse.local_server import free_port
from tests.deploy.images import Image, build
from tests.journeys.live import roompulse
from tests.journeys.running import RunningScorer
from tests.require import ROOT
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer

SCORER = "deploy/scorer/Dockerfile"
TRAINER = "deploy/trainer/Dockerfile"
WITH_TRAINER = "ROOMPULSE_TRAINER_IMAGE"
"""TensorFlow makes that image big: building it takes minutes, so it is only done where this is set."""

SIMULATED = ("--rooms", "3", "--minutes", "60", "--continuous")

pytestmark = pytest.mark.timeout(900)  # Debian's packages, then the libraries, have to be fetched


@pytest.fixture(scope="module")
def scorer() -> Iterator[Image]:
    """The image that serves."""
    build(SCORER, "roompulse")
    with Image("roompulse") as image:
        yield image


def test_the_scorer_s_image_runs_as_nobody_in_particular(scorer: Image) -> None:
    """A fixed number is the user, so that Kubernetes can tell that it is not root; it is nobody's home."""
    assert scorer.config["User"] == "10001:10001"
    assert scorer.must("id -u; id -g; echo $HOME").split() == ["10001", "10001", "/tmp"]
    assert scorer.config["Labels"]["org.opencontainers.image.version"] == __version__


def test_the_scorer_s_image_holds_nothing_that_serving_does_not_need(scorer: Image) -> None:
    """No TensorFlow, no compiler, no pip, no cache, no wheel, and no file that its own user could change."""
    assert scorer.must("for tool in cc gcc g++ make pip pip3; do command -v $tool || true; done") == ""
    packages = {path.name.lower().partition("-")[0] for path in scorer.root.glob("opt/roompulse/lib/*/site-packages/*")}
    assert {"roompulse", "numpy", "river", "opentelemetry"} <= packages
    assert not packages & {"tensorflow", "tensorflow_cpu", "keras", "tf2onnx", "onnx", "pip", "setuptools", "pytest"}
    assert not [*scorer.root.glob("tmp/*"), *scorer.root.glob("root/.cache"), *scorer.root.glob("src")]
    assert scorer.must("find / -xdev -name '*.whl' -not -path '/usr/share/*' 2>/dev/null || true") == ""
    own = scorer.must("find / -xdev -user 10001 -not -path '/tmp*' -not -path '/proc*' 2>/dev/null || true")
    assert set(own.split()) == {"/var/lib/roompulse", "/var/lib/roompulse/models"}


def test_the_scorer_s_image_starts_every_command_that_does_not_train(scorer: Image) -> None:
    """`--version` and the help of each command come from the image's own installation, on a read-only root."""
    assert scorer.run("roompulse", "--version").stdout == f"roompulse {__version__}\n"
    serving = [name for name, (module, _) in COMMANDS.items() if not module.startswith("trainer.")]
    scorer.must("".join(f"roompulse {name} --help >/dev/null\n" for name in serving))
    assert scorer.run("touch", "/opt/roompulse/x").returncode != 0


def test_a_backtest_in_the_image_writes_the_same_bytes_as_here(scorer: Image, tmp_path: Path) -> None:
    """The image's libraries are those of constraints.txt, so its forecasts and alerts are ours to the last bit."""
    told = scorer.must(
        f"roompulse simulate {' '.join(SIMULATED)} --out /tmp/rooms.csv >/dev/null\n"
        "roompulse backtest /tmp/rooms.csv --out /tmp/result --json\n"
        "sha256sum /tmp/result/forecasts.jsonl /tmp/result/alerts.jsonl"
    ).splitlines()
    assert json.loads(told[-3])["forecasts_out"] > 150
    rooms, result = tmp_path / "rooms.csv", tmp_path / "result"
    assert roompulse("simulate", *SIMULATED, "--out", str(rooms)).returncode == 0
    assert roompulse("backtest", str(rooms), "--out", str(result)).returncode == 0
    for line, name in zip(told[-2:], ("forecasts.jsonl", "alerts.jsonl"), strict=True):
        assert line.split()[0] == hashlib.sha256((result / name).read_bytes()).hexdigest()


def test_a_scorer_in_the_image_serves_and_its_health_check_agrees(
    scorer: Image, kafka: Kafka, redis_server: RedisServer, tmp_path: Path
) -> None:
    """The image's own health check fails before there is a scorer, holds once it serves, and SIGTERM ends it with 0."""
    found = re.search(r"HEALTHCHECK .*\\\n\s+CMD (\[.+\])", (ROOT / SCORER).read_text(encoding="utf-8"))
    assert found is not None
    check = json.loads(found[1])
    port = free_port()
    env = {
        "ROOMPULSE_BOOTSTRAP_SERVERS": kafka.address,
        "ROOMPULSE_REDIS_URL": redis_server.url,
        "ROOMPULSE_TOPIC_PREFIX": "image.",
        "ROOMPULSE_METRICS_PORT": str(port),
    }
    assert scorer.run(*check, env=env).returncode != 0
    command = scorer.command(*scorer.config["Entrypoint"], *scorer.config["Cmd"], "--drift", env=env)
    with RunningScorer(command, tmp_path, port) as running:
        running.until_ready()
        assert scorer.run(*check, env=env).returncode == 0
        running.stop()


def test_the_two_dockerfiles_differ_where_they_must() -> None:
    """What is proved of one holds for the other: only the libraries, the labels and what is served differ."""
    lines = {
        name: {line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")}
        for name in (SCORER, TRAINER)
    }
    apart = lines[SCORER] ^ lines[TRAINER]
    known = re.compile(
        r'.*extras\["(drift|train)"\]|LABEL .*title=|.*image\.description=|.*ROOMPULSE_METRICS_'
        r"|.*TF_CPP_MIN_LOG_LEVEL|EXPOSE|HEALTHCHECK|  CMD|CMD"
        r"|RUN apt-get update| && apt-get install .* libgomp1 | && rm -rf /var/lib/apt"
    )
    assert not [line for line in apart if not known.match(line)]


def train_in_the_image() -> None:
    """With TensorFlow, without root, on a read-only root: a bundle comes out."""
    build(TRAINER, "roompulse-trainer")
    with Image("roompulse-trainer") as image:
        told = image.must(
            "roompulse simulate --rooms 4 --minutes 300 --continuous --out /tmp/rooms.csv.gz >/dev/null\n"
            "roompulse train /tmp/rooms.csv.gz --steps 4 --members 1 --out /tmp/result >/dev/null\n"
            "ls /tmp/result; id -u; command -v gcc cc pip || true"
        ).split()
        assert {"model.onnx", "bundle.json", "10001"} <= set(told)
        assert told[-1] == "10001"


if os.environ.get(WITH_TRAINER):

    def test_the_trainer_s_image_trains() -> None:
        """The other image is built and used where somebody asks for it."""
        train_in_the_image()
