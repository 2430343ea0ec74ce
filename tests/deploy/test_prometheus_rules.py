"""The rules that watch RoomPulse itself: valid, tried both ways, about metrics that exist, and in the runbook."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from roompulse.cli import COMMANDS
from tests.deploy.rule_files import (
    CASES,
    FOLDER,
    RULES,
    RUNBOOK,
    alerts,
    cases,
    metrics_exported,
    metrics_named,
    recorded,
    rules,
)
from tests.require import ROOT
from tests.services.prometheus import promtool


def run_promtool(*arguments: str | Path) -> None:
    """promtool has to be content."""
    done = subprocess.run([promtool(), *map(str, arguments)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_rules_and_configuration() -> None:
    """What Prometheus would refuse to load, or load and warn of."""
    run_promtool("check", "rules", "--lint=all", "--lint-fatal", *sorted(RULES.glob("*.yml")))
    run_promtool("check", "config", FOLDER / "prometheus.yml")


@pytest.mark.parametrize("file", sorted(CASES.glob("*.yml")), ids=lambda file: file.stem)
def test_rules_give_what_their_cases_say(file: Path) -> None:
    """Values, labels and every word of the annotations."""
    run_promtool("test", "rules", file)


def test_every_alert_is_seen_firing_and_not_firing() -> None:
    """A rule that cannot fire looks like one that need not."""
    tried = [each for case in cases() for each in case.get("alert_rule_test", [])]
    firing = {each["alertname"] for each in tried if each["exp_alerts"]}
    quiet = {each["alertname"] for each in tried if not each["exp_alerts"]}
    assert firing == set(alerts())
    assert quiet == set(alerts()) - {"Watchdog"}  # it always fires


def test_every_recorded_series_is_computed_in_a_case() -> None:
    """In figures that a reader can check."""
    asked = " ".join(each["expr"] for case in cases() for each in case.get("promql_expr_test", []))
    assert {name for name in recorded() if name in asked} == recorded()


def test_names_are_unique() -> None:
    """Two alerts of one name could not be told apart; only thresholds share theirs, and have a rule each."""
    names = [rule["alert"] for rule in rules() if "alert" in rule]
    assert len(names) == len(set(names))
    series = [rule["record"] for rule in rules() if "record" in rule and rule["record"] != "roompulse:threshold"]
    assert len(series) == len(set(series))


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_all_that_is_needed(name: str) -> None:
    """How urgent, whose, what in one line, more, where to read on and where to look."""
    rule = alerts()[name]
    assert rule["labels"] == {"severity": rule["labels"]["severity"], "service": "roompulse", "source": "rules"}
    assert rule["labels"]["severity"] in {"page", "warning", "info"}
    told: dict[str, Any] = rule["annotations"]
    assert told.keys() == {"summary", "description", "runbook_url", "dashboard"}
    assert told["runbook_url"].endswith(f"}}}}#{name.lower()}")
    assert re.search(r"\}\}roompulse-(fleet|forecast|pipeline)$", told["dashboard"])
    assert "for" in rule or name == "Watchdog"


def test_thresholds_stand_once_and_are_used() -> None:
    """Each belongs to the alert of its name, which reads no other."""
    set_for = [rule["labels"]["rule"] for rule in rules() if rule.get("record") == "roompulse:threshold"]
    read = {name: re.findall(r'roompulse:threshold\{rule="(\w+)"\}', rule["expr"]) for name, rule in alerts().items()}
    assert len(set_for) == len(set(set_for))
    assert {name: {name} for name in set_for} == {name: set(found) for name, found in read.items() if found}


def test_rules_are_about_metrics_that_exist() -> None:
    """By the names under which scorer and notify export them."""
    assert set.union(*(metrics_named(str(rule)) for rule in rules())) <= metrics_exported()


def test_recorded_series_exist_where_they_are_read() -> None:
    """A misspelt name would give nothing, and nothing never fires."""
    read = set.union(*(set(re.findall(r"\broompulse:[a-z0-9_:]+", str(rule))) for rule in rules()))
    assert read <= recorded()


def test_the_runbook_has_an_entry_for_each_alert_and_no_other() -> None:
    """Under the alert's own name, which the link ends in."""
    text = RUNBOOK.read_text(encoding="utf-8")
    entries = re.findall(r"^### (\w+)$", text, re.MULTILINE)
    assert len(entries) == len(set(entries))
    assert set(entries) == set(alerts())
    for entry in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        name = entry.split("\n", 1)[0]
        assert [part for part in ("**Means**", "**Look**", "**Do**", "**Harmless**") if part not in entry] == [], name


def test_the_runbook_names_only_metrics_that_exist() -> None:
    """Somebody who types them in at night must get an answer."""
    text = RUNBOOK.read_text(encoding="utf-8")
    assert metrics_named(text) <= metrics_exported()
    assert set(re.findall(r"\broompulse:[a-z0-9_:]+", text)) <= recorded()


def test_the_runbook_names_commands_and_log_lines_that_exist() -> None:
    """What is to be run is a command, and what is to be found in the scorer's log is said there."""
    text = RUNBOOK.read_text(encoding="utf-8")
    commands = re.findall(r"(?:\brp|`roompulse) ([a-z]+)", text)
    assert len(commands) > 10
    assert set(commands) <= {*COMMANDS}
    sought = re.findall(r"logs scorer-1[^|\n]*\| grep (?:-[iE] )*'([^']+)'", text)
    source = (ROOT / "scorer" / "narrate.py").read_text(encoding="utf-8").lower()
    words = {word for pattern in sought for word in pattern.split("|")}
    assert len(words) > 3
    assert {word for word in words if word.lower() not in source} == set()


def test_the_runbook_names_panels_that_exist() -> None:
    """On the dashboard that it says."""
    text = " ".join(RUNBOOK.read_text(encoding="utf-8").split())
    named = [
        (dashboard, title)
        for dashboard, titles in re.findall(r'(\w+ (?:overview|quality|health)), ((?:"[^"]+"(?:, )?)+)', text)
        for title in re.findall(r'"([^"]+)"', titles)
    ]
    assert len(named) > 10
    made = {
        (found["title"].removeprefix("RoomPulse ").capitalize(), panel["title"])
        for file in (ROOT / "deploy" / "grafana" / "dashboards").glob("*.json")
        for found in [json.loads(file.read_text(encoding="utf-8"))]
        for panel in found["panels"]
    }
    assert set(named) <= made
