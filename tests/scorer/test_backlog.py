"""How long a backlog will last: from two standings, with what arrives meanwhile, and said now and then."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import numpy as np
import pytest

from scorer import happenings as told
from scorer.adapters.prometheus_metrics import PrometheusMetrics
from scorer.backlog import BacklogWatch, Mark, remaining_s
from scorer.narrate import Narrator
from scorer.pipeline.partition import Tally
from tests.scorer.loops import Process, filled


@pytest.mark.parametrize(
    ("first", "last", "remaining"),
    [
        (Mark(0, {0: 1000, 1: 1000}, 0), Mark(10, {0: 500, 1: 500}, 1000), 10.0),
        (Mark(0, {0: 1000}, 0), Mark(10, {0: 900}, 5000), 0.0),  # two seconds' worth is no backlog
        (Mark(0, {0: 0}, 0), Mark(10, {0: 0}, 0), 0.0),
        (Mark(0, {0: 1000}, 0), Mark(10, {0: 1000}, 100), math.inf),
        (Mark(0, {0: 1000}, 0), Mark(10, {0: 2000}, 1000), math.inf),
        (Mark(0, {0: 1000}, 0), Mark(10, {0: 500, 1: 4000}, 500), 90.0),  # the one that came says nothing of the rate
        (Mark(0, {0: 1000}, 0), Mark(10, {1: 1000}, 0), math.inf),
    ],
)
def test_the_remaining_time_is_the_backlog_over_the_rate_at_which_it_shrinks(
    first: Mark, last: Mark, remaining: float
) -> None:
    """What is handled less what arrives, of partitions that were there at both moments."""
    assert remaining_s([first, last]) == remaining


def test_one_moment_tells_no_rate() -> None:
    """Before the second standing it is not known."""
    assert math.isnan(remaining_s([]))
    assert math.isnan(remaining_s([Mark(0, {0: 5}, 0)]))


def standing(behind: int) -> told.Standing:
    """A standing with so many messages behind."""
    process = Process(filled())
    process.loop.turn()
    return replace(process.of(told.Standing)[0], behind={0: behind})


def test_metric_and_log_follow_the_backlog(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """An outage: unknown, then catching up with a figure, then caught up; a silent broker makes it unknown again."""
    now = [0.0]
    monkeypatch.setattr("scorer.backlog.time.monotonic", lambda: now[0])
    caplog.set_level(logging.INFO, "roompulse.scorer")
    metrics, narrator = PrometheusMetrics("kafka-python"), Narrator()

    def report(happening: told.Happening) -> None:
        metrics(happening)
        narrator(happening)

    def gauge() -> float:
        found = metrics.registry.get_sample_value("roompulse_backlog_remaining_seconds")
        assert found is not None
        return found

    watch, of_batch = BacklogWatch(report), told.Committed(Tally(), 30_000, {}, np.zeros(0))
    assert math.isnan(gauge())
    seen = []
    for behind in (150_000, 120_000, 90_000, 60_000, 30_000, 100):
        watch(of_batch)
        watch(standing(behind))
        seen.append(gauge())
        now[0] += 10.0
    assert math.isnan(seen[0])
    assert seen[1:] == [40.0, 30.0, 20.0, 10.0, 0.0]
    said = [record.getMessage() for record in caplog.records if "catching up" in record.getMessage()]
    assert said[0] == "catching up: 120,000 behind, about 40 s"
    watch(told.BrokerAway("no"))
    assert math.isnan(gauge())
