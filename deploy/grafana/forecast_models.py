"""Panels on models: which is served, does it beat the plain mean, would the challenger be better?"""

from __future__ import annotations

from deploy.grafana.colours import (
    BLUE,
    CALM,
    HORIZONS,
    ORANGE,
    ROLES,
    WARN,
    bad_below,
    bad_from,
    calm_within,
    warn_from,
)
from deploy.grafana.manners import Panel
from deploy.grafana.panels import columns, number, rows, series, states
from deploy.grafana.queries import Query, by_partition, metric, over_partitions, rate
from deploy.grafana.thresholds import line_of, value_of

_PLAIN = (("network", CALM), ("plain mean", WARN))
_DAY_S = 86_400
_SERVED = metric("roompulse_model_info", 'role!="challenger"')
_NEXT = 'horizon="1"'


def now() -> list[Panel]:
    """What is served, and how good it is."""
    error = rate("roompulse_forecast_absolute_error_total", _NEXT, window="$window")
    naive = rate("roompulse_naive_absolute_error_total", _NEXT, window="$window")
    covered = rate("roompulse_intervals_covered_total", window="$window")
    gated = rate("roompulse_gated_forecasts_total", window="$window")
    since = metric("roompulse_model_since_timestamp_seconds")
    return [
        number(
            "Model served",
            Query(f"count by (model) ({_SERVED})", "{{model}}"),
            "The champion. Normal: one name; two while partitions take over a new one.",
            unit="",
            instant=True,
            rules=("ModelStale",),
            width=6,
        ),
        number(
            "Served since",
            Query(f"max({metric('roompulse_watermark_timestamp_seconds')}) - min({since})"),
            "How long the champion has been followed, in event time. Normal: under 30 days.",
            unit="s",
            steps=warn_from(value_of("ModelStale") * _DAY_S),
            rules=("ModelStale",),
        ),
        number(
            "Skill at +1 minute",
            Query(f"1 - {error} / {naive}"),
            "Error saved against repeating the last value. Normal: above 20 %; at 0 the model adds nothing.",
            unit="percentunit",
            steps=bad_below(0, 0.1),
            rules=("ModelLosesToBaseline",),
        ),
        number(
            "Interval coverage",
            Query(f"{covered} / {rate('roompulse_intervals_judged_total', window='$window')}"),
            "Share of actuals inside the 10-90 % interval. Normal: about 80 %.",
            unit="percentunit",
            steps=calm_within(0.7, 0.9),
            rules=("IntervalCoverageOff",),
        ),
        number(
            "Served from the plain mean",
            Query(f"{gated} / {rate('roompulse_forecasts_total', window='$window')}"),
            "Share of forecasts for which a room's gate chose the plain mean. Normal: under 5 %.",
            unit="percentunit",
            steps=warn_from(0.2, 0.5),
            rules=("ModelLosesToBaseline",),
        ),
        number(
            "Partitions demoted",
            Query(over_partitions("roompulse_network_demoted")),
            "Partitions that serve the plain mean because the network lost to it over a day. Normal: 0.",
            steps=bad_from(1),
            rules=("NetworkDemoted",),
        ),
        number(
            "Partitions halted",
            Query(over_partitions("roompulse_partition_halted")),
            "Partitions that wait for a bundle that their scorer does not have. Normal: 0.",
            steps=bad_from(1),
            rules=("PartitionHalted",),
        ),
    ]


def contest() -> list[Panel]:
    """The network against what would be served in its place."""
    network, plain = (
        rate(f"roompulse_contest_{side}_absolute_error_total", window="$window") for side in ("network", "plain")
    )
    return [
        series(
            "Network's error over the plain mean's",
            [Query(f"{network} / {plain}", "network"), line_of("ModelLosesToBaseline")],
            "At +1 minute and over the same minutes, whatever was served. Normal: below 1 (dashed). A day above it "
            "and the plain mean is served.",
            unit="percentunit",
            colours={"network": BLUE},
            rules=("ModelLosesToBaseline",),
        ),
        series(
            "Served from the plain mean",
            [
                Query(
                    f"{rate('roompulse_gated_forecasts_total', window='$window')}"
                    f" / {rate('roompulse_forecasts_total', window='$window')}",
                    "plain mean",
                )
            ],
            "Share of forecasts for which a room's own gate chose the plain mean. Normal: a few per cent; more where "
            "rooms are unlike those that the model learnt from.",
            unit="percentunit",
            steps=warn_from(0.2),
            colours={"plain mean": ORANGE},
            rules=("ModelLosesToBaseline",),
        ),
        states(
            "Demoted",
            Query(by_partition("roompulse_network_demoted"), "partition {{partition}}"),
            "When the plain mean was served for a whole partition. Normal: network throughout.",
            _PLAIN,
            rules=("NetworkDemoted",),
        ),
    ]


def models() -> list[Panel]:
    """The champion and the challenger over the same sampled rooms."""
    by = "role, horizon"
    error = rate("roompulse_shadow_absolute_error_total", by=by, window="$window")
    judged = rate("roompulse_shadow_judged_total", by=by, window="$window")
    of = {role: _shadow_error(role) for role in ("champion", "challenger")}
    covered = rate("roompulse_shadow_intervals_covered_total", by="role", window="$window")
    intervals = rate("roompulse_shadow_intervals_judged_total", by="role", window="$window")
    info = f"sum by (instance, model, role) ({metric('roompulse_model_info')})"
    table = rows(
        "Models by scorer",
        [Query(info)],
        "Which model each scorer's partitions follow, in which role. Normal: the same models everywhere; for some "
        "minutes after a promotion two champions.",
        rules=("PartitionHalted",),
        width=16,
    )
    names = {"instance": "Scorer", "model": "Model", "role": "Role", "Value": "Partitions"}
    table.with_transformation(columns(names))
    return [
        series(
            "Challenger's error over the champion's",
            [Query(f"{of['challenger']} / {of['champion']}", "+{{horizon}} min")],
            "Over the same sampled rooms and minutes. Normal: about 1; below 1 (dashed) for days at every horizon, "
            "promote it.",
            unit="percentunit",
            steps=warn_from(1),
            colours=HORIZONS,
            rules=("ModelLosesToBaseline",),
        ),
        series(
            "Mean absolute error by role",
            [Query(f"{error} / {judged}", "{{role}}, +{{horizon}} min")],
            "In people a minute, over the sampled rooms. Normal: both follow the audience's size.",
        ),
        series(
            "Coverage by role",
            [Query(f"{covered} / {intervals}", "{{role}}")],
            "Share of actuals inside each model's 10-90 % interval. Normal: about 80 %, between the dashed lines.",
            unit="percentunit",
            steps=calm_within(0.7, 0.9),
            colours=ROLES,
            rules=("IntervalCoverageOff",),
        ),
        table,
        series(
            "Control records",
            [
                Query(
                    rate("roompulse_control_records_total", by="control, result", window="$__rate_interval"),
                    "{{control}} {{result}}",
                )
            ],
            "Models, challengers, settings and demotions told on the input topic, a second. Normal: none but after a "
            "command; `unchanged` is a repetition.",
            columns=True,
            rules=("PartitionHalted",),
        ),
    ]


def _shadow_error(role: str) -> str:
    return rate("roompulse_shadow_absolute_error_total", f'role="{role}"', by="horizon", window="$window")
