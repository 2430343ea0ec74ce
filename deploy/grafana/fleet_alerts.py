"""The fleet overview's panels on alerts: what is open, what opened, what people said of it, what moved together."""

from __future__ import annotations

from deploy.grafana.colours import CALM, KINDS, LIFE, SEVERITIES, VERMILLION, WARN, Words
from deploy.grafana.manners import Panel
from deploy.grafana.panels import bars, series, states
from deploy.grafana.queries import OPENED, Query, by_partition, increase, metric, rate
from deploy.grafana.thresholds import line_of

_CALM_OR_MOVING: Words = (("calm", CALM), ("moving together", WARN))


def open_alerts() -> list[Panel]:
    """Beside the table of the hottest rooms: what is open, and how much opens."""
    return [
        series(
            "Open alerts by kind",
            [Query(f"sum by (kind) ({metric('roompulse_alerts_open')})", "{{kind}}")],
            "What is open now. Normal: surges and slumps last minutes, hotspots longer.",
            stacked=True,
            colours=KINDS,
            rules=("AlertStorm",),
            width=12,
        ),
        series(
            "Open alerts by severity",
            [Query(f"sum by (severity) ({metric('roompulse_alerts_open')})", "{{severity}}")],
            "The same by severity. Normal: mostly info.",
            stacked=True,
            colours=SEVERITIES,
            rules=("AlertStorm",),
            width=12,
        ),
        series(
            "Alerts opened a minute",
            [Query(f"60 * {rate('roompulse_alerts_total', OPENED, by='kind')}", "{{kind}}")],
            "Openings by kind. Normal: the budgets, spread over the day. Many at once: see the fleet events.",
            columns=True,
            colours=KINDS,
            rules=("AlertStorm",),
            width=12,
        ),
    ]


def alerts() -> list[Panel]:
    """Alerts as a stream: records, pace, feedback, and the fleet's moves."""
    return [
        series(
            "Alert records a minute",
            [
                Query(f"60 * {rate('roompulse_alerts_total', by='event')}", "{{event}}"),
                Query(f"60 * {rate('roompulse_fleet_events_total', by='event')}", "fleet {{event}}"),
            ],
            "What subscribers of the alert topic and of the fleet events receive. Normal: as many ends as "
            "beginnings; few retractions, which come from corrected minutes.",
            colours=LIFE,
        ),
        bars(
            "Alerts in a room's day",
            Query(
                f"1440 * {increase('roompulse_alerts_total', OPENED, by='kind')}"
                f" / scalar({increase('roompulse_forecasts_total')})",
                "{{kind}}",
            ),
            "Alerts opened over the chosen time range, for each 1,440 minutes forecast. Normal: close to the budgets "
            "(surges 1, slumps 0.5 unless set otherwise) once the range is a day.",
            rules=("AlertStorm",),
        ),
        bars(
            "Feedback and snoozes",
            Query(
                f"{increase('roompulse_feedback_total', by='verdict')}"
                f' or label_replace({increase("roompulse_snoozes_total")}, "verdict", "snooze", "", "")',
                "{{verdict}}",
            ),
            "Verdicts of people on alerts in the chosen time range, and snoozes. Normal: more useful than noise; "
            "otherwise lower the budgets.",
        ),
        states(
            "Fleet events",
            Query(by_partition("roompulse_fleet_events_open"), "partition {{partition}}"),
            "When many rooms of a partition moved together. Normal: calm. Room alerts of that time are part of it, and "
            "Alertmanager holds them back.",
            _CALM_OR_MOVING,
            width=12,
        ),
        series(
            "Alerts in a room's day, at the pace of ten minutes",
            [Query("roompulse:alerts_opened_per_room_day:rate10m", "opened"), line_of("AlertStorm")],
            "Over all scorers: what a room would have in a day if it went on like this. Normal: below the dashed "
            "line, ten times the default budgets.",
            colours={"opened": VERMILLION},
            rules=("AlertStorm",),
            width=12,
        ),
    ]
