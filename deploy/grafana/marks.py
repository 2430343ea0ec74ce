"""Marks on every graph: rules that fire, models that change, control records, fleets that move."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.colours import BLUE, ORANGE, PURPLE, VERMILLION
from deploy.grafana.manners import SOURCE
from deploy.grafana.queries import by_partition, increase, metric


class _PrometheusAnnotation(model.AnnotationQuery):
    """An annotation of the Prometheus data source, whose fields for texts the SDK's model does not know."""

    texts: dict[str, str]

    def to_json(self) -> dict[str, object]:
        """The query stands twice: older Grafanas read `expr`, newer ones `target`."""
        target = {"expr": self.expr, "refId": "Anno", "interval": ""}
        return super().to_json() | self.texts | {"target": target}


@dataclass(frozen=True, slots=True)
class Mark(Builder[model.AnnotationQuery]):
    """Marked wherever the expression gives a value above 0; neighbouring points become one region."""

    name: str
    expression: str
    title: str
    text: str
    colour: str
    tags: str

    def build(self) -> model.AnnotationQuery:
        """The annotation as Grafana stores it."""
        made = _PrometheusAnnotation(
            self.name, SOURCE, enable=True, hide=False, icon_color=self.colour, built_in=None, expr=self.expression
        )
        made.texts = {"titleFormat": self.title, "textFormat": self.text, "tagKeys": self.tags}
        return made


RULES = Mark(
    "Rules",
    'max by (alertname, severity) (ALERTS{alertstate="firing",service="roompulse",alertname!="Watchdog"})',
    "{{alertname}}",
    "{{severity}}: a rule of the service itself fires",
    VERMILLION,
    "severity",
)
_SERVED = metric("roompulse_model_info", 'role!="challenger"')
MODELS = Mark(
    "Models",
    # Followed now and not one step ago.
    f"count by (model) ({_SERVED}) unless count by (model) ({_SERVED} offset $__interval)",
    "model {{model}}",
    "served from here on",
    BLUE,
    "model",
)
# Not over a step: that may hold a single sample, and what rises between two windows is in neither.
_APPLIED = increase("roompulse_control_records_total", 'result="applied"', by="control", window="$__rate_interval")
CONTROLS = Mark(
    "Control records",
    f"{_APPLIED} > 0",
    "{{control}} changed",
    "a control record was applied",
    PURPLE,
    "control",
)
FLEET = Mark(
    "Fleet events",
    f"{by_partition('roompulse_fleet_events_open')} > 0",
    "fleet event",
    "many rooms of partition {{partition}} move together",
    ORANGE,
    "partition",
)
