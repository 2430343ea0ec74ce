"""Traces of batches, received by a collector in this process or by none."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from roompulse.errors import UsageError
from roompulse.local_server import LOOPBACK, free_port
from roompulse.settings import load_settings
from scorer import happenings as told
from scorer.adapters.otel_traces import BatchTraces, traces_to
from scorer.pipeline.partition import Tally
from tests.scorer.loops import Process, filled

BLOCKED = """
import sys
sys.modules["opentelemetry"] = None
from roompulse.cli import main
sys.exit(main(["score", "--otlp-endpoint", "http://127.0.0.1:4318"]))
"""


class Collector(ThreadingHTTPServer):
    """Takes what is posted to it; while `frozen` is set it answers nothing."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.frozen = threading.Event()
        super().__init__((LOOPBACK, 0), _Taking)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}"


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.frozen.is_set():
            time.sleep(30)
            return
        self.server.received.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def batch(messages: int = 5) -> told.Committed:
    tally = Tally(alerts={("surge", "info", "open"): 2})
    return told.Committed(tally, messages, {"fold": 0.25, "commit": 0.5}, np.zeros(1), {}, {3: 9, 1: 7})


def test_a_batch_is_a_span_with_one_for_each_stage() -> None:
    """The stages follow each other inside the batch's span, with the durations that the loop told."""
    exporter = InMemorySpanExporter()
    traces = BatchTraces(exporter, "one")
    before = time.time_ns()
    traces(batch())
    traces(told.Lost(3))
    traces.close()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"batch", "fold", "commit"}
    parent = spans["batch"]
    assert parent.parent is None
    assert parent.context
    within = [spans[stage].parent for stage in ("fold", "commit")]
    assert [above and above.span_id for above in within] == [parent.context.span_id] * 2
    times = {name: (span.start_time or 0, span.end_time or 0) for name, span in spans.items()}
    assert times["fold"][1] - times["fold"][0] == 250_000_000
    assert times["commit"][1] - times["commit"][0] == 500_000_000
    assert times["batch"] == (times["fold"][0], times["commit"][1])
    assert times["fold"][1] == times["commit"][0]
    assert before <= times["batch"][1] <= time.time_ns()
    said = dict(parent.attributes or {})
    assert said["messaging.batch.message_count"] == 5
    assert said["roompulse.partitions"] == (1, 3)
    assert said["roompulse.alert_records"] == 2
    assert parent.resource.attributes["service.instance.id"] == "one"


def test_every_batch_of_a_run_reaches_the_collector(collector: Collector) -> None:
    """Over HTTP, to the path that receivers listen on, sent at the latest when the scorer ends."""
    batches = Process(filled()).run().of(told.Committed)
    traces = traces_to(collector.url, "one")
    for happening in batches:
        traces(happening)
    traces.close()
    assert {path for path, _ in collector.received} == {"/v1/traces"}
    requests = [ExportTraceServiceRequest.FromString(body) for _, body in collector.received]
    spans = [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert sum(span.name == "batch" for span in spans) == len(batches)
    assert {span.name for span in spans} == {"batch", "fold", "commit"}


@pytest.mark.parametrize("frozen", [False, True])
def test_a_collector_that_is_away_costs_spans_and_nothing_else(
    collector: Collector, frozen: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody listening, or nobody answering: far more batches than the queue holds pass, and the end comes."""
    caplog.set_level(logging.INFO, "roompulse.traces")
    collector.frozen.set()
    traces = traces_to(collector.url if frozen else f"http://{LOOPBACK}:{free_port()}", "one")
    for _ in range(3000):
        traces(batch())
    traces.close()
    assert not collector.received
    assert len([line for line in caplog.messages if "traces cannot be sent" in line]) <= 1
    assert "opentelemetry" not in {record.name.split(".")[0] for record in caplog.records}


def test_what_is_missing_is_named() -> None:
    """Without the extra the option says how to get it, before any server is asked."""
    done = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True)
    assert done.returncode == 2
    assert "--otlp-endpoint needs OpenTelemetry: pip install 'roompulse[otel]'" in done.stderr


@pytest.mark.parametrize("address", ["collector:4318", "http://ops:secret@collector", "ftp://collector", "http://"])
def test_an_address_that_does_not_do_is_refused(address: str) -> None:
    """It has to be a web address, and one without a password."""
    with pytest.raises(UsageError, match="expected http://host:port or https://host:port") as refused:
        load_settings(Namespace(otlp_endpoint=address), {})
    assert "secret" not in str(refused.value)
