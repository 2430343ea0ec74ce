"""A trace of each batch for OpenTelemetry: one span from the poll's end to the commit, a span within it for each stage.

The SDK sends from a thread of its own; what does not fit into its queue is dropped. A collector that is away, slow or
wrong costs spans and never a batch.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, set_span_in_context

from roompulse import __version__
from scorer import happenings as told

EXPORT_TIMEOUT_S = 5.0
_PATH = "/v1/traces"
_NS = 1_000_000_000

_log = logging.getLogger("roompulse.traces")


class BatchTraces:
    """Makes spans of what the loop tells. Times are taken backwards from when it is told, so that the loop measures
    nothing for them.
    """

    def __init__(self, exporter: SpanExporter, instance: str) -> None:
        resource = Resource(
            {"service.name": "roompulse-scorer", "service.instance.id": instance, "service.version": __version__}
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("roompulse.scorer", __version__)

    def __call__(self, happening: told.Happening) -> None:
        """A committed batch becomes a trace."""
        if not isinstance(happening, told.Committed):
            return
        at = time.time_ns() - int(_NS * sum(happening.stage_s.values()))
        batch = self._tracer.start_span(
            "batch",
            kind=SpanKind.CONSUMER,
            start_time=at,
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.type": "process",
                "messaging.batch.message_count": happening.messages,
                "roompulse.partitions": sorted(happening.positions),
                "roompulse.alert_records": sum(happening.tally.alerts.values()),
                "roompulse.dead_letters": sum(happening.tally.dead.values()),
            },
        )
        within = set_span_in_context(batch)
        for stage, seconds in happening.stage_s.items():
            span = self._tracer.start_span(stage, context=within, start_time=at)
            at += int(_NS * seconds)
            span.end(at)
        batch.end(at)

    def close(self) -> None:
        """Send what waits, as far as that is done within the timeout of one export; never raises."""
        ending = threading.Thread(target=self._provider.shutdown, name="traces-end", daemon=True)
        ending.start()
        ending.join(EXPORT_TIMEOUT_S)


class _Announced(SpanExporter):
    """Says when spans cannot be sent and when they can again; the SDK itself would say it every few seconds."""

    def __init__(self, target: SpanExporter, url: str) -> None:
        self._target, self._url = target, url
        self._failing = False
        if not _log.isEnabledFor(logging.DEBUG):  # the reasons are there for who asks
            logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._target.export(spans)
        failing = result is not SpanExportResult.SUCCESS
        if failing and not self._failing:
            _log.warning("traces cannot be sent to %s and are dropped until they can", self._url)
        elif self._failing and not failing:
            _log.info("traces are sent to %s again", self._url)
        self._failing = failing
        return result

    def shutdown(self) -> None:
        self._target.shutdown()


def traces_to(endpoint: str, instance: str) -> BatchTraces:
    """Traces for an OTLP receiver over HTTP, such as http://collector:4318; its usual path is added."""
    url = endpoint if endpoint.endswith(_PATH) else endpoint.rstrip("/") + _PATH
    return BatchTraces(_Announced(OTLPSpanExporter(endpoint=url, timeout=EXPORT_TIMEOUT_S), url), instance)
