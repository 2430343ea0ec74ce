"""Serves the pages until told to stop."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles
from nicegui import ui
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from roompulse.errors import RoomPulseError
from watch.board.bundles import Bundles
from watch.board.headers import SecurityHeaders
from watch.board.pages import add_pages
from watch.board.reader import Reader

WEB = Path(__file__).parent / "web"
_LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"]


def open_port(host: str, port: int) -> socket.socket:
    """A listening socket. Raises RoomPulseError where the address is not to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise RoomPulseError(
            f"cannot serve the board on {host}:{port}: {error.strerror or error}; "
            "choose another --port, or 0 for a free one"
        ) from error
    return listening


def make_app(reader: Reader, bundles: Bundles, host: str) -> FastAPI:
    """The pages, their assets and /healthz behind the security headers."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    app.mount("/assets", StaticFiles(directory=WEB))
    add_pages(reader, bundles)
    ui.run_with(
        app,
        title="RoomPulse",
        favicon=WEB / "favicon.svg",
        language="en-US",
        dark=False,
        tailwind=False,
        gzip_middleware_factory=None,
        show_welcome_message=False,
        # Nothing of the page is bound to Python objects.
        binding_refresh_interval=None,
        message_history_length=20,
        # A browser on a busy machine takes its time between the page and the socket.
        reconnect_timeout=30.0,
    )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(GZipMiddleware)
    if _is_loopback(host):
        # A page from elsewhere must not reach the board through a name of its own that leads here.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=_LOOPBACK_NAMES, www_redirect=False)
    return app


def serve(app: FastAPI, listening: socket.socket, started: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; `started` is called once the pages can be opened."""

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started()

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, ws_max_size=1_000_000,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    Server(config).run(sockets=[listening])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
