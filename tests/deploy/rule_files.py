"""The rules of deploy/prometheus and their promtool cases, as the tests read them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from scorer.adapters.prometheus_metrics import PrometheusMetrics
from tests.require import ROOT
from watch.notify.metrics import NotifyMetrics

FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "rules"
CASES = FOLDER / "tests"
RUNBOOK = ROOT / "docs" / "runbook.md"

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


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


def runbook_questions() -> list[str]:
    """The queries that the runbook has people type in."""
    return re.findall(r"\bask '([^']+)'", RUNBOOK.read_text(encoding="utf-8"))


def metrics_named(text: str) -> set[str]:
    """The metrics that a text names; recorded series have colons in their names and are others."""
    return set(re.findall(r"(?<![\w:])roompulse_[a-z_]+(?![\w:])", text))


@cache
def metrics_exported() -> set[str]:
    """Names of the series that a scrape of the scorer and of notify can have."""
    families = [
        *PrometheusMetrics("kafka-python").registry.collect(),
        *NotifyMetrics(("alertmanager",)).registry.collect(),
    ]
    return {family.name + suffix for family in families for suffix in _SUFFIXES[family.type]}


def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))
