"""What only `roompulse notify` is told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from roompulse.errors import InputError, UsageError
from roompulse.setting_values import parse_flag, parse_port, parse_seconds
from roompulse.settings import setting

SHORTEST_SECRET = 16
"""Bytes: fewer could be guessed."""

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_age(text: str) -> float:
    """Seconds of 90s, 15m, 2h or 1d. Raises ValueError."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text, re.ASCII)
    if found is None or not int(found[1]):
        raise ValueError("expected so long ago as 90s, 15m, 2h or 1d")
    return float(int(found[1]) * _UNITS_S[found[2]])


def _age(text: str) -> str:
    parse_age(text)
    return text


def _web_address(text: str) -> str:
    expected = "expected http://host or https://host, with a port and a path if need be"
    if not text:
        return text
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isascii() or re.search(r"[\x00-\x20\x7f]", text):
        raise ValueError(expected)
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{expected}, and without a user or password: every process list would show them")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """Where to post, how often, and what is too old."""

    alertmanager_url: str = setting("", "Alertmanager to post to, such as http://127.0.0.1:9093", _web_address)
    webhook_url: str = setting("", "address that gets each record as a signed CloudEvent", _web_address)
    webhook_secret_file: str = setting("", f"file with the webhook's secret, {SHORTEST_SECRET} bytes or more")
    group_id: str = setting("roompulse-notify", "first part of the consumer groups' names, one group for each target")
    max_age: str = setting("15m", "an alert whose newest minute is older is not begun with (90s, 15m, 2h, 1d)", _age)
    repeat_s: float = setting(60.0, "open alerts are posted again after so long", parse_seconds)
    watchdog: bool = setting(
        False, "look in Alertmanager for the rule alert Watchdog; post PrometheusDown where it is missing", parse_flag
    )
    metrics_host: str = setting("127.0.0.1", "address on which /metrics, /healthz and /readyz are served")
    metrics_port: int = setting(9109, "port of /metrics, /healthz and /readyz; 0 takes a free one", parse_port)

    @property
    def max_age_s(self) -> float:
        """The same in seconds."""
        return parse_age(self.max_age)


def check(settings: NotifySettings) -> None:
    """Raise UsageError where the settings do not fit together."""
    if not settings.alertmanager_url and not settings.webhook_url:
        raise UsageError("nowhere to post to: give --alertmanager-url, --webhook-url or both")
    if settings.webhook_url and not settings.webhook_secret_file:
        raise UsageError("--webhook-url needs --webhook-secret-file: receivers must be able to tell who posted")
    if settings.watchdog and not settings.alertmanager_url:
        raise UsageError("--watchdog looks into Alertmanager: give --alertmanager-url")
    if settings.webhook_secret_file and not settings.webhook_url:
        raise UsageError("--webhook-secret-file is for --webhook-url, which is not given")


def read_secret(path: str) -> bytes:
    """The secret without the line end after it. Raises InputError; no message ever holds the secret."""
    try:
        secret = Path(path).read_bytes().strip()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=path) from error
    if len(secret) < SHORTEST_SECRET:
        raise InputError(f"got {len(secret)} bytes: expected a secret of {SHORTEST_SECRET} or more", file=path)
    return secret
