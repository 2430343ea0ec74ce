"""docs/reference/metrics.md: every metric, asked of the registries that serve them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry

from deploy.docs.markdown import code, page, table
from scorer.adapters.prometheus_metrics import PrometheusMetrics
from watch.notify.metrics import NotifyMetrics


def registries() -> dict[str, CollectorRegistry]:
    """Each command that serves metrics, and what it serves."""
    return {"score": PrometheusMetrics("kafka-python").registry, "notify": NotifyMetrics(()).registry}


def metrics_page() -> str:
    """A table for each command that serves metrics."""
    return page(
        "Metrics",
        "the registries of the processes",
        "Names are as Prometheus sees them; a histogram has the usual `_bucket`, `_sum` and `_count`. They are served "
        "on `--metrics-port`, at `/metrics`. The number of series is the same for any number of rooms: what has a "
        "label `room` is about a few rooms at a time, and goes when a room leaves them.\n",
        *(part for name, registry in registries().items() for part in (f"## {name}\n", _table(registry))),
    )


def metrics(registry: CollectorRegistry) -> Iterator[tuple[str, str, Sequence[str], str]]:
    """Name as exposed, type, labels and help of each metric, in the order of their declaration."""
    for collector in registry._collector_to_names:
        for family in collector.collect():
            labels: Sequence[str] = getattr(collector, "_labelnames", ()) or getattr(family, "_labelnames", ())
            suffix = "_total" if family.type == "counter" else ""
            yield family.name + suffix, family.type, tuple(labels), family.documentation


def _table(registry: CollectorRegistry) -> str:
    rows = ([code(name), kind, ", ".join(map(code, labels)), text] for name, kind, labels, text in metrics(registry))
    return table(["metric", "type", "labels", "meaning"], rows)
