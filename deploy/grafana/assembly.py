"""A dashboard from its rows of panels: positions, ids, links to the others, and JSON that is the same every time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.manners import RUNBOOK, Panel
from deploy.grafana.marks import Mark
from deploy.grafana.variables import Variable

TAG = "roompulse"


@dataclass(frozen=True, slots=True)
class Section:
    """A row with a title; its panels fill lines of 24 grid units from left to right."""

    title: str
    panels: Sequence[Panel]


def assemble(
    uid: str,
    title: str,
    says: str,
    variables: Sequence[Variable],
    marks: Sequence[Mark],
    sections: Sequence[Section],
) -> model.Dashboard:
    """Put a dashboard together. Ids are counted from the top, so that a link to a panel holds until one is put in."""
    builder = dashboard.Dashboard(title).uid(uid).description(says).tags([TAG]).readonly().timezone("browser")
    builder.time("now-1h", "now").refresh("10s").tooltip(model.DashboardCursorSync.CROSSHAIR)
    builder.variables(list(variables)).annotations(list(marks)).links(_links())
    for section in sections:
        builder.with_row(dashboard.Row(section.title))
        for panel in section.panels:
            builder.with_panel(panel)
    made = builder.build()
    for number, placed in enumerate(made.panels or [], 1):
        placed.id_val = number
    return made


def as_json(made: model.Dashboard) -> str:
    """The file's text."""
    return json.dumps(made, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def _links() -> list[Builder[model.DashboardLink]]:
    others = dashboard.DashboardLink("RoomPulse").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    runbook = dashboard.DashboardLink("Runbook").type(model.DashboardLinkType.LINK).url(RUNBOOK).icon("doc")
    return [others.keep_time(True).include_vars(True), runbook.target_blank(True)]
