"""The rules of deploy/prometheus and their promtool cases, as the tests read them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.architecture.sources import source_files
from tests.require import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "rules"
CASES = FOLDER / "tests"
RUNBOOK = ROOT / "docs" / "runbook.md"

_DECLARED = re.compile(
    r'\b(Counter|Gauge|Histogram|gauge|GaugeMetricFamily|HistogramMetricFamily)\(\s*"(roompulse_[a-z_]+)"'
)
_SUFFIXES = {"Counter": ("_total",), "Histogram": ("_bucket", "_count", "_sum"), "Gauge": ("",)}


@cache
def rules() -> list[dict[str, Any]]:
    """Every rule, in the files' order."""
    return [rule for file in sorted(RULES.glob("*.yml")) for group in _read(file)["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """The alerting rules by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recorded() -> set[str]:
    """Names of the recorded series."""
    return {rule["record"] for rule in rules() if "record" in rule}


@cache
def cases() -> list[dict[str, Any]]:
    """Every test of every file that promtool runs."""
    return [case for file in sorted(CASES.glob("*.yml")) for case in _read(file)["tests"]]


def metrics_named(text: str) -> set[str]:
    """The metrics that a text names; recorded series have colons in their names and are others."""
    return set(re.findall(r"(?<![\w:])roompulse_[a-z_]+(?![\w:])", text))


@cache
def metrics_exported() -> set[str]:
    """Names of the series that the code declares, with the suffixes that counters and histograms get."""
    found = set()
    for path in source_files("scorer", "watch"):
        for kind, name in _DECLARED.findall((ROOT / path).read_text(encoding="utf-8")):
            kind = kind.removesuffix("MetricFamily").capitalize()
            found |= {name + suffix for suffix in _SUFFIXES[kind]}
    return found


def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))
