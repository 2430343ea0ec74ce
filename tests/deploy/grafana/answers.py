"""How many series each query of the dashboards gives, asked as Grafana asks."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

from tests.deploy.grafana.asked import Asked, everything_asked, filled, label_values
from tests.deploy.grafana.run import VALUES
from tests.services.prometheus import Prometheus

RANGE_S = 180
STEP = "2s"
ALL = {"instance": ".*", "partition": ".*"}


def options(prometheus: Prometheus) -> dict[str, list[str]]:
    """What the variables `instance` and `partition` offer."""
    offered: dict[str, list[str]] = {}
    for asked in everything_asked():
        if asked.kind == "variable":
            offered[asked.name] = _offered(prometheus, asked.expression, VALUES | ALL)
    return offered


def series(prometheus: Prometheus, asked: Asked, **chosen: Sequence[str]) -> int:
    """The series with at least one finite value: over the range for a graph, at its end for a figure or table.

    `chosen` are the values of `instance` and `partition` that the viewer chose, joined as Grafana joins them.
    """
    values = VALUES | ALL | {name: f"({'|'.join(found)})" for name, found in chosen.items()}
    if asked.kind == "variable":
        return len(_offered(prometheus, asked.expression, values))
    expression, now = filled(asked.expression, values), time.time()
    if asked.instant:
        found = prometheus.api("query", query=expression, time=str(now))["result"]
        return sum(_finite(one["value"]) for one in found)
    span = {"start": str(now - RANGE_S), "end": str(now), "step": STEP}
    found = prometheus.api("query_range", query=expression, **span)["result"]
    return sum(any(_finite(point) for point in one["values"]) for one in found)


def _offered(prometheus: Prometheus, query: str, values: Mapping[str, str]) -> list[str]:
    selector, label = label_values(query)
    found: list[str] = prometheus.api(f"label/{label}/values", **{"match[]": filled(selector, values)})
    return found


def _finite(point: Sequence[object]) -> bool:
    return math.isfinite(float(str(point[1])))
