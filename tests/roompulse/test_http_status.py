"""The HTTP port serves three pages and nothing else, whoever asks and however slowly."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, make_wsgi_app

from roompulse.http_status import MOST_CONNECTIONS, HttpStatus
from roompulse.settings import Settings


@pytest.fixture
def port() -> Iterator[int]:
    """A port that serves."""
    status = HttpStatus("127.0.0.1", 0, make_wsgi_app(CollectorRegistry()), str, str)
    yield status.port
    status.close()


def link_to(stack: ExitStack, port: int, begins: bytes = b"") -> socket.socket:
    """A connection that is open until the test ends, and has sent this much."""
    link = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
    link.sendall(begins)
    return link


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


def test_more_clients_than_there_may_be_keep_no_probe_from_its_answer(port: int) -> None:
    """Three times as many as there are connections, silent or in the middle of a request: all probes are answered.

    Those who came first are hung up on before their time; the last hundred or so are left to their silence.
    """
    with ExitStack() as stack:
        slow = []
        for number in range(3 * MOST_CONNECTIONS):
            slow.append(link_to(stack, port, (b"", b"GET /hea", b"GET /metrics HTTP/1.1\r\nX: ")[number % 3]))
            if number % 10 == 0:
                assert asked(port, "GET", "/healthz") == 200, number
        assert [asked(port, "GET", path) for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]
        assert all(gone(link) for link in slow[:MOST_CONNECTIONS])
        deadline = time.monotonic() + 120
        while serving() > MOST_CONNECTIONS:
            assert time.monotonic() < deadline, "threads of connections that were hung up on go on"
            time.sleep(0.05)


def test_who_never_reads_a_large_page_holds_nobody_up_and_fills_no_log(capfd: pytest.CaptureFixture[str]) -> None:
    """Forty readers of 50 MB who read none of it: every probe is answered, and they get less than they asked for.

    Not a word of it is logged: a traceback for each of them would be a way to fill a disk.
    """
    page = b"x" * 50_000_000

    def metrics(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", str(len(page)))])
        return [page]

    status = HttpStatus("127.0.0.1", 0, metrics, str, str)
    try:
        with ExitStack() as stack:
            readers = [link_to(stack, status.port, b"GET /metrics HTTP/1.1\r\n\r\n") for _ in range(40)]
            assert [asked(status.port, "GET", "/healthz") for _ in range(50)] == [200] * 50
            deadline = time.monotonic() + 120
            while serving():
                assert time.monotonic() < deadline, "somebody is still waited for"
                time.sleep(0.05)
            got = [length_of(link) for link in readers]
        assert max(got) < len(page)
        assert asked(status.port, "GET", "/readyz") == 200
    finally:
        status.close()
    assert capfd.readouterr() == ("", "")


def test_what_goes_wrong_in_a_page_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    """It is a fault of ours, not of the client's: an answer of 500 and a traceback."""

    def broken(environ: Any, start_response: Any) -> list[bytes]:
        raise ZeroDivisionError("metrics")

    status = HttpStatus("127.0.0.1", 0, broken, str, str)
    try:
        assert asked(status.port, "GET", "/metrics") == 500
    finally:
        status.close()
    assert "ZeroDivisionError: metrics" in capfd.readouterr().err


def serving() -> int:
    """How many threads are at a connection."""
    return sum("process_request_thread" in thread.name for thread in threading.enumerate())


def gone(link: socket.socket) -> bool:
    """Whether the server has hung up on a client that asked for nothing whole."""
    try:
        return not link.recv(4096)
    except ConnectionResetError:
        return True


def length_of(link: socket.socket) -> int:
    """How many bytes of an answer arrive until its end."""
    length = 0
    try:
        while data := link.recv(1 << 20):
            length += len(data)
    except ConnectionResetError:
        pass
    return length
