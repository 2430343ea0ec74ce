"""`roompulse score`: the live scorer."""

from __future__ import annotations

import argparse
import gc
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from prometheus_client import make_wsgi_app

from roompulse.errors import UsageError
from roompulse.http_status import HttpStatus
from roompulse.settings import KAFKA, REDIS, Settings, add_settings, load_settings
from roompulse.stderr_log import fields, log_to_stderr
from roompulse.stop_signal import Stopped, StopSignal
from roompulse.summary import add_json, print_summary
from scorer import happenings as told
from scorer.adapters.prometheus_metrics import PrometheusMetrics
from scorer.backlog import BacklogWatch
from scorer.loop import LoopOptions, ScoringLoop
from scorer.narrate import Narrator
from scorer.readiness import Readiness
from scorer.totals import Totals
from scorer.wiring import chosen_bundle, chosen_client, chosen_overrides, models, open_checkpoint, open_log

if TYPE_CHECKING:
    from scorer.adapters.otel_traces import BatchTraces

SETTINGS = (
    *KAFKA, "topic_prefix", "client", "create_topics", "partitions", "replication_factor", "group_id",
    "instance_id", "static_membership", "session_timeout_s", "connect_timeout_s", "max_batch", "max_message_bytes",
    "max_rooms", "partitioner", *REDIS, "max_dirty_rooms", "rebuild_hours", "metrics_host", "metrics_port",
    "model", "settings", "surge_budget", "slump_budget", "registry", "ignore_models", "auto_demote", "quiet_clock_s",
    "shadow_share", "log_level", "log_format", "otlp_endpoint",
)  # fmt: skip

_log = logging.getLogger("roompulse.scorer")

EXAMPLES = """\
examples:
  roompulse score
  roompulse score --bootstrap-servers kafka:9092 --redis-url redis://redis:6379/0 --settings alerts.toml
  roompulse score --exit-at-end --json"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    parser.add_argument(
        "--exit-at-end", action="store_true", help="stop at the offsets that were the end when it started"
    )
    parser.add_argument(
        "--drift",
        action="store_true",
        help="watch the forecast's error drift by category and partition; needs the extra `drift` and takes some "
        "seconds more to start",
    )
    add_json(parser)
    add_settings(parser, *SETTINGS)


def run(args: argparse.Namespace) -> int:
    """Score until SIGTERM or Ctrl-C, or the end; then leave the group and save. Returns 0."""
    settings = load_settings(args)
    log_to_stderr(settings.log_level, settings.log_format)
    started = time.monotonic()
    metrics, totals = PrometheusMetrics(chosen_client(settings)), Totals()
    try:
        _score(args, settings, metrics, totals)
    except Stopped:
        _log.info("told to stop while connecting")
    delays = {"delay_p50_s": metrics.delays.quantile(0.5), "delay_p99_s": metrics.delays.quantile(0.99)}
    print_summary(totals.summary() | delays | {"seconds": round(time.monotonic() - started, 3)}, as_json=args.json)
    return 0


def _score(args: argparse.Namespace, settings: Settings, metrics: PrometheusMetrics, totals: Totals) -> None:
    """Connect, and score. Raises Stopped where it is told to stop before it is connected."""
    started = time.monotonic()
    open_traces = _load_traces() if settings.otlp_endpoint else None  # before any service is asked
    stopping = StopSignal()
    client = chosen_client(settings)
    bundle, overrides = chosen_bundle(settings), chosen_overrides(settings)
    readiness = Readiness()
    with stopping.at_once():
        checkpoint = open_checkpoint(settings)
    status = HttpStatus(
        settings.metrics_host,
        settings.metrics_port,
        make_wsgi_app(metrics.registry),
        readiness.unhealthy,
        readiness.not_ready,
    )
    # The port that was found makes the name: two scorers on one host, both with --metrics-port 0, are two.
    settings = replace(settings, metrics_port=status.port)
    traces = open_traces(settings.otlp_endpoint, settings.instance) if open_traces else None
    saver = ThreadPoolExecutor(1, "checkpoint")
    log = None
    try:
        with stopping.at_once():
            log = open_log(settings)
        observers: list[told.Report] = [readiness, metrics, totals, Narrator()]
        if traces is not None:
            observers.append(traces)

        def report(happening: told.Happening) -> None:
            for observe in observers:
                observe(happening)

        observers.append(BacklogWatch(report))
        if args.drift:
            observers.append(_drift_watch(report))

        def stop() -> bool:
            readiness.turned()
            return stopping.asked

        loop = ScoringLoop(
            log,
            checkpoint,
            models(settings, bundle, log.partition_count(), overrides),
            LoopOptions(
                settings.max_batch,
                settings.max_dirty_rooms,
                settings.rebuild_hours,
                args.exit_at_end,
                settings.quiet_clock_s,
                settings.shadow_share,
            ),
            report,
            stop,
            saver,
        )
        address = f"http://{settings.metrics_host}:{status.port}/metrics"
        _log.info(
            "ready in %.1f s: model %s, Kafka at %s through %s, metrics on %s",
            time.monotonic() - started,
            bundle.label,
            settings.bootstrap_servers,
            client,
            address,
            extra=fields(
                model=bundle.label, bootstrap_servers=settings.bootstrap_servers, client=client, metrics=address
            ),
        )
        # What lives as long as the process is not looked at by the garbage collector again.
        gc.collect()
        gc.freeze()
        loop.run()
    finally:
        if log is not None:
            log.close()
        saver.shutdown()  # what was begun comes to its end, also where the loop came to a bad one
        checkpoint.close()
        status.close()
        if traces is not None:
            traces.close()


def _drift_watch(report: told.Report) -> told.Report:
    """Loaded only when asked for: its library brings pandas along."""
    try:
        from scorer.drift import DriftWatch
    except ModuleNotFoundError as error:
        raise UsageError("--drift needs river: pip install 'roompulse[drift]'") from error
    return DriftWatch(report)


def _load_traces() -> Callable[[str, str], BatchTraces]:
    """Loaded only when asked for, as it may not be there."""
    try:
        from scorer.adapters.otel_traces import traces_to
    except ModuleNotFoundError as error:
        raise UsageError("--otlp-endpoint needs OpenTelemetry: pip install 'roompulse[otel]'") from error
    return traces_to
