"""The table of the hottest rooms: the only place where rooms have names, at most K of them."""

from __future__ import annotations

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models.common import TableColoredBackgroundCellOptions
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue

from deploy.grafana.colours import warn_from
from deploy.grafana.manners import limits
from deploy.grafana.panels import columns, rows
from deploy.grafana.queries import Query, metric

K = 20
_COLUMNS = {
    "Rank": "Rank",
    "room": "Room",
    "Value #A": "Actual, a minute",
    "Value #B": "Expected, a minute",
    "Value #C": "Excess, a minute",
    "Value #D": "Deviation",
}


def hottest_rooms() -> table.Panel:
    """Actual, expected, excess and deviation of the K rooms with the largest excess over all chosen scorers.

    Each scorer tells the K hottest of its own partitions. The queries keep the K with the largest excess among them
    all; the table orders these and counts the rank anew.
    """
    actual, expected = _of("actual"), _of("expected")
    excess = f"topk({K}, {actual} - on (room) {expected})"
    wanted = [f"{values} and on (room) {excess}" for values in (actual, expected)]
    deviation = f"{_of('deviation_percent')} and on (room) {excess}"
    panel = rows(
        "Hottest rooms",
        [Query(wanted[0]), Query(wanted[1]), Query(excess), Query(deviation)],
        "The rooms that are furthest above their forecast in the newest closed minute: people entering in that minute, "
        "how many were expected, and by how much that is more. Always "
        f"{K} rows while as many rooms are above their forecast; a room leaves the table when others are hotter. "
        "`roompulse room ID` tells more of one.",
        width=12,
        height=24,
    )
    for transformation in (
        DataTransformerConfig("merge", options={}),
        DataTransformerConfig("sortBy", options={"fields": {}, "sort": [{"field": "Value #C", "desc": True}]}),
        DataTransformerConfig("calculateField", options={"mode": "index", "alias": "Row", "replaceFields": False}),
        DataTransformerConfig("calculateField", options=_one_more("Row", "Rank")),
        columns(_COLUMNS, "Row"),
    ):
        panel.with_transformation(transformation)
    for column in ("Actual, a minute", "Expected, a minute", "Excess, a minute"):
        panel.override_by_name(column, [DynamicConfigValue("decimals", 0)])
    deviating = [
        DynamicConfigValue("unit", "percent"),
        DynamicConfigValue("decimals", 0),
        DynamicConfigValue("thresholds", limits(warn_from(100, 300)).build()),
        DynamicConfigValue("custom.cellOptions", TableColoredBackgroundCellOptions()),
    ]
    return panel.override_by_name("Deviation", deviating).override_by_name("Rank", [_wide(70)])


def _of(what: str) -> str:
    return f"max by (room) ({metric(f'roompulse_hot_room_{what}')})"


def _wide(pixels: int) -> DynamicConfigValue:
    return DynamicConfigValue("custom.width", pixels)


def _one_more(column: str, name: str) -> dict[str, object]:
    left = {"matcher": {"id": "byName", "options": column}}
    sum_of = {"left": left, "operator": "+", "right": {"fixed": "1"}}
    return {"mode": "binary", "alias": name, "binary": sum_of, "replaceFields": False}
