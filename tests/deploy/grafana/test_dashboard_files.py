"""The dashboards' files: up to date, in order, and such that every panel can be read, filtered and looked up."""

from __future__ import annotations

import configparser
import itertools
import re
from typing import Any

import pytest
import yaml

from deploy.grafana.files import FOLDER, texts
from tests.deploy.grafana.asked import dashboards, everything_asked, filled, panels
from tests.require import ROOT

GRAFANA = FOLDER.parent
RULES = ROOT / "deploy" / "prometheus" / "rules"
MOUNTED = "/etc/grafana/dashboards"
ALL = dashboards()
TITLES = [dashboard["title"] for dashboard in ALL]
VALUES = {
    "instance": ".*", "partition": ".*", "window": "1h", "__rate_interval": "1m", "__range": "1h", "__interval": "15s",
}  # fmt: skip
SELECTOR = re.compile(r"(roompulse_(?!notify)\w+)(\{[^}]*\})?")


def test_the_committed_files_are_those_that_the_code_writes() -> None:
    """Otherwise: `python -m deploy.grafana`."""
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")} == texts()


@pytest.mark.parametrize("dashboard", ALL, ids=TITLES)
def test_panels_have_ids_of_their_own_and_fill_the_grid(dashboard: dict[str, Any]) -> None:
    """No id twice, no two panels on one place, none beyond the 24 columns, no holes in a line."""
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        for cell in itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])):
            assert cell not in taken, f"{panel['title']} lies on {taken[cell]}"
            taken[cell] = panel["title"]
    lines = 1 + max(line for _, line in taken)
    assert len(taken) == 24 * lines


@pytest.mark.parametrize("dashboard", ALL, ids=TITLES)
def test_every_panel_says_what_it_shows_and_what_is_normal(dashboard: dict[str, Any]) -> None:
    """Title, description, unit, a data source that can be chosen, and a legend where there are several series."""
    titles = [(section, panel["title"]) for section, panel in panels(dashboard)]
    assert len(set(titles)) == len(titles)
    for _, panel in panels(dashboard):
        title = panel["title"]
        assert "Normal: " in panel["description"] or panel["type"] in {"table", "heatmap"}, title
        assert panel["datasource"]["uid"] == "${datasource}", title
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"]), title
        if panel["type"] == "timeseries":
            assert panel["fieldConfig"]["defaults"]["unit"], title
            assert panel["options"]["legend"]["showLegend"], title
            assert all(target["legendFormat"] != "__auto" for target in panel["targets"]), title


@pytest.mark.parametrize("dashboard", ALL, ids=TITLES)
def test_dashboards_lead_to_each_other_and_mark_rules_and_models(dashboard: dict[str, Any]) -> None:
    """By their common tag, time and variables kept; rules that fire and models that change stand on every graph."""
    links = {link["title"]: link for link in dashboard["links"]}
    assert dashboard["tags"] == links["RoomPulse"]["tags"] == ["roompulse"]
    assert links["RoomPulse"]["keepTime"]
    assert links["RoomPulse"]["includeVars"]
    assert links["Runbook"]["url"] == "${runbook}"
    assert {"Rules", "Models"} <= {mark["name"] for mark in dashboard["annotations"]["list"]}


def test_every_query_uses_variables_that_its_dashboard_has_and_only_the_chosen_scorers() -> None:
    """Whatever a scorer exports is filtered by the variable `instance`."""
    offered = {board["title"]: {variable["name"] for variable in board["templating"]["list"]} for board in ALL}
    for asked in everything_asked():
        filled(asked.expression, VALUES)
        for name in VALUES:
            if f"${name}" in asked.expression and not name.startswith("__"):
                assert name in offered[asked.dashboard], asked.place
        for metric, matchers in SELECTOR.findall(asked.expression):
            if asked.kind != "variable":
                assert 'instance=~"$instance"' in matchers, f"{asked.place}: {metric}"


def test_every_alerting_rule_is_watched_by_a_panel_that_links_to_its_entry() -> None:
    """And no panel links to an entry of a rule that is not there; the runbook has a heading for each."""
    groups = yaml.safe_load((RULES / "alerting.yml").read_text(encoding="utf-8"))["groups"]
    rules = {rule["alert"].lower() for group in groups for rule in group["rules"]}
    linked = {link["url"] for board in ALL for _, panel in panels(board) for link in panel["links"]}
    assert linked == {f"${{runbook}}#{rule}" for rule in rules}
    headings = re.findall(r"^#+ (\w+)$", (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rules <= {heading.lower() for heading in headings}


def test_alerts_lead_to_dashboards_that_are_there() -> None:
    """The annotation `dashboard` of every rule ends with a dashboard's uid."""
    groups = yaml.safe_load((RULES / "alerting.yml").read_text(encoding="utf-8"))["groups"]
    named = {rule["annotations"]["dashboard"].rpartition("}")[2] for group in groups for rule in group["rules"]}
    assert named <= {board["uid"] for board in ALL}


def test_colours_are_those_that_everybody_can_tell_apart() -> None:
    """No colour by Grafana's own names, among which are green and red."""
    text = "".join(texts().values())
    named = re.findall(r'"(?:color|fixedColor|iconColor)": "([^"]*)"', text)
    assert named
    assert {colour for colour in named if not re.fullmatch("#[0-9A-F]{6}", colour)} == set()


def test_no_label_but_the_hottest_rooms_names_a_room() -> None:
    """Cardinality is constant: at most K rows with a room's name."""
    for asked in everything_asked():
        if "room)" in asked.expression or "room=" in asked.expression:
            assert asked.name == "Hottest rooms"
            assert "topk(20, " in asked.expression


def test_provisioning_names_files_and_sources_that_are_there() -> None:
    """One folder, one data source, the fleet overview as the first page, and viewers who cannot change anything."""
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/roompulse.yml").read_text())["providers"]
    assert (provider["folder"], provider["options"]["path"]) == ("RoomPulse", MOUNTED)
    assert not provider["allowUiUpdates"]
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
    scraping = yaml.safe_load((RULES.parent / "prometheus.yml").read_text(encoding="utf-8"))["global"]
    assert source["jsonData"]["timeInterval"] == scraping["scrape_interval"]
    settings = configparser.ConfigParser()
    settings.read(GRAFANA / "grafana.ini")
    home = settings["dashboards"]["default_home_dashboard_path"]
    assert home == f"{MOUNTED}/fleet.json"
    assert (FOLDER / "fleet.json").exists()
    assert settings["auth.anonymous"] == {"enabled": "true", "org_role": "Viewer"}
    assert "password" not in (option for section in settings.values() for option in section)
