"""One line of figures that says where to look."""

from __future__ import annotations

from deploy.grafana.colours import AWAY_THERE, BAD, CALM, bad_below, bad_from, warn_from
from deploy.grafana.manners import Panel
from deploy.grafana.panels import number
from deploy.grafana.queries import PARTITION, Query, metric
from deploy.grafana.thresholds import value_of


def now() -> list[Panel]:
    """The state of everything that can be away."""
    lag = metric("roompulse_offset_lag", PARTITION)
    saved = metric("roompulse_checkpoint_saved_timestamp_seconds", PARTITION)
    return [
        number(
            "Scorers up",
            Query('sum(up{job="roompulse-scorer",instance=~"$instance"})'),
            "Scorers that answer Prometheus. Normal: as many as you run.",
            steps=bad_below(1),
            rules=("ScorerDown",),
        ),
        number(
            "Partitions served",
            Query(f"count(count by (partition) ({lag}))"),
            "Partitions that some scorer serves. Normal: all of the input topic's.",
            rules=("NoScorer",),
        ),
        number(
            "Kafka",
            Query(f"min({metric('roompulse_broker_up')})"),
            "What the last attempt gave, worst scorer. Normal: there.",
            steps=bad_below(1),
            words=AWAY_THERE,
            rules=("BrokerAway",),
        ),
        number(
            "Redis",
            Query(f"min({metric('roompulse_redis_up')})"),
            "What the last attempt gave, worst scorer. Normal: there. While it is away nothing is lost: rooms wait "
            "in memory.",
            steps=bad_below(1),
            words=AWAY_THERE,
            rules=("RedisAway",),
        ),
        number(
            "Largest lag",
            Query(f"max({lag})"),
            "Messages not read yet, worst partition. Normal: below a few seconds of traffic.",
            rules=("OffsetLagGrowing",),
        ),
        number(
            "Oldest checkpoint",
            Query(f"time() - min({saved})"),
            "Since the last save, or the last look at which nothing was unsaved, worst partition. Normal: a few "
            "seconds.",
            unit="s",
            steps=warn_from(value_of("CheckpointOld")),
            rules=("CheckpointOld",),
        ),
        number(
            "Reading",
            Query(f"max({metric('roompulse_reading_paused')})"),
            "Paused while too many changed rooms wait for Redis. Normal: goes on.",
            steps=bad_from(1),
            words=(("goes on", CALM), ("paused", BAD)),
            rules=("ReadingPaused",),
        ),
        number(
            "Rebuilding",
            Query(f"sum(max by (partition) ({metric('roompulse_rebuilding', PARTITION)}))"),
            "Partitions that re-read the topic up to what was committed. Normal: 0, for seconds after a start more.",
            steps=warn_from(1),
            rules=("RebuildRunning",),
        ),
    ]
