"""The checkpoint in Redis, and how partitions were taken over."""

from __future__ import annotations

from deploy.grafana.colours import AWAY_THERE, BAD, BLUE, CALM, VERMILLION, WARN
from deploy.grafana.manners import Panel
from deploy.grafana.panels import bars, series, states
from deploy.grafana.queries import PARTITION, Query, by_partition, increase, metric, rate
from deploy.grafana.thresholds import line_of

_STAGE = "roompulse_stage_duration_seconds"


def checkpoint() -> list[Panel]:
    """Age, size and cost of the checkpoint; Redis, Kafka and recoveries."""
    saved = by_partition("roompulse_checkpoint_saved_timestamp_seconds", PARTITION)
    stage = 'stage="checkpoint"'
    mean = f"{rate(f'{_STAGE}_sum', stage)} / {rate(f'{_STAGE}_count', stage)}"
    return [
        series(
            "Checkpoint age",
            [Query(f"time() - {saved}", "partition {{partition}}"), line_of("CheckpointOld")],
            "Since the last save, or the last look at which nothing was unsaved. Normal: a few seconds. A restart "
            "re-reads that much; nothing is lost.",
            unit="s",
            rules=("CheckpointOld",),
        ),
        series(
            "Rooms written a second",
            [Query(rate("roompulse_checkpoint_rooms_total"), "rooms")],
            "Room states written to Redis. Normal: as many as events, fewer where a room came several times since the "
            "last save.",
            unit="cps",
            colours={"rooms": BLUE},
            rules=("CheckpointOld",),
        ),
        series(
            "Duration of a save",
            [
                Query(mean, "mean"),
                Query(f"histogram_quantile(0.99, {rate(f'{_STAGE}_bucket', stage, by='le')})", "99 %"),
            ],
            "Normal: tens of milliseconds for thousands of rooms. Growing alone: Redis is short of processor or disk.",
            unit="s",
            colours={"mean": BLUE, "99 %": VERMILLION},
            rules=("CheckpointOld",),
        ),
        series(
            "Rooms waiting for Redis",
            [Query(f"sum by (instance) ({metric('roompulse_checkpoint_rooms_waiting')})", "{{instance}}")],
            "Changed rooms kept in memory while Redis is away. Normal: 0. At `--max-dirty-rooms` reading pauses.",
            rules=("ReadingPaused",),
        ),
        series(
            "Saves that failed",
            [Query(rate("roompulse_checkpoint_failures_total"), "failed")],
            "A second. Normal: none. They are tried again.",
            unit="cps",
            colours={"failed": VERMILLION},
            rules=("RedisAway",),
        ),
        bars(
            "Partitions taken over",
            Query(increase("roompulse_recoveries_total", by="state"), "{{state}}"),
            "In the chosen time range, by how their state was found: `kept` in Redis, `rebuilt` from the topic "
            "exactly, `approximate` where the topic no longer held all. Normal: kept.",
            rules=("RebuildRunning",),
        ),
        states(
            "Redis",
            Query(f"min by (instance) ({metric('roompulse_redis_up')})", "{{instance}}"),
            "What each scorer's last attempt gave. Normal: there.",
            AWAY_THERE,
            rules=("RedisAway",),
        ),
        states(
            "Kafka",
            Query(f"min by (instance) ({metric('roompulse_broker_up')})", "{{instance}}"),
            "What each scorer's last attempt gave. Normal: there.",
            AWAY_THERE,
            rules=("BrokerAway",),
        ),
        states(
            "Rebuilding",
            Query(by_partition("roompulse_rebuilding", PARTITION), "partition {{partition}}"),
            "When a partition re-read the topic up to what was committed. Normal: seconds after a start.",
            (("live", CALM), ("rebuilding", WARN)),
            rules=("RebuildRunning",),
        ),
        states(
            "Reading",
            Query(f"max by (instance) ({metric('roompulse_reading_paused')})", "{{instance}}"),
            "When a scorer stopped reading because too many rooms waited for Redis. Normal: goes on.",
            (("goes on", CALM), ("paused", BAD)),
            rules=("ReadingPaused",),
            width=12,
        ),
        states(
            "Halted",
            Query(by_partition("roompulse_partition_halted", PARTITION), "partition {{partition}}"),
            "When a partition waited for a bundle that its scorer does not have. Normal: goes on.",
            (("goes on", CALM), ("halted", BAD)),
            rules=("PartitionHalted",),
            width=12,
        ),
    ]
