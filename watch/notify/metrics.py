"""Every metric of `roompulse notify`, declared once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Gauge

from watch.notify.plan import DROPS

ALERTMANAGER, WEBHOOK = "alertmanager", "webhook"
UNREADABLE, REFUSED = "unreadable", "refused"


class NotifyMetrics:
    """Counts what both targets' threads tell. `registry` is what the HTTP port serves."""

    def __init__(self, targets: Sequence[str]) -> None:
        """What may be counted is there from the start, at 0: the first failure is then a change that a rule can see."""
        self.registry = registry = CollectorRegistry()
        self._posts = Counter(
            "roompulse_notify_posts", "Requests by target and what came of them.", ["target", "result"],
            registry=registry,
        )  # fmt: skip
        self._success = Gauge(
            "roompulse_notify_last_success_timestamp_seconds", "When a target last accepted a request.", ["target"],
            registry=registry,
        )  # fmt: skip
        self._open = Gauge("roompulse_notify_open_alerts", "Open alerts that Alertmanager shows.", registry=registry)
        self._lag = Gauge(
            "roompulse_notify_offset_lag", "Records not yet dealt with, of the target that is further behind.",
            registry=registry,
        )  # fmt: skip
        self._dropped = Counter(
            "roompulse_notify_dropped",
            "Records not forwarded: old, stale, over before they could be posted, refused by the target, unreadable.",
            ["reason"], registry=registry,
        )  # fmt: skip
        for target in targets:
            for result in ("ok", "failed"):
                self._posts.labels(target, result)
        for reason in (UNREADABLE, REFUSED, *DROPS):
            self._dropped.labels(reason)
        self._lags: dict[str, int] = {}
        self._totals: dict[str, int] = {"posts": 0, "failed": 0, "dropped": 0}
        self._lock = Lock()

    def posted(self, target: str, *, ok: bool) -> None:
        """Note one request."""
        self._posts.labels(target, "ok" if ok else "failed").inc()
        if ok:
            self._success.labels(target).set(time.time())
        self._add("posts" if ok else "failed", 1)

    def dropped(self, reason: str, count: int) -> None:
        """Note records that are not forwarded."""
        self._dropped.labels(reason).inc(count)
        self._add("dropped", count)

    def shown(self, count: int) -> None:
        """Note how many open alerts Alertmanager shows."""
        self._open.set(count)

    def lag(self, target: str, records: int) -> None:
        """Note how far a target is behind."""
        with self._lock:
            self._lags[target] = records
            self._lag.set(max(self._lags.values()))

    def summary(self) -> dict[str, int]:
        """Totals for the end."""
        with self._lock:
            return dict(self._totals)

    def _add(self, name: str, count: int) -> None:
        with self._lock:
            self._totals[name] += count
