"""Metrics of how the scorer itself fares: its servers, its partitions, open alerts, and the hottest rooms by name."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from scorer import happenings as told
from scorer.adapters.prometheus_metrics import PrometheusMetrics
from scorer.pipeline.hotlist import Hot
from tests.scorer.test_metrics import value


def standing(**what: Any) -> told.Standing:
    """A standing of no partitions, but for what is given."""
    fields: dict[str, Any] = {
        "behind": {},
        "rooms": {},
        "watermarks": {},
        "fleet": {},
        "follows": {},
        "unsaved": {},
        "waiting": frozenset(),
    }
    return told.Standing(**{**fields, "alerts": {}, "hot": (), **what})


def test_a_server_is_up_again_once_it_answers() -> None:
    """Redis and Kafka each by their own failures; a fence that another holds is neither's."""
    metrics = PrometheusMetrics("kafka-python")

    def up() -> tuple[float, float]:
        return value(metrics, "roompulse_broker_up"), value(metrics, "roompulse_redis_up")

    assert up() == (0, 1)
    for happening, expected in (
        (standing(), (1, 1)),
        (told.BrokerAway("no"), (0, 1)),
        (told.SaveDelayed("no", 1), (0, 0)),
        (told.Recovered(0, 5, 5, 0, False, True), (1, 1)),
        (told.RecoveryDelayed(0, "no", "redis"), (1, 0)),
        (standing(waiting=frozenset({0})), (1, 0)),
        (standing(unsaved={1: True}), (1, 0)),
        (told.Saved(0, 1, 0.1), (1, 1)),
        (told.RecoveryDelayed(0, "no", "kafka"), (0, 1)),
        (told.RecoveryDelayed(0, "another scorer's"), (0, 1)),
        (told.SaveDelayed("no", 1), (0, 0)),
        (standing(), (1, 1)),  # what waited for Redis has gone to another scorer
    ):
        metrics(happening)
        assert up() == expected, happening


def test_a_partition_is_rebuilding_until_it_writes() -> None:
    """1 from taking over to live, and gone with the partition; its checkpoint has an age from the first moment on."""
    metrics = PrometheusMetrics("kafka-python")
    before = time.time()
    metrics(told.Recovered(3, 0, 5, 0, True, True))
    assert value(metrics, "roompulse_rebuilding", partition="3") == 1
    assert value(metrics, "roompulse_checkpoint_saved_timestamp_seconds", partition="3") >= before
    metrics(told.Live(3, 5))
    assert value(metrics, "roompulse_rebuilding", partition="3") == 0
    metrics(told.Lost(3))
    assert not [sample for family in metrics.registry.collect() for sample in family.samples if "3" in sample.labels]


def test_the_checkpoint_ages_while_it_lacks_something(monkeypatch: pytest.MonkeyPatch) -> None:
    """A save, or a look that finds nothing to be saved, makes it as new; a look that finds something does not."""
    metrics, clock = PrometheusMetrics("kafka-python"), iter(range(1, 99))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    seen = []
    for happening in (
        told.Saved(0, 5, 0.1),
        standing(unsaved={0: True}),
        standing(unsaved={0: False}),
        standing(unsaved={0: True}),
    ):
        metrics(happening)
        seen.append(value(metrics, "roompulse_checkpoint_saved_timestamp_seconds", partition="0"))
    assert seen[0] == seen[1] < seen[2] == seen[3]


def test_open_alerts_are_shown_as_they_stand() -> None:
    """Every kind and severity from the start, up and down with what is told."""
    metrics = PrometheusMetrics("kafka-python")
    assert value(metrics, "roompulse_alerts_open", kind="slump", severity="critical") == 0
    metrics(standing(alerts={("slump", "critical"): 3}))
    assert value(metrics, "roompulse_alerts_open", kind="slump", severity="critical") == 3
    metrics(standing(alerts={("slump", "critical"): 0}))
    assert value(metrics, "roompulse_alerts_open", kind="slump", severity="critical") == 0


AWKWARD = ('say "hi"', "back\\slash", "two\nlines", "room{a='b'} 1", "直播间 42", "x" * 256)


@pytest.mark.parametrize("write", [generate_latest, openmetrics.generate_latest])
def test_a_hot_room_may_have_any_name(write: Callable[[CollectorRegistry], bytes]) -> None:
    """Names are text of other people: both formats give each back as it was, in rows of its own."""
    metrics = PrometheusMetrics("kafka-python")
    metrics(standing(hot=tuple(Hot(9.0, name, 12.5, 10.0, 0) for name in AWKWARD)))
    page = write(metrics.registry).decode()
    parse = text_string_to_metric_families if write is generate_latest else openmetrics_families
    found = {
        sample.labels["room"]: sample.value
        for family in parse(page)
        for sample in family.samples
        if sample.name == "roompulse_hot_room_rank"
    }
    assert found == {name: rank for rank, name in enumerate(AWKWARD, 1)}


def test_the_rows_of_a_room_go_when_it_leaves() -> None:
    """No deviation where next to nothing was expected; after the next look only what is hot then."""
    metrics = PrometheusMetrics("kafka-python")
    metrics(standing(hot=(Hot(9.0, "a", 15.0, 10.0, 0), Hot(2.0, "b", 2.5, 0.5, 0))))
    assert value(metrics, "roompulse_hot_room_actual", room="a") == 15
    assert value(metrics, "roompulse_hot_room_expected", room="b") == 0.5
    assert value(metrics, "roompulse_hot_room_deviation_percent", room="a") == 50
    assert metrics.registry.get_sample_value("roompulse_hot_room_deviation_percent", {"room": "b"}) is None
    metrics(standing(hot=(Hot(2.0, "b", 2.5, 0.5, 0),)))
    rooms = [sample.labels["room"] for family in metrics.registry.collect() for sample in family.samples
             if "room" in sample.labels]  # fmt: skip
    assert rooms == ["b"] * 3
    assert value(metrics, "roompulse_hot_room_rank", room="b") == 1
