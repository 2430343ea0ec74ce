"""Metrics: declared once, named by convention, no room but the hottest, right after a run; and their port."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.parser import text_string_to_metric_families

from roompulse.errors import REASONS, RoomPulseError
from roompulse.http_status import MOST_CONNECTIONS, HttpStatus
from roompulse.topics import Topics
from scorer import happenings as told
from scorer.adapters import prometheus_metrics
from scorer.adapters.delays import EXPORTED_S, Delays
from scorer.adapters.prometheus_metrics import PrometheusMetrics
from scorer.totals import Totals
from tests.architecture.sources import source_files
from tests.scorer.loops import PARTITIONS, Process, filled, undisturbed

LABELS = {
    "reason", "kind", "severity", "event", "horizon", "stage", "partition", "state", "model", "le", "direction",
    "category", "verdict", "result", "version", "client", "role", "control",
}  # fmt: skip
SLOW = (b"", b"GET /met", b"GET /metrics HTTP/1.1\r\nX: y", b"GET /metrics HTTP/1.1\r\n\r\n")
"""What clients send that then neither go on nor read."""


@pytest.fixture(scope="module")
def run() -> tuple[PrometheusMetrics, Totals, Process]:
    """A run to the end, told to metrics and totals."""
    metrics, totals = PrometheusMetrics("kafka-python"), Totals()
    process = Process(filled()).run()
    process.told.append(process.loop._mine.standing())
    for happening in process.told:
        metrics(happening)
        totals(happening)
    return metrics, totals, process


def value(metrics: PrometheusMetrics, name: str, **labels: str) -> float:
    """A sample."""
    found = metrics.registry.get_sample_value(name, labels)
    assert found is not None, (name, labels)
    return found


def test_every_metric_is_declared_once_and_named_by_convention(run: tuple[PrometheusMetrics, Totals, Process]) -> None:
    """One prefix, lower case, help for each; counters end in _total, durations in _seconds."""
    families = list(run[0].registry.collect())
    assert len({family.name for family in families}) == len(families)
    for family in families:
        assert re.fullmatch(r"roompulse_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        if family.type == "counter":
            assert {sample.name for sample in family.samples} <= {f"{family.name}_total", f"{family.name}_created"}
        if "duration" in family.name or "delay" in family.name or "lag" in family.name.replace("offset_lag", ""):
            assert family.name.endswith("_seconds")
    folder = Path(prometheus_metrics.__file__).parent
    sources = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("prometheus_*.py"))]
    declared = re.findall(r'"(roompulse_[a-z_]+)"', "".join(sources))
    assert len(declared) == len(set(declared)) == len(families)


def test_only_the_hottest_rooms_are_a_label(run: tuple[PrometheusMetrics, Totals, Process]) -> None:
    """All other labels come from small fixed sets, so that a million rooms cost as much as one."""
    families = [family for family in run[0].registry.collect() if not family.name.startswith("roompulse_hot_room_")]
    labels = {name for family in families for sample in family.samples for name in sample.labels}
    assert labels <= LABELS
    reasons = {
        sample.labels["reason"]
        for family in run[0].registry.collect()
        for sample in family.samples
        if "reason" in sample.labels
    }
    assert reasons == set(REASONS)


def test_the_counts_are_those_of_the_run(run: tuple[PrometheusMetrics, Totals, Process]) -> None:
    """Events in are forecasts, late, corrected, duplicate and dead letters; what went out was written."""
    metrics, _, process = run
    topics = Topics()
    written = {name: sum(map(len, [process.topic.outputs[name, p] for p in (0, 1)])) for name in topics.outputs}
    parts = [
        value(metrics, f"roompulse_{name}_total") for name in ("forecasts", "late", "corrected", "duplicate")
    ]  # fmt: skip
    dead = value(metrics, "roompulse_dead_letters_total", reason="malformed")
    assert value(metrics, "roompulse_events_total") == sum(parts) + dead
    assert parts[0] == written[topics.forecasts] > 0
    assert dead == written[topics.dead_letters] == 1
    alerts = sum(
        sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "roompulse_alerts_total"
    )
    assert alerts == written[topics.alerts] == written[topics.alerts_open] > 0
    records = [output.value or b"" for p in (0, 1) for output in process.topic.outputs[topics.alerts, p]]
    opened = sum(b'"event":"open"' in record for record in records)
    rates = [value(metrics, "roompulse_alerts_per_room_day", kind=kind) for kind in ("surge", "slump", "hotspot")]
    assert sum(rates) == pytest.approx(1440 * opened / parts[0])
    assert value(metrics, "roompulse_clocks_total") == 2
    found = {
        verdict: value(metrics, "roompulse_feedback_total", verdict=verdict)
        for verdict in ("noise", "useful", "unknown_room")
    }
    assert found == {"noise": 1, "useful": 1, "unknown_room": 1}
    assert value(metrics, "roompulse_snoozes_total", result="begun") == 1
    assert value(metrics, "roompulse_sessions_total") == 3
    assert value(metrics, "roompulse_model_info", model="fake-1", role="champion") == PARTITIONS
    for horizon in ("1", "5", "10"):
        assert value(metrics, "roompulse_forecasts_judged_total", horizon=horizon) > 0
        assert value(metrics, "roompulse_naive_absolute_error_total", horizon=horizon) > 0
    assert 0 < value(metrics, "roompulse_intervals_covered_total") < value(metrics, "roompulse_intervals_judged_total")
    assert value(metrics, "roompulse_recoveries_total", state="kept") == 2
    assert value(metrics, "roompulse_batch_size_count") == value(
        metrics, "roompulse_stage_duration_seconds_count", stage="commit"
    )


def test_the_standing_is_by_partition_and_goes_with_it(run: tuple[PrometheusMetrics, Totals, Process]) -> None:
    """Lag, watermark and live rooms; a partition given up is no longer shown, one never shown is no trouble."""
    metrics, _, process = run
    watermarks = process.of(told.Standing)[-1].watermarks
    assert value(metrics, "roompulse_offset_lag", partition="0") == 0
    assert value(metrics, "roompulse_watermark_timestamp_seconds", partition="0") == watermarks[0] * 60
    assert value(metrics, "roompulse_event_time_lag_seconds", partition="1") > 0
    assert value(metrics, "roompulse_rooms_live", partition="1") == 0
    other = PrometheusMetrics("kafka-python")
    other(process.of(told.Standing)[-1])
    other(told.Lost(0))
    other(told.Lost(7))
    assert other.registry.get_sample_value("roompulse_offset_lag", {"partition": "0"}) is None
    assert value(other, "roompulse_offset_lag", partition="1") == 0


def test_troubles_are_counted() -> None:
    """Aborted transactions, an absent broker or Redis, waiting rooms, paused reading, rebuilt partitions."""
    metrics = PrometheusMetrics("kafka-python")
    for happening in (
        told.Aborted("no"),
        told.BrokerAway("no"),
        told.SaveDelayed("no", 17),
        told.Reading(True),
        told.Recovered(0, 0, 5, 0, True, True),
        told.Recovered(0, 0, 5, 0, True, False),
        told.RecoveryDelayed(0, "no"),
    ):
        metrics(happening)
    assert value(metrics, "roompulse_aborted_transactions_total") == 1
    assert value(metrics, "roompulse_broker_failures_total") == 1
    assert value(metrics, "roompulse_checkpoint_failures_total") == 1
    assert value(metrics, "roompulse_checkpoint_rooms_waiting") == 17
    assert value(metrics, "roompulse_reading_paused") == 1
    assert value(metrics, "roompulse_recoveries_total", state="rebuilt") == 1
    assert value(metrics, "roompulse_recoveries_total", state="approximate") == 1


def test_reasons_are_those_that_the_code_gives() -> None:
    """Counters of refused records exist from the start, so every reason has to be known beforehand."""
    sources = [path.read_text(encoding="utf-8") for folder in ("roompulse", "scorer") for path in source_files(folder)]
    given = re.findall(r'RecordError\(\s*"([a-z]+)"', "".join(sources))
    assert set(given) == set(REASONS)


def test_the_summary_accounts_for_every_event(run: tuple[PrometheusMetrics, Totals, Process]) -> None:
    """The same numbers as the metrics', and nothing unaccounted."""
    metrics, totals, _ = run
    summary = totals.summary()
    assert summary["unaccounted"] == 0
    assert summary["events_in"] == value(metrics, "roompulse_events_total")
    assert summary["forecasts_out"] == value(metrics, "roompulse_forecasts_total")
    assert summary["late"] == summary["corrected"] == 1
    assert summary["batches"] == value(metrics, "roompulse_batch_size_count")
    assert Totals().summary()["error_at_1"] is None


def test_delays_give_quantiles_and_buckets() -> None:
    """Right within 2.4 %, cumulative for Prometheus, none without records, a clock behind counts as no delay."""
    delays = Delays()
    assert delays.quantile(0.5) is None
    delays.observe(np.array([]))
    delays.observe(np.linspace(0.001, 1, 1000))
    delays.observe(np.array([-5.0, 1e9]))
    assert delays.quantile(0.5) == pytest.approx(0.5, rel=0.025)
    assert delays.quantile(0.99) == pytest.approx(0.99, rel=0.025)
    buckets = dict(delays.buckets())
    assert buckets["+Inf"] == 1002
    assert buckets["0.25"] == 251
    assert list(buckets.values()) == sorted(buckets.values())
    assert len(buckets) == len(EXPORTED_S) + 1


@pytest.fixture
def port(run: tuple[PrometheusMetrics, Totals, Process]) -> Iterator[int]:
    """The status port; healthy, not ready."""
    status = HttpStatus(
        "127.0.0.1", 0, make_wsgi_app(run[0].registry), lambda: "", lambda: "no partition is assigned yet"
    )
    yield status.port
    status.close()


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    """Status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_the_port_serves_three_paths_and_nothing_else(port: int) -> None:
    """Metrics that a parser reads, health, readiness with its reason; anything else is not there."""
    status, page = ask(port, "/metrics")
    assert status == 200
    assert any(family.name == "roompulse_delay_seconds" for family in text_string_to_metric_families(page))
    assert ask(port, "/healthz") == (200, "ok\n")
    assert ask(port, "/readyz") == (503, "no partition is assigned yet\n")
    for path in ("/", "/metrics/", "/favicon.ico", "/metrics/../etc/passwd", "/debug"):
        assert ask(port, path)[0] == 404
    for path in ("/metrics", "/healthz"):
        assert ask(port, path, "POST")[0] == 405
    assert ask(port, "/healthz", "HEAD") == (200, "")


def test_a_taken_port_is_a_clear_error(port: int) -> None:
    """It names the address and the way out."""
    with pytest.raises(RoomPulseError, match=rf"127.0.0.1:{port}.*--metrics-port"):
        HttpStatus("127.0.0.1", port, make_wsgi_app(CollectorRegistry()), str, str)


def test_slow_clients_of_the_port_neither_stop_nor_change_what_is_scored() -> None:
    """With every batch twenty more connect that send nothing, half a request, or read nothing of a page.

    All is scored to the last byte, and the port still tells the count of it.
    """
    topic, metrics = filled(), PrometheusMetrics("kafka-python")
    status = HttpStatus("127.0.0.1", 0, make_wsgi_app(metrics.registry), str, str)
    with ExitStack() as stack:
        stack.callback(status.close)

        def crowd(name: str, when: str, count: int) -> None:
            if (name, when) == ("commit", "before"):
                for begins in SLOW * 5:
                    link = stack.enter_context(socket.create_connection(("127.0.0.1", status.port), timeout=60))
                    link.sendall(begins)
                assert ask(status.port, "/healthz") == (200, "ok\n")

        process = Process(topic, hook=crowd, max_batch=3).run()
        assert process.calls["commit"] > 2 * MOST_CONNECTIONS / 20
        for happening in process.told:
            metrics(happening)
        families = {family.name: family for family in text_string_to_metric_families(ask(status.port, "/metrics")[1])}
    assert dict(topic.outputs) == undisturbed(topic)
    (events,) = families["roompulse_events"].samples
    assert events.value == sum(batch.tally.events for batch in process.of(told.Committed)) > 60
