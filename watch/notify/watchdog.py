"""Who watches Prometheus: the alert that it always fires is looked for in Alertmanager.

Without it no rule fires any more, and nothing else would say so. What is told is read from Alertmanager as well, so a
new process goes on where another stopped.
"""

from __future__ import annotations

from collections.abc import Sequence

from watch.notify.posting import Posting

MATCHER = 'alertname=~"Watchdog|PrometheusDown"'
LOOK_S = 30.0
MISSING_S = 300.0
"""Prometheus repeats its alerts every minute; a restart of either takes less than this."""

_ENDS_S = 4 * LOOK_S
_LABELS = frozenset(
    {"alertname": "PrometheusDown", "severity": "page", "service": "roompulse", "source": "notify"}.items()
)
_ANNOTATIONS = {
    "summary": "Prometheus sends no alerts: its own Watchdog is missing in Alertmanager.",
    "description": "No rule can fire. Is Prometheus running, does it load its rules, and does it reach Alertmanager?",
}


class Watchdog:
    """When the alert was last there, and what follows from it."""

    def __init__(self) -> None:
        self._seen_s: float | None = None
        self._looked_at = -LOOK_S

    def is_due(self, now: float) -> bool:
        """Whether it is time to look; `now` is of any one clock, in seconds."""
        due = now - self._looked_at >= LOOK_S
        if due:
            self._looked_at = now
        return due

    def look(self, shown: Sequence[Posting], now: float) -> Posting | None:
        """What to post, given what Alertmanager shows that fits `MATCHER`; `now` is in seconds since 1970."""
        names = {value for posting in shown for name, value in posting.labels if name == "alertname"}
        told = next((posting for posting in shown if posting.labels == _LABELS), None)
        if self._seen_s is None or "Watchdog" in names:
            self._seen_s = now
        if "Watchdog" in names:
            return None if told is None else Posting(_LABELS, told.annotations, told.starts_s, now)
        if told is None and now - self._seen_s < MISSING_S:
            return None
        return Posting(_LABELS, _ANNOTATIONS, self._seen_s if told is None else told.starts_s, now + _ENDS_S)
