"""The rules of deploy/prometheus/rules as a PrometheusRule: kustomize cannot put one YAML file into another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
RULES = HERE.parent / "prometheus" / "rules"
FILE = HERE / "base" / "prometheus-rule.yaml"

HEAD = "# Made by `python -m deploy.kubernetes` from deploy/prometheus/rules/*.yml: change those.\n"


def groups() -> list[dict[str, Any]]:
    """Every group of every file, in the files' order by name and in their own order."""
    files = sorted(RULES.glob("*.yml"))
    return [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]


def text() -> str:
    """The whole file."""
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "roompulse", "labels": {"app.kubernetes.io/name": "roompulse"}},
        "spec": {"groups": groups()},
    }
    return HEAD + yaml.safe_dump(resource, sort_keys=False, allow_unicode=True, width=120)
