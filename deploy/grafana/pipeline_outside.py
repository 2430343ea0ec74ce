"""What is refused, what is sent on, and which rules fire."""

from __future__ import annotations

from deploy.grafana.colours import BLUE, FATES, ORANGE, bad_below, bad_from, warn_from
from deploy.grafana.manners import Panel
from deploy.grafana.panels import bars, columns, rows, series
from deploy.grafana.queries import Query, increase, metric, rate
from deploy.grafana.thresholds import line_of


def refused() -> list[Panel]:
    """Dead letters by reason, and the other room-minutes without a forecast."""
    aside = (
        ("late", "late"),
        ("corrected", "corrected"),
        ("duplicate", "duplicate"),
        ("blank_minutes", "blank minutes"),
    )
    return [
        series(
            "Dead letters a second",
            [Query(rate("roompulse_dead_letters_total", by="reason"), "{{reason}}")],
            "Records that could not be accepted, by reason; they lie on the dead-letter topic with it. Normal: none.",
            unit="cps",
            columns=True,
            rules=("DeadLetters",),
            width=6,
        ),
        series(
            "Share refused",
            [Query("roompulse:dead_letters:ratio5m", "dead letters"), line_of("DeadLetters")],
            "Dead letters over events of all scorers, over five minutes. Normal: below the dashed line.",
            unit="percentunit",
            colours=FATES,
            rules=("DeadLetters",),
            width=6,
        ),
        bars(
            "Dead letters",
            Query(increase("roompulse_dead_letters_total", by="reason"), "{{reason}}"),
            "The same over the chosen time range. Normal: none.",
            steps=bad_from(1),
            rules=("DeadLetters",),
            width=6,
        ),
        series(
            "Set aside a second",
            [Query(rate(f"roompulse_{counter}_total"), name) for counter, name in aside],
            "Room-minutes that came too late, corrected the past or came again, and minutes that never came. Normal: "
            "a few per thousand of the events.",
            unit="cps",
            colours=FATES,
            width=6,
        ),
    ]


def notifications() -> list[Panel]:
    """What `roompulse notify` sends to Alertmanager and to the webhook."""
    return [
        series(
            "Posts a second",
            [
                Query(
                    "sum by (target, result) (rate(roompulse_notify_posts_total[$__rate_interval]))",
                    "{{target}} {{result}}",
                )
            ],
            "Batches of alerts posted, by target and outcome. Normal: only ok.",
            unit="cps",
            rules=("NotifyFailing",),
            width=6,
        ),
        series(
            "Open alerts held",
            [Query("sum(roompulse_notify_open_alerts)", "open")],
            "Alerts that are kept alive in Alertmanager. Normal: as many as are open on the fleet overview.",
            colours={"open": BLUE},
            rules=("NotifyDown",),
            width=6,
        ),
        series(
            "Notify's lag",
            [Query("sum(roompulse_notify_offset_lag)", "records")],
            "Alert records not read yet. Normal: 0 but for moments.",
            colours={"records": ORANGE},
            rules=("NotifyDown",),
            width=6,
        ),
        series(
            "Since the last success",
            [Query("time() - max by (target) (roompulse_notify_last_success_timestamp_seconds)", "{{target}}")],
            "Time since a post was taken. Normal: under a minute while alerts are open.",
            unit="s",
            rules=("NotifyFailing",),
            width=6,
        ),
        bars(
            "Not sent on",
            Query("sum by (reason) (increase(roompulse_notify_dropped_total[$__range]))", "{{reason}}"),
            "Alert records that were left out in the chosen time range, by reason; after a backlog those that are "
            "too old. Normal: none.",
            steps=warn_from(1),
            rules=("NotifyFailing",),
            width=24,
        ),
    ]


def rules() -> list[Panel]:
    """Which rules fire, and whether everything that is scraped answers."""
    firing = rows(
        "Rules that fire or wait",
        [Query('max by (alertname, severity, alertstate, instance, partition) (ALERTS{service="roompulse"})')],
        "Alerting rules of the service itself: `pending` while a rule waits out its time, `firing` after it. Normal: "
        "only Watchdog, which always fires so that its silence is noticed. The runbook has an entry for each.",
        rules=("Watchdog",),
    )
    names = {
        "alertname": "Rule",
        "severity": "Severity",
        "alertstate": "State",
        "instance": "Scorer",
        "partition": "Partition",
    }
    firing.with_transformation(columns(names, "Value"))
    up = series(
        "Answering Prometheus",
        [Query('min by (job, instance) (up{job=~"roompulse-.*|prometheus|alertmanager"})', "{{job}} {{instance}}")],
        "1 while a process answers. Normal: 1 for each.",
        steps=bad_below(1),
        rules=("ScorerDown", "NoScorer", "NotifyDown", "AlertmanagerDown"),
        width=12,
    )
    running = rows(
        "What runs",
        [Query(f"max by (instance, version, client) ({metric('roompulse_build_info')})")],
        "Version and Kafka client of each scorer. Normal: one version, but for the minutes of an upgrade.",
        width=12,
    )
    running.with_transformation(columns({"instance": "Scorer", "version": "Version", "client": "Client"}, "Value"))
    return [firing, up, running]
