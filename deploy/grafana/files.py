"""The dashboards as files: name and text of each."""

from __future__ import annotations

from pathlib import Path

from deploy.grafana.assembly import as_json
from deploy.grafana.fleet import fleet_overview
from deploy.grafana.forecast import forecast_quality
from deploy.grafana.pipeline import pipeline_health

FOLDER = Path(__file__).resolve().parent / "dashboards"


def texts() -> dict[str, str]:
    """Every dashboard's JSON by its file's name."""
    made = (fleet_overview(), forecast_quality(), pipeline_health())
    return {f"{(dashboard.uid or '').removeprefix('roompulse-')}.json": as_json(dashboard) for dashboard in made}
