"""Forecast quality: does the model earn its place, is the interval honest, does the error drift?"""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana import marks, variables
from deploy.grafana.assembly import Section, assemble
from deploy.grafana.colours import BLUE, HORIZONS, bad_from, warn_from
from deploy.grafana.forecast_models import contest, models, now
from deploy.grafana.manners import Panel
from deploy.grafana.panels import bars, series
from deploy.grafana.queries import Query, increase, metric, rate
from deploy.grafana.thresholds import LIMIT, line_of

_ERROR, _NAIVE = "roompulse_forecast_absolute_error_total", "roompulse_naive_absolute_error_total"


def forecast_quality() -> Dashboard:
    """The dashboard for whoever answers for the model."""
    return assemble(
        "roompulse-forecast",
        "RoomPulse forecast quality",
        "Live error against the naive forecast, coverage, drift, and the champion against its challenger.",
        [variables.data_source(), variables.instance(), variables.window(), variables.runbook()],
        [marks.RULES, marks.MODELS, marks.CONTROLS],
        [
            Section("Now", now()),
            Section("Error and interval", _error()),
            Section("Network against plain mean", contest()),
            Section("Drift", _drift()),
            Section("Models", models()),
        ],
    )


def _error() -> list[Panel]:
    def over(counter: str) -> str:
        return rate(counter, by="horizon", window="$window")

    off = line_of("IntervalCoverageOff").expression
    covered = rate("roompulse_intervals_covered_total", window="$window")
    return [
        series(
            "Error over the naive forecast's",
            [Query(f"{over(_ERROR)} / {over(_NAIVE)}", "+{{horizon}} min")],
            "Absolute error of the served median, divided by that of repeating the last value, by how many minutes "
            "ahead. Normal: below 1 at every horizon; at 1 (dashed) the model adds nothing.",
            unit="percentunit",
            steps=bad_from(1),
            colours=HORIZONS,
            rules=("ForecastDrift",),
        ),
        series(
            "Mean absolute error",
            [Query(f"{over(_ERROR)} / {over('roompulse_forecasts_judged_total')}", "+{{horizon}} min")],
            "In people a minute, over all rooms, so that large rooms count most. Normal: it follows the audience's "
            "size; judge the model by the relative error.",
            colours=HORIZONS,
        ),
        series(
            "Coverage of the interval",
            [
                Query(f"{covered} / {rate('roompulse_intervals_judged_total', window='$window')}", "covered"),
                Query(f"0.8 - scalar({off})", f"lower {LIMIT}"),
                Query(f"0.8 + scalar({off})", f"upper {LIMIT}"),
            ],
            "Share of actuals inside the 10-90 % interval forecast a minute before. Normal: about 80 %, between the "
            "dashed lines. Lower: too many alerts; higher: alerts are missed.",
            unit="percentunit",
            colours={"covered": BLUE},
            rules=("IntervalCoverageOff",),
        ),
    ]


def _drift() -> list[Panel]:
    relative = metric("roompulse_forecast_drift_relative_error")
    return [
        series(
            "Relative error by segment",
            [Query(f"max by (category, partition) ({relative})", "{{category}}, partition {{partition}}")],
            "Error over the naive forecast's in each category and partition, since it last changed for good (ADWIN). "
            "Only with `score --drift`. Normal: level lines below 1; a segment that steps up no longer fits the "
            "model.",
            unit="percentunit",
            steps=bad_from(1),
            rules=("ForecastDrift",),
            width=16,
        ),
        bars(
            "Drifts",
            Query(increase("roompulse_forecast_drifts_total", by="category"), "{{category}}"),
            "Changes of that error for good in the chosen time range, by category. Normal: one now and then, more "
            "after a change of model; several in a day are the sign to train again.",
            steps=warn_from(3),
            rules=("ForecastDrift",),
        ),
    ]
