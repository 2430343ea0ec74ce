"""The HTTP port serves three pages and nothing else, whoever asks and however slowly."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from prometheus_client import CollectorRegistry, make_wsgi_app

from roompulse.http_status import HttpStatus
from roompulse.settings import Settings


@pytest.fixture
def port() -> Iterator[int]:
    """A port that serves."""
    status = HttpStatus("127.0.0.1", 0, make_wsgi_app(CollectorRegistry()), str, str)
    yield status.port
    status.close()


def asked(port: int, method: str, path: str) -> int:
    """The status of an answer."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        link.request(method, path)
        return link.getresponse().status
    finally:
        link.close()


def test_there_are_three_pages_and_nothing_else(port: int) -> None:
    """Other paths are 404, escapes and query tricks included; other methods 405, on any path."""
    assert [asked(port, "GET", path) for path in ("/metrics", "/healthz", "/readyz")] == [200, 200, 200]
    for path in ("/", "/metrics/", "/metrics/../etc/passwd", "/%2e%2e/", "/debug", "/healthz/x"):
        assert asked(port, "GET", path) == 404, path
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
        assert asked(port, method, "/metrics") == 405, method


def test_it_listens_on_this_machine_alone_unless_told() -> None:
    """The default of the setting is the loopback address."""
    assert Settings().metrics_host == "127.0.0.1"


def test_slow_and_oversized_requests_hold_nobody_up(port: int) -> None:
    """Fifty who never end and one whose line is too long: the next probe is answered, they are hung up on."""
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60)) for _ in range(50)]
        for link in slow:
            link.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        large = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
        large.sendall(b"GET /" + b"x" * 65_000)
        large.sendall(b"x" * 2_000 + b" HTTP/1.1\r\n\r\n")
        assert large.recv(4096).startswith(b"HTTP/1.0 414")
        assert asked(port, "GET", "/healthz") == 200
        assert all(link.recv(4096) == b"" for link in slow), "hung up on after some seconds of silence"
