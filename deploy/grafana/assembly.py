"""A dashboard from its rows of panels: positions, ids, links to the others, and JSON that is the same every time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.layout import COLUMNS, places
from deploy.grafana.manners import RUNBOOK, Panel
from deploy.grafana.marks import Mark
from deploy.grafana.variables import Variable

TAG = "roompulse"


@dataclass(frozen=True, slots=True)
class Section:
    """A row with a title, and its panels."""

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
    made = builder.build()
    made.panels = [placed for section in _placed(sections) for placed in section]
    for number, panel in enumerate(made.panels, 1):
        panel.id_val = number
    return made


def as_json(made: model.Dashboard) -> str:
    """The file's text."""
    return json.dumps(made, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def _placed(sections: Sequence[Section]) -> Iterator[list[model.Panel | model.RowPanel]]:
    """Each row's title and, below it, its panels."""
    top = 0
    for section in sections:
        title = dashboard.Row(section.title).grid_pos(model.GridPos(x=0, y=top, w=COLUMNS, h=1)).build()
        panels = [panel.build() for panel in section.panels]
        sizes = [(panel.grid_pos.w, panel.grid_pos.h) for panel in panels if panel.grid_pos is not None]
        found, top = places(sizes, top + 1)
        for panel, (x, y), (width, height) in zip(panels, found, sizes, strict=True):
            panel.grid_pos = model.GridPos(x=x, y=y, w=width, h=height)
        yield [title, *panels]


def _links() -> list[Builder[model.DashboardLink]]:
    others = dashboard.DashboardLink("RoomPulse").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    runbook = dashboard.DashboardLink("Runbook").type(model.DashboardLinkType.LINK).url(RUNBOOK).icon("doc")
    return [others.keep_time(True).include_vars(True), runbook.target_blank(True)]
