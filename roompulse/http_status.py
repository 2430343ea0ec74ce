"""A process's HTTP port: /metrics, /healthz and /readyz, and nothing else."""

from __future__ import annotations

import contextlib
import io
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from roompulse.errors import RoomPulseError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


MOST_CONNECTIONS = 100
SILENCE_S = 5.0
"""Who sends nothing, or reads nothing, for so long is hung up on."""


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection, and no more than MOST_CONNECTIONS of them: beyond that the oldest is hung up on.

    Whoever asks properly has its answer within milliseconds. So the oldest are those who never end, and however many
    of them there are, a probe that comes last is answered.
    """

    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, *args: Any) -> None:
        self._open: dict[Any, None] = {}  # the oldest first
        self._lock = threading.Lock()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open[request] = None
            if len(self._open) > MOST_CONNECTIONS:
                oldest = next(iter(self._open))
                del self._open[oldest]
                with contextlib.suppress(OSError):  # it has hung up itself
                    oldest.shutdown(socket.SHUT_RDWR)  # its thread wakes, and closes it
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hangs up or is too slow; what else goes wrong is said."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Answer(io.BufferedIOBase):
    """Writes to a connection. A client that reads nothing has hung up, as far as anybody here is concerned."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        try:
            self._connection.sendall(data)
        except TimeoutError as error:  # wsgiref would put its traceback into the log, for each such client
            raise ConnectionAbortedError("the client reads nothing") from error
        return memoryview(data).nbytes


class _Quiet(WSGIRequestHandler):
    timeout = SILENCE_S

    def setup(self) -> None:
        super().setup()
        self.wfile = _Answer(self.connection)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a line for each scrape would drown the log."""


class HttpStatus:
    """Serves from a thread of its own until closed.

    `metrics` answers for /metrics; `healthy` and `ready` give the reason why not, or an empty text.
    """

    def __init__(
        self, host: str, port: int, metrics: WSGIApplication, healthy: Callable[[], str], ready: Callable[[], str]
    ) -> None:
        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            path = environ.get("PATH_INFO", "")
            if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
                status, text = "405 Method Not Allowed", "only GET"
            elif path == "/metrics":
                page: Iterable[bytes] = metrics(environ, start_response)
                return page
            elif path in ("/healthz", "/readyz"):
                text = (healthy if path == "/healthz" else ready)()
                status, text = ("503 Service Unavailable", text) if text else ("200 OK", "ok")
            else:
                status, text = "404 Not Found", "there are /metrics, /healthz and /readyz"
            body = f"{text}\n".encode()
            start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
            return [body]

        try:
            self._server = make_server(host, port, answer, server_class=_Server, handler_class=_Quiet)
        except OSError as error:
            raise RoomPulseError(
                f"cannot serve metrics on {host}:{port}: {error.strerror or error}; "
                "choose another --metrics-port, or 0 for a free one"
            ) from error
        self.port = int(self._server.server_port)
        threading.Thread(target=self._server.serve_forever, name="http-status", daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
