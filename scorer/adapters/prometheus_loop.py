"""Metrics of the loop and of the servers that it needs: stages, delay, Kafka, Redis and the checkpoint."""

from __future__ import annotations

import math
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from scorer import happenings as told
from scorer.adapters.delays import Delays

_BATCH_SIZES = (1, 10, 100, 1000, 2500, 5000, 10_000)
_STAGE_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class LoopMetrics:
    """Counts transactions and saves, and says which server is away. `delays` is fed with every batch's delays."""

    def __init__(self, registry: CollectorRegistry, delays: Delays) -> None:
        self._delays = delays
        registry.register(_DelayCollector(delays))
        self._batch = Histogram(
            "roompulse_batch_size", "Messages in a transaction.", buckets=_BATCH_SIZES, registry=registry
        )
        self._stage = Histogram(
            "roompulse_stage_duration_seconds",
            "Time by stage of the loop.",
            ["stage"],
            buckets=_STAGE_S,
            registry=registry,
        )
        self._aborted = Counter("roompulse_aborted_transactions", "Transactions given up.", registry=registry)
        # Kafka. 0 until the first answer.
        self._away = Counter("roompulse_broker_failures", "Times that Kafka did not answer.", registry=registry)
        self._broker_up = Gauge(
            "roompulse_broker_up", "1 if Kafka answered when it was last asked, 0 if not.", registry=registry
        )
        # Redis. It is asked when something changed; a scorer does not start without it, hence 1 at first.
        self._redis_up = Gauge(
            "roompulse_redis_up", "0 while a save or a take-over waits for Redis to answer, 1 else.", registry=registry
        )
        self._redis_up.set(1)
        # The checkpoint. When it was last up to date is told by partition.
        self._saved_rooms = Counter("roompulse_checkpoint_rooms", "Room states written.", registry=registry)
        self._save_failures = Counter("roompulse_checkpoint_failures", "Saves that failed.", registry=registry)
        self._waiting = Gauge("roompulse_checkpoint_rooms_waiting", "Rooms waiting for Redis.", registry=registry)
        self._paused = Gauge("roompulse_reading_paused", "1 while too many rooms wait for Redis.", registry=registry)
        # The backlog. NaN until it is known, infinite where it does not shrink.
        self._remaining = Gauge(
            "roompulse_backlog_remaining_seconds",
            "Time until the backlog is read at the present rates; 0: caught up, +Inf: it does not shrink.",
            registry=registry,
        )
        self._remaining.set(math.nan)
        self._recoveries = Counter(
            "roompulse_recoveries", "Partitions taken over, by how their state was found.", ["state"], registry=registry
        )

    def __call__(self, happening: told.Happening) -> None:
        """Count what the loop tells of itself."""
        match happening:
            case told.Committed():
                self._broker_up.set(1)
                self._batch.observe(happening.messages)
                for stage, seconds in happening.stage_s.items():
                    self._stage.labels(stage).observe(seconds)
                self._delays.observe(happening.delay_s)
            case told.Aborted():
                self._aborted.inc()
            case told.BrokerAway():
                self._away.inc()
                self._broker_up.set(0)
            case told.Saved():
                self._redis_up.set(1)
                self._saved_rooms.inc(happening.rooms)
                self._stage.labels("checkpoint").observe(happening.seconds)
                self._waiting.set(happening.waiting)
            case told.SaveDelayed():
                self._redis_up.set(0)
                self._save_failures.inc()
                self._waiting.set(happening.waiting)
            case told.Reading():
                self._paused.set(happening.paused)
            case told.Backlog():
                self._remaining.set(happening.remaining_s)
            case told.Recovered():
                self._broker_up.set(1)
                self._redis_up.set(1)
                state = "kept" if not happening.rebuilt else "rebuilt" if happening.exact else "approximate"
                self._recoveries.labels(state).inc()
            case told.RecoveryDelayed(away=away):
                if away:
                    (self._broker_up if away == "kafka" else self._redis_up).set(0)
            case told.Standing():
                self._broker_up.set(1)
                if not happening.waiting and not any(happening.unsaved.values()):
                    self._redis_up.set(1)
            case _:
                pass


class _DelayCollector(Collector):
    """The delays as a histogram; prometheus_client's own takes one value at a time."""

    def __init__(self, delays: Delays) -> None:
        self._delays = delays

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """Give the histogram as it stands."""
        yield HistogramMetricFamily(
            "roompulse_delay_seconds",
            "From a record's timestamp to the commit of what it led to.",
            buckets=self._delays.buckets(),
            sum_value=self._delays.total_s,
        )
