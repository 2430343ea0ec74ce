"""The alerting rules' thresholds, which stand in deploy/prometheus/rules/recording.yml and nowhere else."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from deploy.grafana.queries import Query

RECORDING = Path(__file__).resolve().parent.parent / "prometheus" / "rules" / "recording.yml"
LIMIT = "limit"
"""How the legend of every line that shows a threshold ends."""


def line_of(rule: str) -> Query:
    """The threshold as Prometheus has it now, for a line across a graph."""
    return Query(f'roompulse:threshold{{rule="{rule}"}}', LIMIT)


@cache
def value_of(rule: str) -> float:
    """The threshold as it stood when the dashboards were written, for the colour of a figure.

    Raises KeyError for a rule without one.
    """
    groups = yaml.safe_load(RECORDING.read_text(encoding="utf-8"))["groups"]
    found = {
        recorded["labels"]["rule"]: recorded["expr"]
        for group in groups
        for recorded in group["rules"]
        if recorded["record"] == "roompulse:threshold"
    }
    return float(found[rule].removeprefix("vector(").removesuffix(")"))
