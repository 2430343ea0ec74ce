"""docs/reference/rules.md: every recording and alerting rule of deploy/prometheus/rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from deploy.docs.markdown import code, page, table

RULES = Path(__file__).resolve().parent.parent / "prometheus" / "rules"


def rules_page(folder: Path) -> str:
    """A table of alerts, each linked to its runbook entry, and one of what is recorded."""
    known = list(rules(folder))
    alerts = [rule for rule in known if "alert" in rule]
    rows = (
        [
            f"[{rule['alert']}](../runbook.md#{rule['alert'].lower()})",
            rule["labels"]["severity"],
            code(rule.get("for", "at once")),
            rule["annotations"]["summary"],
        ]
        for rule in alerts
    )
    recorded = [rule for rule in known if "record" in rule]
    return page(
        "Rules",
        "deploy/prometheus/rules",
        "What Prometheus watches RoomPulse itself by. Alerts of rooms are something else: [Alerts](../alerts.md).\n",
        "## Alerts\n",
        table(["rule", "severity", "for", "says"], rows),
        "## When they fire\n",
        "".join(f"{code(rule['alert'])}:\n\n```text\n{rule['expr'].strip()}\n```\n\n" for rule in alerts),
        "## Recorded series\n",
        "".join(f"{code(_series(rule))}:\n\n```text\n{rule['expr'].strip()}\n```\n\n" for rule in recorded),
    )


def _series(rule: dict[str, Any]) -> str:
    labels = ", ".join(f'{name}="{value}"' for name, value in rule.get("labels", {}).items())
    return str(rule["record"]) + (f"{{{labels}}}" if labels else "")


def rules(folder: Path) -> Iterator[dict[str, Any]]:
    """Every rule of every group of every file."""
    for file in sorted(folder.glob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]
