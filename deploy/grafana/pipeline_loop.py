"""How the scoring loop spends its time, and how far each partition is."""

from __future__ import annotations

from deploy.grafana.colours import BLUE, ORANGE, QUANTILES, VERMILLION
from deploy.grafana.manners import Panel
from deploy.grafana.panels import heat, series
from deploy.grafana.queries import PARTITION, Query, by_partition, metric, quantile, rate
from deploy.grafana.thresholds import line_of

_STAGE, _BATCH = "roompulse_stage_duration_seconds", "roompulse_batch_size"


def loop() -> list[Panel]:
    """Stages and batches."""
    spent = rate(f"{_STAGE}_sum", by="stage")
    slowest = f"histogram_quantile(0.99, {rate(f'{_STAGE}_bucket', by='le, stage')})"
    size = f"{rate(f'{_BATCH}_sum')} / {rate(f'{_BATCH}_count')}"
    return [
        series(
            "Time by stage",
            [Query(spent, "{{stage}}")],
            "Seconds that the scorers spend in each stage, in a second. Normal: well below the number of scorers in "
            "all; at one each they are at their limit. The checkpoint runs beside the loop.",
            unit="s",
            stacked=True,
            rules=("OffsetLagGrowing",),
        ),
        series(
            "Mean stage duration",
            [Query(f"{spent} / {rate(f'{_STAGE}_count', by='stage')}", "{{stage}}")],
            "How long a stage takes for one batch. Normal: it grows with the batch; `commit` or `checkpoint` alone "
            "growing points to Kafka or Redis.",
            unit="s",
            rules=("DelayAboveTarget",),
        ),
        series(
            "Stage duration, 99 %",
            [Query(slowest, "{{stage}}")],
            "The slow batches. Normal: a few times the mean.",
            unit="s",
            rules=("DelayAboveTarget",),
        ),
        series(
            "Batch size",
            [Query(size, "mean"), Query(quantile(0.5, _BATCH), "median"), Query(quantile(0.99, _BATCH), "99 %")],
            "Messages in a transaction. Normal: it follows the traffic; close to `--max-batch` the scorer is "
            "catching up.",
            colours=QUANTILES,
            rules=("OffsetLagGrowing",),
        ),
        heat(
            "Batch sizes",
            Query(rate(f"{_BATCH}_bucket", by="le"), "{{le}}"),
            "How many batches a second had which size.",
            unit="short",
        ),
        series(
            "Transactions a second",
            [
                Query(rate(f"{_BATCH}_count"), "committed"),
                Query(rate("roompulse_aborted_transactions_total"), "aborted"),
                Query(rate("roompulse_broker_failures_total"), "Kafka did not answer"),
            ],
            "Normal: nothing aborted but when partitions move. What is aborted is read again and comes once.",
            unit="cps",
            colours={"committed": BLUE, "aborted": ORANGE, "Kafka did not answer": VERMILLION},
            rules=("BrokerAway",),
        ),
    ]


def lag() -> list[Panel]:
    """How far each partition is, and who serves it."""
    return [
        series(
            "Lag by partition",
            [Query(by_partition("roompulse_offset_lag", PARTITION), "partition {{partition}}")],
            "Messages not read yet. Normal: a saw near zero. One partition growing: its rooms are too many or its "
            "scorer is stuck; all of them: add a scorer.",
            rules=("OffsetLagGrowing",),
            width=6,
        ),
        series(
            "Time to read the backlog",
            [
                Query("roompulse:offset_lag:seconds", "all partitions"),
                Query(f"{metric('roompulse_backlog_remaining_seconds')} < Inf", "{{instance}}: caught up in"),
                line_of("OffsetLagGrowing"),
            ],
            "The lag of all scorers over what they read in a second, and the time in which each has caught up if as "
            "much keeps coming. Normal: below the dashed line; no value while there is a backlog and nothing is read, "
            "or it does not shrink.",
            unit="s",
            colours={"all partitions": BLUE},
            rules=("OffsetLagGrowing",),
            width=6,
        ),
        series(
            "Event time behind the clock",
            [Query(by_partition("roompulse_event_time_lag_seconds", PARTITION), "partition {{partition}}")],
            "Wall clock less the highest minute seen. Normal: one to two minutes; hours or days while history is "
            "replayed.",
            unit="s",
            from_zero=False,
            rules=("NoEvents",),
            width=6,
        ),
        series(
            "Partitions by scorer",
            [Query(f"count by (instance) ({metric('roompulse_offset_lag', PARTITION)})", "{{instance}}")],
            "Normal: equal shares. A step means that a scorer came or went.",
            stacked=True,
            rules=("ScorerDown",),
            width=6,
        ),
        series(
            "Watermark by partition",
            [
                Query(
                    f"1000 * {by_partition('roompulse_watermark_timestamp_seconds', PARTITION)}",
                    "partition {{partition}}",
                )
            ],
            "The highest minute seen, as event time. Normal: rising steadily and together; a level line is a partition "
            "without events.",
            unit="dateTimeAsIso",
            from_zero=False,
            rules=("NoEvents",),
        ),
        series(
            "Rooms by partition",
            [Query(by_partition("roompulse_rooms_live", PARTITION), "partition {{partition}}")],
            "Normal: equal within a few per cent, since rooms are spread by the hash of their id.",
            rules=("OffsetLagGrowing",),
        ),
        series(
            "Clocks and sessions a second",
            [
                Query(rate("roompulse_clocks_total"), "clocks"),
                Query(rate("roompulse_sessions_total"), "sessions begun"),
            ],
            "Clock records move quiet partitions on. Normal: none while events come; sessions follow the day.",
            unit="cps",
            colours={"clocks": ORANGE, "sessions begun": BLUE},
        ),
    ]
