"""`roompulse notify`: forwards alerts and fleet events to Alertmanager and to a webhook.

Each target has a thread and a consumer group of its own: one that is away holds nothing up for the other, and each
goes on from where it stopped.
"""

from __future__ import annotations

import argparse
import logging
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from prometheus_client import make_wsgi_app

from roompulse.errors import RoomPulseError
from roompulse.http_status import HttpStatus
from roompulse.settings import KAFKA, Settings, add_settings, load_kind, load_settings
from roompulse.stderr_log import log_to_stderr
from roompulse.stop_signal import Stopped, StopSignal
from roompulse.summary import add_json, print_summary
from roompulse.topics import Topics
from watch.notify.alertmanager import Alertmanager
from watch.notify.group_feed import GroupFeed
from watch.notify.http_target import HttpTarget
from watch.notify.metrics import ALERTMANAGER, WEBHOOK, NotifyMetrics
from watch.notify.plan import Plan
from watch.notify.settings import NotifySettings, check, read_secret
from watch.notify.standing import Standing
from watch.notify.to_alertmanager import ToAlertmanager
from watch.notify.to_webhook import ToWebhook
from watch.notify.watchdog import Watchdog

POLL_S = 0.5
OWN = (
    "alertmanager_url", "webhook_url", "webhook_secret_file", "group_id", "max_age", "repeat_s", "watchdog",
    "metrics_host", "metrics_port",
)  # fmt: skip
SHARED = (*KAFKA, "topic_prefix", "session_timeout_s", "connect_timeout_s", "log_level", "log_format")

EXAMPLES = """\
examples:
  roompulse notify --alertmanager-url http://127.0.0.1:9093
  roompulse notify --webhook-url https://hooks.example/roompulse --webhook-secret-file /run/secrets/webhook
  roompulse notify --alertmanager-url http://alertmanager:9093 --max-age 5m --repeat-s 30 --metrics-port 9109"""

_log = logging.getLogger("roompulse.notify")


class Loop(Protocol):
    """What forwards to one target."""

    standing: Standing
    at_end: bool

    def turn(self, max_wait_s: float) -> None:
        """One round."""

    def close(self) -> None:
        """Leave the group and disconnect."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    parser.add_argument(
        "--exit-at-end",
        action="store_true",
        help="stop once what was there at the start is posted; fail where a target does not answer in time",
    )
    add_json(parser)
    add_settings(parser, *OWN, kind=NotifySettings)
    add_settings(parser, *SHARED)


def run(args: argparse.Namespace) -> int:
    """Forward until SIGTERM or Ctrl-C, or the end. Returns 0. Raises RoomPulseError."""
    own, settings = load_kind(NotifySettings, args), load_settings(args)
    check(own)
    secret = read_secret(own.webhook_secret_file) if own.webhook_url else b""
    log_to_stderr(settings.log_level, settings.log_format)
    started = time.monotonic()
    stopping = StopSignal()
    targets = {ALERTMANAGER: own.alertmanager_url, WEBHOOK: own.webhook_url}
    metrics = NotifyMetrics([name for name, url in targets.items() if url])
    loops: list[Loop] = []
    try:
        with stopping.at_once():
            _open_loops(loops, own, secret, settings, metrics)
        status = HttpStatus(
            own.metrics_host,
            own.metrics_port,
            make_wsgi_app(metrics.registry),
            lambda: "; ".join(filter(None, (loop.standing.unhealthy() for loop in loops))),
            lambda: "; ".join(filter(None, (loop.standing.not_ready() for loop in loops))),
        )
        try:
            address = f"http://{own.metrics_host}:{status.port}/metrics"
            _log.info("ready: Kafka at %s, metrics on %s", settings.bootstrap_servers, address)
            # Partitions of a process that died without a word come only after the session timeout.
            give_up_s = settings.connect_timeout_s + settings.session_timeout_s
            _turn_all(loops, stopping, give_up_s if args.exit_at_end else None)
        finally:
            status.close()
    except Stopped:
        _log.info("told to stop while connecting")
    finally:
        for loop in loops:
            loop.close()
    print_summary(metrics.summary() | {"seconds": round(time.monotonic() - started, 3)}, as_json=args.json)
    return 0


def _open_loops(
    loops: list[Loop], own: NotifySettings, secret: bytes, settings: Settings, metrics: NotifyMetrics
) -> None:
    """Add a loop for each target that is asked for. Raises RoomPulseError; those that were opened are to be closed."""
    prefix = settings.topic_prefix
    if own.alertmanager_url:
        feed = GroupFeed(settings, f"{own.group_id}-{ALERTMANAGER}", own.max_age_s, with_open=True)
        plan = Plan(prefix, own.max_age_s, own.repeat_s)
        watchdog = Watchdog() if own.watchdog else None
        loops.append(ToAlertmanager(feed, Alertmanager(own.alertmanager_url), plan, metrics, watchdog))
    if own.webhook_url:
        feed = GroupFeed(settings, f"{own.group_id}-{WEBHOOK}", own.max_age_s, with_open=False)
        loops.append(
            ToWebhook(feed, lambda: HttpTarget(own.webhook_url), secret, Topics(prefix), own.max_age_s, metrics)
        )


def _turn_all(loops: Sequence[Loop], stopping: StopSignal, give_up_s: float | None) -> None:
    """Turn each loop in a thread of its own until it is time to stop; with `give_up_s`, to the end.

    Raises what a loop raised, and RoomPulseError where a trouble lasted longer than `give_up_s`.
    """
    failures: list[BaseException] = []

    def turn(loop: Loop) -> None:
        try:
            while not stopping.asked and not failures:
                loop.turn(POLL_S)
                if give_up_s is not None and loop.at_end:
                    return
                if give_up_s is not None and (trouble := loop.standing.lasting(give_up_s)):
                    raise RoomPulseError(f"{trouble} (tried for {give_up_s:g} s)")
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            failures.append(error)

    threads = [threading.Thread(target=turn, args=(loop,), name=f"notify-{at}") for at, loop in enumerate(loops)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            # In slices: a signal is dealt with between them.
            thread.join(0.2)
    if failures:
        raise failures[0]
