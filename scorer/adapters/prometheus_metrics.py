"""The scorer's metrics: by subject in the files beside this one, each declared once. Cardinality is constant: no room
id is a label, but for the few hottest rooms.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from roompulse import __version__
from scorer.adapters.delays import Delays
from scorer.adapters.prometheus_loop import LoopMetrics
from scorer.adapters.prometheus_models import ModelMetrics
from scorer.adapters.prometheus_partitions import PartitionMetrics
from scorer.adapters.prometheus_records import RecordMetrics
from scorer.adapters.prometheus_skill import SkillMetrics
from scorer.happenings import Happening


class PrometheusMetrics:
    """Feeds the metrics from what the loop tells. `registry` is what the HTTP port serves."""

    def __init__(self, client: str) -> None:
        """`client` is the name of the Kafka client."""
        self.registry = registry = CollectorRegistry()
        self.delays = Delays()
        # What runs here: joined to other series by instance, and to annotate changes.
        build = Gauge(
            "roompulse_build_info",
            "1; RoomPulse's version and the Kafka client in use.",
            ["version", "client"],
            registry=registry,
        )
        build.labels(__version__, client).set(1)
        self._parts = (
            RecordMetrics(registry),
            SkillMetrics(registry),
            LoopMetrics(registry, self.delays),
            PartitionMetrics(registry),
            ModelMetrics(registry),
        )

    def __call__(self, happening: Happening) -> None:
        """Count what the loop tells."""
        for part in self._parts:
            part(happening)
