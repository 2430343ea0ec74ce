"""How the forwarding to one target is doing: for the log, for /healthz and /readyz, and for who waits for an end."""

from __future__ import annotations

import logging
import time

from roompulse.stderr_log import fields

STUCK_S = 60.0
"""A loop that has not turned for so long is not healthy: every request has a time limit of seconds."""

_REPEAT_S = 30.0
_log = logging.getLogger("roompulse.notify")


class Standing:
    """Troubles by subject. One thread writes; the HTTP port's threads read."""

    def __init__(self, target: str) -> None:
        """`target` starts each message."""
        self._target = target
        self._turned_at = time.monotonic()
        self._troubles = {"partitions": "no partition is assigned yet"}
        self._since: dict[str, float] = {"partitions": self._turned_at}
        self._said: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def turned(self) -> None:
        """Note that the loop is alive."""
        self._turned_at = time.monotonic()

    def trouble(self, subject: str, reason: str, *, loud: bool = True) -> None:
        """Note what is wrong; if `loud`, the log says so every half minute."""
        now = time.monotonic()
        self._troubles = self._troubles | {subject: reason}
        self._since.setdefault(subject, now)
        if loud and now - self._said.get(subject, -_REPEAT_S) >= _REPEAT_S:
            self._said[subject] = now
            named = fields(target=self._target, reason=reason, left_out=self._left_out.pop(subject, 0))
            _log.warning("%s: %s, trying again", self._target, reason, extra=named)
        elif loud:
            self._left_out[subject] = self._left_out.get(subject, 0) + 1

    def well(self, subject: str) -> None:
        """Note that this is as it should be."""
        if subject not in self._troubles:
            return
        self._troubles = {name: reason for name, reason in self._troubles.items() if name != subject}
        self._since.pop(subject, None)
        self._left_out.pop(subject, None)
        if self._said.pop(subject, None) is not None:
            _log.info("%s: %s answers again", self._target, subject, extra=fields(target=self._target))

    def unhealthy(self) -> str:
        """Why the process should be restarted; empty when it should not."""
        idle = time.monotonic() - self._turned_at
        return f"{self._target}: the loop has not turned for {idle:.0f} s" if idle > STUCK_S else ""

    def not_ready(self) -> str:
        """Why nothing is forwarded just now; empty when it is."""
        return "; ".join(f"{self._target}: {reason}" for reason in self._troubles.values())

    def lasting(self, limit_s: float) -> str:
        """The trouble that has lasted for longer than this; empty where there is none."""
        limit = time.monotonic() - limit_s
        return next((self._troubles.get(name, "") for name, since in self._since.items() if since < limit), "")
