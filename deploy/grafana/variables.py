"""The variables of the dashboards: data source, scorer, partition, window, and where the runbook is."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.manners import SOURCE

Variable = dashboard.DatasourceVariable | dashboard.QueryVariable | dashboard.IntervalVariable
_ALL = model.VariableOption(selected=True, text="All", value="$__all")


def data_source() -> dashboard.DatasourceVariable:
    """Which Prometheus."""
    return dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")


def instance() -> dashboard.QueryVariable:
    """Which scorers; all of them at first."""
    return _of_label("instance", "Scorer", "label_values(roompulse_events_total, instance)", "Scorers to look at.")


def partition() -> dashboard.QueryVariable:
    """Which partitions, of the chosen scorers; all of them at first."""
    query = 'label_values(roompulse_offset_lag{instance=~"$instance"}, partition)'
    return _of_label("partition", "Partition", query, "Partitions of the input topic that these scorers serve.")


def window() -> dashboard.IntervalVariable:
    """Over how long errors are averaged."""
    spans = ("10m", "1h", "6h", "1d", "7d")
    offered = [model.VariableOption(selected=span == "1h", text=span, value=span) for span in spans]
    chosen = dashboard.IntervalVariable("window").label("Averaged over").values(",".join(spans))
    return chosen.options(offered).current(offered[1]).description("Longer windows are calmer and slower.")


def runbook() -> dashboard.QueryVariable:
    """The runbook's address for the links of the panels, from the recording rules, where alerts have it from too."""
    asked: dict[str, object] = {"query": "label_values(roompulse:links:info, runbook)", "refId": "variable-runbook"}
    variable = dashboard.QueryVariable("runbook").query(asked).datasource(SOURCE).hide(model.VariableHide.HIDE_VARIABLE)
    return variable.refresh(model.VariableRefresh.ON_DASHBOARD_LOAD)


def _of_label(name: str, label: str, query: str, says: str) -> dashboard.QueryVariable:
    # Refreshed with the time range: a scorer or partition that came later is offered without a reload.
    asked: dict[str, object] = {"query": query, "refId": f"variable-{name}"}
    variable = dashboard.QueryVariable(name).label(label).query(asked).datasource(SOURCE).description(says)
    variable.multi(True).include_all(True).all_value(".*").current(_ALL).sort(model.VariableSort.NUMERICAL_ASC)
    return variable.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
