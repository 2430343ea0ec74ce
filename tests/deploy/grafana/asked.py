"""What the committed dashboards ask Prometheus: every query of a panel, a variable and an annotation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from deploy.grafana.files import FOLDER

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_LABEL_VALUES = re.compile(r"label_values\((?P<selector>.+), (?P<label>\w+)\)")


@dataclass(frozen=True, slots=True)
class Asked:
    """One query and where it stands: a panel's title and the query's letter, or a variable's or annotation's name."""

    dashboard: str
    kind: Literal["panel", "variable", "annotation"]
    name: str
    letter: str
    expression: str
    instant: bool
    section: str = ""
    says: str = ""

    @property
    def place(self) -> str:
        """Unique over all dashboards."""
        return f"{self.dashboard} / {self.section or self.kind} / {self.name}{f' {self.letter}' if self.letter else ''}"


def dashboards() -> list[dict[str, Any]]:
    """The committed files, by name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]


def panels(dashboard: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every panel with the title of its row."""
    section = ""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            section = panel["title"]
        else:
            yield section, panel


def everything_asked() -> list[Asked]:
    """All queries, in the order in which they are seen."""
    return [asked for dashboard in dashboards() for asked in _of(dashboard)]


def filled(expression: str, values: Mapping[str, str]) -> str:
    """An expression with its variables replaced. Raises KeyError for one that has no value."""
    return _VARIABLE.sub(lambda found: values[found[1] or found[2]], expression)


def label_values(query: str) -> tuple[str, str]:
    """Selector and label of a variable's `label_values(selector, label)`."""
    found = _LABEL_VALUES.fullmatch(query)
    assert found, query
    return found["selector"], found["label"]


def _of(dashboard: Mapping[str, Any]) -> Iterator[Asked]:
    title = dashboard["title"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield Asked(title, "variable", variable["name"], "", variable["query"]["query"], instant=True)
    for mark in dashboard["annotations"]["list"]:
        yield Asked(title, "annotation", mark["name"], "", mark["target"]["expr"], instant=False)
    for section, panel in panels(dashboard):
        for target in panel["targets"]:
            letter = target["refId"] if len(panel["targets"]) > 1 else ""
            yield Asked(
                title, "panel", panel["title"], letter, target["expr"], target["instant"], section, panel["description"]
            )
