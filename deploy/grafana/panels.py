"""The kinds of panel that the dashboards are made of. Sizes are Grafana's grid units, 24 to a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import bargauge, common, dashboard, heatmap, stat, statetimeline, table
from grafana_foundation_sdk.builders import timeseries as lines
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, FieldColorModeId
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from deploy.grafana.colours import ALWAYS_CALM, PURPLE, Colours, Steps, Words
from deploy.grafana.manners import across, ask, describe, fixed, hover, latest, legend, limits, mappings
from deploy.grafana.queries import Query
from deploy.grafana.thresholds import LIMIT

OVER_TIME = PromQueryFormat.TIME_SERIES


def number(
    title: str,
    query: Query,
    says: str,
    *,
    unit: str = "short",
    steps: Steps = ALWAYS_CALM,
    words: Words = (),
    rules: Sequence[str] = (),
    instant: bool = False,
    width: int = 3,
) -> stat.Panel:
    """One figure, its history behind it unless `instant` or told in words; no unit ("") shows the series' name."""
    panel = ask(describe(stat.Panel(), title, says, rules, width, 4), [query], OVER_TIME, instant=instant)
    panel.reduce_options(latest()).color_mode(options.BigValueColorMode.VALUE).mappings(mappings(words))
    panel.graph_mode(options.BigValueGraphMode.NONE if instant or words else options.BigValueGraphMode.AREA)
    panel.text_mode(options.BigValueTextMode.VALUE if unit else options.BigValueTextMode.NAME)
    return panel.unit(unit or "none").thresholds(limits(steps)).no_value("none")


def series(
    title: str,
    queries: Sequence[Query],
    says: str,
    *,
    unit: str = "short",
    steps: Steps = ALWAYS_CALM,
    colours: Colours | None = None,
    rules: Sequence[str] = (),
    stacked: bool = False,
    columns: bool = False,
    from_zero: bool = True,
    width: int = 8,
) -> lines.Panel:
    """Lines (or columns) over time with a table of their last and largest values; `steps` are lines across.

    A series whose name ends with `thresholds.LIMIT` is drawn as a line across as well.
    """
    panel = ask(describe(lines.Panel(), title, says, rules, width, 8), queries, OVER_TIME, instant=False)
    panel.legend(legend("lastNotNull", "max")).tooltip(hover()).unit(unit).line_width(2)
    panel.draw_style(options.GraphDrawStyle.BARS if columns else options.GraphDrawStyle.LINE)
    panel.fill_opacity(60 if stacked or columns else 5).thresholds(limits(steps))
    if from_zero:
        panel.min(0)
    if stacked or columns:
        panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
    if len(steps) > 1:
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED))
    # A series without a colour of its own takes one by its value: blue where it is small, purple where it is large.
    panel.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.CONTINUOUS_BL_PU))
    for name, colour in (colours or {}).items():
        panel.override_by_name(name, fixed(colour))
    if any(query.legend.endswith(LIMIT) for query in queries):
        panel.override_by_regexp(f"/{LIMIT}$/", across())
    return panel


def bars(
    title: str,
    query: Query,
    says: str,
    *,
    unit: str = "short",
    steps: Steps = ALWAYS_CALM,
    rules: Sequence[str] = (),
    width: int = 8,
) -> bargauge.Panel:
    """One bar a series: what the chosen time range came to."""
    panel = ask(describe(bargauge.Panel(), title, says, rules, width, 8), [query], OVER_TIME, instant=True)
    panel.reduce_options(latest()).orientation(options.VizOrientation.HORIZONTAL).min(0)
    panel.display_mode(options.BarGaugeDisplayMode.BASIC).show_unfilled(True)
    return panel.unit(unit).thresholds(limits(steps)).no_value("none")


def states(
    title: str, query: Query, says: str, words: Words, *, rules: Sequence[str] = (), width: int = 8
) -> statetimeline.Panel:
    """When each series was in which state."""
    panel = ask(describe(statetimeline.Panel(), title, says, rules, width, 8), [query], OVER_TIME, instant=False)
    panel.legend(legend()).mappings(mappings(words)).merge_values(True).row_height(0.8)
    panel.show_value(options.VisibilityMode.AUTO)
    panel.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    return panel.thresholds(limits([(at or None, colour) for at, (_, colour) in enumerate(words)]))


def heat(title: str, query: Query, says: str, *, unit: str, rules: Sequence[str] = (), width: int = 8) -> heatmap.Panel:
    """A histogram's buckets over time, in a palette for any colour vision."""
    panel = ask(
        describe(heatmap.Panel(), title, says, rules, width, 8), [query], PromQueryFormat.HEATMAP, instant=False
    )
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Cividis").steps(64)
    panel.exemplars_color(PURPLE).calculate(False).color(colours).show_legend()
    return panel.y_axis(heatmap.YAxisConfig().unit(unit))


def rows(
    title: str, queries: Sequence[Query], says: str, *, rules: Sequence[str] = (), width: int = 24, height: int = 8
) -> table.Panel:
    """A table of the labels and values at the end of the range, columns as its transformations leave them."""
    panel = ask(
        describe(table.Panel(), title, says, rules, width, height), queries, PromQueryFormat.TABLE, instant=True
    )
    return panel.thresholds(limits(ALWAYS_CALM)).no_value("")


def columns(names: Mapping[str, str], *hidden: str) -> DataTransformerConfig:
    """The columns of a table in this order, renamed; Prometheus's time of the answer is always hidden."""
    order = {name: at for at, name in enumerate(names)}
    excluded = dict.fromkeys(("Time", *hidden), True)
    made = {"excludeByName": excluded, "indexByName": order, "renameByName": dict(names)}
    return DataTransformerConfig("organize", options=made)
