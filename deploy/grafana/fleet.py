"""Fleet overview: is it running, how hot is it, and which rooms."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana import marks, variables
from deploy.grafana.assembly import Section, assemble
from deploy.grafana.colours import (
    CALM,
    FATES,
    KINDS,
    LIFE,
    QUANTILES,
    SEVERITIES,
    VERMILLION,
    WARN,
    bad_below,
    bad_from,
    warn_from,
)
from deploy.grafana.hottest import hottest_rooms
from deploy.grafana.manners import Panel
from deploy.grafana.panels import bars, heat, number, series, states
from deploy.grafana.queries import Query, by_partition, increase, metric, over_partitions, quantile, rate
from deploy.grafana.thresholds import line_of, value_of

_CALM_OR_MOVING = (("calm", CALM), ("moving together", WARN))
_DELAY = "roompulse_delay_seconds"
_SHARES = ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))
_OPENED = 'event="open"'


def fleet_overview() -> Dashboard:
    """The dashboard to keep on the wall."""
    return assemble(
        "roompulse-fleet",
        "RoomPulse fleet overview",
        "Rooms, events, delay, alerts and the hottest rooms, over all scorers.",
        [variables.data_source(), variables.instance(), variables.runbook()],
        [marks.RULES, marks.MODELS, marks.FLEET],
        [
            Section("Now", _now()),
            Section("Traffic", _traffic()),
            Section("Alerts", _alerts()),
            Section("Rooms", [hottest_rooms()]),
        ],
    )


def _now() -> list[Panel]:
    firing = 'count(ALERTS{alertstate="firing",service="roompulse",alertname!="Watchdog"}) or vector(0)'
    return [
        number(
            "Rooms live",
            Query(over_partitions("roompulse_rooms_live")),
            "Rooms that sent a minute within the last ten. Normal: the rhythm of the day. A fall to nothing with "
            "scorers up means that no events come.",
            rules=("NoEvents",),
        ),
        number(
            "Events a second",
            Query(rate("roompulse_events_total")),
            "Room-minutes read from the input topic. Normal: rooms live divided by 60.",
            rules=("NoEvents",),
        ),
        number(
            "Delay, 99 %",
            Query(quantile(0.99, _DELAY)),
            "From a record's timestamp on the topic to the commit of its forecast and alerts. Normal: about a second.",
            unit="s",
            steps=bad_from(value_of("DelayAboveTarget")),
            rules=("DelayAboveTarget",),
        ),
        number(
            "Open alerts",
            Query(f"sum({metric('roompulse_alerts_open')})"),
            "Surges, slumps and hotspots of rooms that are open now. Normal: a small share of the rooms.",
            rules=("AlertStorm",),
        ),
        number(
            "Alerts a minute",
            Query(f"60 * {rate('roompulse_alerts_total', _OPENED)}"),
            "Alerts that opened. Normal: what the budgets allow, see alerts in a room's day.",
            rules=("AlertStorm",),
        ),
        number(
            "Fleet events open",
            Query(over_partitions("roompulse_fleet_events_open")),
            "Partitions in which many rooms move together: an outage or a promotion of the whole platform. Normal: 0.",
            steps=warn_from(1),
        ),
        number(
            "Scorers up",
            Query('sum(up{job="roompulse-scorer",instance=~"$instance"})'),
            "Scorers that answer Prometheus. Normal: as many as you run.",
            steps=bad_below(1),
            rules=("ScorerDown",),
        ),
        number(
            "Rules firing",
            Query(firing),
            "Alerting rules of the service itself that fire, the watchdog not counted. Normal: 0.",
            steps=bad_from(1),
        ),
    ]


def _traffic() -> list[Panel]:
    rates = [
        Query(rate(f"roompulse_{counter}_total"), name)
        for counter, name in (
            ("late", "late"),
            ("corrected", "corrected"),
            ("duplicate", "duplicate"),
            ("dead_letters", "dead letters"),
            ("blank_minutes", "blank minutes"),
        )
    ]
    return [
        series(
            "Rooms live by scorer",
            [Query(f"sum by (instance) ({metric('roompulse_rooms_live')})", "{{instance}}")],
            "Rooms by the scorer that serves them. Normal: about equal shares; a share moves over when a scorer stops.",
            stacked=True,
            rules=("ScorerDown",),
        ),
        series(
            "Events and forecasts a second",
            [Query(rate("roompulse_events_total"), "events"), Query(rate("roompulse_forecasts_total"), "forecasts")],
            "Room-minutes read and forecasts committed. Normal: the two lines lie on each other; what lies between "
            "is on the next graph.",
            unit="cps",
            colours=FATES,
            rules=("NoEvents",),
        ),
        series(
            "Set aside a second",
            rates,
            "Room-minutes that gave no forecast: too late, a correction of the past, the same again, refused; and "
            "minutes that never came. Normal: close to nothing, dead letters 0.",
            unit="cps",
            colours=FATES,
            rules=("DeadLetters",),
        ),
        series(
            "Delay",
            [*(Query(quantile(share, _DELAY), name) for share, name in _SHARES), line_of("DelayAboveTarget")],
            "From a record's timestamp to the commit of what it led to, over all scorers. Normal: below the dashed "
            "line.",
            unit="s",
            colours=QUANTILES,
            rules=("DelayAboveTarget",),
            width=12,
        ),
        heat(
            "Delay, all of it",
            Query(rate(f"{_DELAY}_bucket", by="le"), "{{le}}"),
            "How many room-minutes a second had which delay. Normal: one band at the bottom; a second band means "
            "that one scorer or partition is behind.",
            unit="s",
            rules=("DelayAboveTarget",),
            width=12,
        ),
    ]


def _alerts() -> list[Panel]:
    return [
        series(
            "Open alerts by kind",
            [Query(f"sum by (kind) ({metric('roompulse_alerts_open')})", "{{kind}}")],
            "What is open now. Normal: surges and slumps last minutes, hotspots longer.",
            stacked=True,
            colours=KINDS,
            rules=("AlertStorm",),
        ),
        series(
            "Open alerts by severity",
            [Query(f"sum by (severity) ({metric('roompulse_alerts_open')})", "{{severity}}")],
            "The same by severity. Normal: mostly info.",
            stacked=True,
            colours=SEVERITIES,
            rules=("AlertStorm",),
        ),
        series(
            "Alerts opened a minute",
            [Query(f"60 * {rate('roompulse_alerts_total', _OPENED, by='kind')}", "{{kind}}")],
            "Openings by kind. Normal: the budgets, spread over the day. Many at once: see the fleet events.",
            columns=True,
            colours=KINDS,
            rules=("AlertStorm",),
        ),
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
                f"1440 * {increase('roompulse_alerts_total', _OPENED, by='kind')}"
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
