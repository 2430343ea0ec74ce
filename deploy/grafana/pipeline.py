"""Pipeline health: the loop, its partitions, its checkpoint, what it refuses, and the services around it."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana import marks, variables
from deploy.grafana.assembly import Section, assemble
from deploy.grafana.pipeline_checkpoint import checkpoint
from deploy.grafana.pipeline_loop import lag, loop
from deploy.grafana.pipeline_now import now
from deploy.grafana.pipeline_outside import notifications, refused, rules


def pipeline_health() -> Dashboard:
    """The dashboard for whoever is on call."""
    return assemble(
        "roompulse-pipeline",
        "RoomPulse pipeline health",
        "Stages, batches, lag, checkpoint, Redis, Kafka, dead letters and notifications.",
        [variables.data_source(), variables.instance(), variables.partition(), variables.runbook()],
        [marks.RULES, marks.MODELS, marks.CONTROLS],
        [
            Section("Now", now()),
            Section("Loop", loop()),
            Section("Partitions", lag()),
            Section("Checkpoint and services", checkpoint()),
            Section("Refused and set aside", refused()),
            Section("Notifications", notifications()),
            Section("Rules", rules()),
        ],
    )
