"""What must not be loaded: no TensorFlow for scoring, next to nothing for `--help`. Each case has its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from roompulse.cli import COMMANDS
from tests.require import ROOT

TRAINING_ONLY = (
    "chinese_calendar", "keras", "onnx", "optuna", "pandas", "plotly", "river", "sklearn", "statsmodels", "tensorflow",
    "tf2onnx",
)  # fmt: skip
HEAVY = ("confluent_kafka", "kafka", "msgspec", "numpy", "onnxruntime", "prometheus_client", "redis", "rich")
NOT_TRAINING = [
    "roompulse.cli",
    *sorted(module for module, _ in COMMANDS.values() if not module.startswith("trainer.")),
]

# A finder that stands before all others and acts as if these packages were not installed.
BLOCK = """
import importlib, importlib.abc, sys
class NotInstalled(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}} (blocked by this test)", name=name)
sys.meta_path.insert(0, NotInstalled())
importlib.import_module({module!r})
"""

LOADED = """
import json, sys
from roompulse.cli import main
try:
    main({arguments!r})
except SystemExit as stop:
    assert not stop.code, stop.code
print(json.dumps(sorted({{name.split(".")[0] for name in sys.modules}})))
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code from the repository's root in a fresh process."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("module", NOT_TRAINING)
def test_only_the_trainer_needs_the_training_libraries(module: str) -> None:
    """Everything but training starts where TensorFlow, pandas and their like are not installed."""
    started = run(BLOCK.format(names=set(TRAINING_ONLY), module=module))
    assert started.returncode == 0, started.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    """`roompulse --help` answers at once because it loads argparse and the list of commands, nothing else."""
    answered = run(LOADED.format(arguments=arguments))
    assert answered.returncode == 0, answered.stderr
    loaded = set(json.loads(answered.stdout.splitlines()[-1]))
    assert not loaded & {*HEAVY, *TRAINING_ONLY}


def test_help_of_scoring_loads_no_training_library() -> None:
    """`roompulse score --help` lists every setting without TensorFlow having been loaded."""
    answered = run(LOADED.format(arguments=["score", "--help"]))
    assert answered.returncode == 0, answered.stderr
    assert not set(json.loads(answered.stdout.splitlines()[-1])) & set(TRAINING_ONLY)
