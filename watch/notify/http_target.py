"""One HTTP server that things are posted to: one connection, kept open, time limits, no redirects."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from roompulse import __version__

TIMEOUT_S = 10.0
_READ_AT_MOST = 64 * 1024 * 1024
_SHOWN = 300


class TargetAway(Exception):
    """Nothing was answered, or "not now": refused, reset, too slow, 5xx. It may or may not have been taken in."""

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `retry_after_s` is 0 where it did not ask for patience."""

    status: int
    body: bytes
    retry_after_s: float = 0.0

    @property
    def accepted(self) -> bool:
        """Whether it took what was sent."""
        return 200 <= self.status < 300

    @property
    def worth_a_retry(self) -> bool:
        """Whether the same again may be accepted later."""
        return self.status >= 500 or self.status in {408, 425, 429}

    @property
    def said(self) -> str:
        """Status and the beginning of the body, for a log line."""
        text = ascii(self.body[:_SHOWN].decode(errors="replace").strip())[1:-1]
        return f"{self.status} {http.client.responses.get(self.status, '')}: {text}".strip(": ")


class HttpTarget:
    """Where to post. Used by one thread at a time."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        """`url` is http or https; paths of requests are put behind its own."""
        parts = urlsplit(url)
        self._path = parts.path.rstrip("/")
        self._query = f"?{parts.query}" if parts.query else ""
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "https":
            context = ssl.create_default_context()
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=timeout_s, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=timeout_s)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a body below the target's own path. Raises TargetAway."""
        return self._ask("POST", f"{self._path}{path}{self._query}" or "/", body, headers)

    def get(self, path: str) -> Answer:
        """Read a page below the target's own path. Raises TargetAway."""
        return self._ask("GET", f"{self._path}{path}", None, {})

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        # A server may have closed a connection that was idle: what fails on a used one is tried on a new one at once.
        tries = 2 if self._connection.sock is not None else 1
        while True:
            tries -= 1
            try:
                self._connection.request(method, path, body, {"User-Agent": f"roompulse/{__version__}", **headers})
                answer = self._connection.getresponse()
                return Answer(answer.status, answer.read(_READ_AT_MOST), _patience(answer.getheader("Retry-After", "")))
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if not tries or isinstance(error, TimeoutError):
                    raise TargetAway(f"{type(error).__name__}: {error}".rstrip(": ")) from error


def _patience(text: str) -> float:
    """Seconds of a Retry-After header: a number or a date; 0 where it is neither."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
