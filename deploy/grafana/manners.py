"""What all panels have in common: a description, a size, a data source that can be chosen, a way to the runbook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, heatmap, prometheus, stat, statetimeline, table
from grafana_foundation_sdk.builders import timeseries as lines
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from deploy.grafana.colours import GREY, Steps, Words
from deploy.grafana.queries import Query

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
RUNBOOK = "${runbook}"
"""The variable that holds the runbook's address, so that it stands once on each dashboard."""

Panel = lines.Panel | stat.Panel | bargauge.Panel | statetimeline.Panel | table.Panel | heatmap.Panel
P = TypeVar("P", lines.Panel, stat.Panel, bargauge.Panel, statetimeline.Panel, table.Panel, heatmap.Panel)


def describe(panel: P, title: str, says: str, rules: Sequence[str], width: int, height: int) -> P:
    """Title, what is seen and what is normal, size in grid units, the runbook's entries on rules that watch it."""
    panel.title(title).description(says).datasource(SOURCE).span(width).height(height)
    return panel.links([_entry(rule) for rule in rules])


def _entry(rule: str) -> Builder[model.DashboardLink]:
    link = dashboard.DashboardLink(f"Runbook: {rule}").type(model.DashboardLinkType.LINK)
    return link.url(f"{RUNBOOK}#{rule.lower()}").target_blank(True)


def ask(panel: P, queries: Sequence[Query], form: PromQueryFormat, *, instant: bool) -> P:
    """Add the queries as A, B and so on; `instant` asks for the end of the chosen range only."""
    for number, query in enumerate(queries):
        target = prometheus.Dataquery().ref_id(chr(ord("A") + number)).expr(query.expression).datasource(SOURCE)
        target.legend_format(query.legend or "__auto").format(form)
        panel.with_target(target.instant() if instant else target.range())
    return panel


def limits(steps: Steps) -> dashboard.ThresholdsConfig:
    """Thresholds as absolute values."""
    made = [model.Threshold(value, colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(made)


def mappings(words: Words) -> list[model.ValueMapping]:
    """Words in place of the values 0, 1 and so on."""
    told = {str(at): model.ValueMappingResult(word, colour, index=at) for at, (word, colour) in enumerate(words)}
    return [model.ValueMap(told)] if told else []


def fixed(colour: str) -> list[model.DynamicConfigValue]:
    """The override that gives a series its colour."""
    return [model.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})]


def across() -> list[model.DynamicConfigValue]:
    """The override that makes a series a dashed line across, which belongs to no stack."""
    dashes = {"fill": "dash", "dash": [8, 8]}
    unfilled = {"custom.lineStyle": dashes, "custom.fillOpacity": 0, "custom.stacking": {"mode": "none", "group": "A"}}
    return [*fixed(GREY), *(model.DynamicConfigValue(name, value) for name, value in unfilled.items())]


def latest() -> common.ReduceDataOptions:
    """One value a series: its last one."""
    return common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)


def legend(*calculations: str) -> common.VizLegendOptions:
    """Names below the panel; as a table where values are asked for."""
    mode = options.LegendDisplayMode.TABLE if calculations else options.LegendDisplayMode.LIST
    shown = common.VizLegendOptions().display_mode(mode).show_legend(True)
    return shown.placement(options.LegendPlacement.BOTTOM).calcs(list(calculations))


def hover() -> common.VizTooltipOptions:
    """All series at once, the largest first."""
    return common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING)
