"""Drift of the forecast's error by category and partition: found where it is, with a bounded number of names."""

from __future__ import annotations

import numpy as np

from scorer.adapters.prometheus_metrics import PrometheusMetrics
from scorer.drift import CATEGORIES, OTHER, DriftWatch
from scorer.happenings import Committed, Drifted, Happening
from scorer.pipeline.partition import Tally
from tests.scorer.fakes import Lab, event, steady


def committed(errors: dict[tuple[int, str], float], judged: float = 200) -> Committed:
    """A batch with this error relative to the naive one's in each segment."""
    sums = {segment: np.array([judged, error * 50, 50.0]) for segment, error in errors.items()}
    return Committed(Tally(errors=sums), 1, {}, np.zeros(0))


def test_a_worse_forecast_is_found_in_its_own_segment() -> None:
    """Two categories on two partitions, one of which gets worse: one drift, told once it is certain."""
    told: list[Happening] = []
    watch, chance = DriftWatch(told.append), np.random.default_rng(1)
    for step in range(600):
        worse = 0.3 if step >= 300 else 0.0
        noise = 0.05 * chance.standard_normal(3)
        errors = [0.8 + noise[0], 0.8 + worse + noise[1], 0.8 + noise[2]]
        watch(committed(dict(zip([(0, "food"), (1, "food"), (0, "toys")], errors, strict=True))))
    drifts = [one for one in told if isinstance(one, Drifted) and one.drifted]
    assert {(one.partition, one.category) for one in drifts} == {(1, "food")}
    metrics = PrometheusMetrics("kafka-python")
    for one in told:
        metrics(one)
    labels = {"partition": "1", "category": "food"}
    assert 1.0 < (metrics.registry.get_sample_value("roompulse_forecast_drift_relative_error", labels) or 0) < 1.2
    assert metrics.registry.get_sample_value("roompulse_forecast_drifts_total", labels) == len(drifts)


def test_names_are_bounded_and_few_forecasts_wait_for_more() -> None:
    """The first eight categories, then `other`; none at all is one of them."""
    told: list[Happening] = []
    watch = DriftWatch(told.append)
    watch(committed({(0, ""): 1.0}, judged=199))
    assert told == []
    watch(committed({(0, "" if number == 0 else f"category {number}"): 1.0 for number in range(20)}))
    names = {one.category for one in told if isinstance(one, Drifted)}
    assert len(names) == CATEGORIES + 1
    assert {"none", OTHER} < names


def test_the_fold_adds_up_errors_by_category() -> None:
    """What is judged at +1, split by the records' categories, adds up to the whole."""
    lab = Lab()
    lab.send(steady("plain", range(5)))
    lab.send([event("a", minute, 99, category="food") for minute in range(8)])
    assert lab.total.errors.keys() == {(0, ""), (0, "food")}
    assert np.allclose(sum(lab.total.errors.values()), lab.total.judged[0])
    assert [sums[0] for sums in lab.total.errors.values()] == [4, 7]
