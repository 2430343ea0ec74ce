"""Which Kafka client is chosen, and that nothing loads the other one."""

from __future__ import annotations

import subprocess
import sys
from importlib.machinery import ModuleSpec

import pytest

from roompulse.errors import UsageError
from roompulse.settings import Settings
from scorer import wiring
from tests.architecture.test_light_start import BLOCK
from tests.require import ROOT


@pytest.mark.parametrize(
    ("asked", "installed", "chosen"),
    [
        ("auto", True, "confluent"),
        ("auto", False, "kafka-python"),
        ("kafka-python", True, "kafka-python"),
        ("kafka-python", False, "kafka-python"),
        ("confluent", True, "confluent"),
    ],
)
def test_auto_takes_the_faster_client_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, asked: str, installed: bool, chosen: str
) -> None:
    """A client that is named is taken, whatever else is there."""
    found = ModuleSpec("confluent_kafka", None) if installed else None
    monkeypatch.setattr(wiring, "find_spec", lambda _: found)
    assert wiring.chosen_client(Settings(client=asked)) == chosen


def test_a_client_that_is_not_installed_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, exit code 2."""
    monkeypatch.setattr(wiring, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'roompulse\[fast\]'"):
        wiring.chosen_client(Settings(client="confluent"))


def test_scoring_starts_without_the_faster_client() -> None:
    """Nothing imports it before it is chosen: the base install does not bring it."""
    code = BLOCK.format(names={"confluent_kafka"}, module="scorer.score")
    started = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert started.returncode == 0, started.stderr
