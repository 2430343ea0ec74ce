"""Fleet overview: is it running, how hot is it, and which rooms."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana import marks, variables
from deploy.grafana.assembly import Section, assemble
from deploy.grafana.colours import FATES, QUANTILES, bad_below, bad_from, warn_from
from deploy.grafana.fleet_alerts import alerts, open_alerts
from deploy.grafana.hottest import hottest_rooms
from deploy.grafana.manners import Panel
from deploy.grafana.panels import heat, number, series
from deploy.grafana.queries import OPENED, Query, metric, over_partitions, quantile, rate
from deploy.grafana.thresholds import line_of, value_of

_DELAY = "roompulse_delay_seconds"
_SHARES = ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))


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
            Section("Hottest rooms and open alerts", [hottest_rooms(), *open_alerts()]),
            Section("Alerts over time", alerts()),
            Section("Traffic", _traffic()),
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
            Query(f"60 * {rate('roompulse_alerts_total', OPENED)}"),
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
