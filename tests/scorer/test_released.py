"""A partition that has gone to another scorer leaves nothing behind: no state in memory, no series, no trial."""

from __future__ import annotations

import gc
import weakref

from scorer import happenings as told
from scorer.adapters.memory_checkpoint import MemoryStore
from scorer.adapters.prometheus_metrics import PrometheusMetrics
from scorer.backlog import BacklogWatch
from scorer.drift import DriftWatch
from scorer.narrate import Narrator
from scorer.readiness import Readiness
from scorer.totals import Totals
from tests.scorer.fakes import context_of, control
from tests.scorer.loops import PARTITIONS, Process, fill, filled, record_fields, stream

SECOND = context_of(memory=0.3, model="5" * 64)
GONE, KEPT = 1, 0


def test_the_state_of_a_lost_partition_is_let_go_of() -> None:
    """Fold, trial, skill, drift, standing and every series with its number are gone once another has taken it."""
    topic, store = filled(), MemoryStore()
    for partition in range(PARTITIONS):
        topic.append(partition, *record_fields(control("challenger", hash=SECOND.model, label="five")))
    fill(topic, stream(first=60), end=120)
    metrics = PrometheusMetrics("kafka-python")
    observers: list[told.Report] = [metrics, Readiness(), Totals(), Narrator()]

    def report(happening: told.Happening) -> None:
        for observe in observers:
            observe(happening)

    observers += [BacklogWatch(report), DriftWatch(report)]
    one = Process(topic, store, models={SECOND.model: SECOND}, shadow_share=1.0, exit_at_end=False)
    loop = one.loop
    loop._report = loop._mine._report = loop._trials._report = report
    loop._next_standing = 0.0
    report(told.Drifted(GONE, "games", False, 1.0, 1.0))
    for _ in range(30):
        loop.turn()
    assert loop._trials._shadows.keys() == {KEPT, GONE}
    assert _partitions_shown(metrics) == {str(KEPT), str(GONE)}
    fold, shadow = weakref.ref(loop._mine[GONE].fold), weakref.ref(loop._trials._shadows[GONE])
    two = Process(topic, store, instance="two", models={SECOND.model: SECOND})
    for _ in range(4):
        two.loop.turn()
        loop.turn()
    assert set(loop._mine) == {KEPT}
    assert set(two.loop._mine) == {GONE}
    gc.collect()
    assert fold() is None
    assert shadow() is None
    assert _partitions_shown(metrics) == {str(KEPT)}
    assert loop._mine.standing().behind.keys() == {KEPT}
    assert loop._trials._shadows.keys() == {KEPT}


def _partitions_shown(metrics: PrometheusMetrics) -> set[str]:
    """Which partitions any series is about."""
    samples = (sample for family in metrics.registry.collect() for sample in family.samples)
    return {sample.labels["partition"] for sample in samples if "partition" in sample.labels}
