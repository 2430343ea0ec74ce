"""What every answer of the board tells the browser not to do."""

from __future__ import annotations

import re
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SCRIPT = re.compile(rb"^(\s*)<script", re.MULTILINE)
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def content_security_policy(nonce: str) -> str:
    """Scripts of our own and those that this very answer names; nothing from elsewhere, no frames, no eval.

    Styles may stand in the page: Quasar and ECharts write them.
    """
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    )


class SecurityHeaders:
    """ASGI middleware: the headers on every answer, and in pages a nonce at each script that NiceGUI's frame has.

    The frame's scripts begin a line. What a page shows comes later, over the socket, and is in none of its lines.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and change its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        start: Message | None = None
        body = b""

        async def answer(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                headers = [(name, value) for name, value in message["headers"] if name.lower() not in _HEADERS]
                headers += [*_HEADERS.items(), (b"content-security-policy", content_security_policy(nonce).encode())]
                message["headers"] = headers
                if dict(headers).get(b"content-type", b"").startswith(b"text/html"):
                    start = message
                    return
            elif start is not None:
                body += message.get("body", b"")
                if message.get("more_body"):
                    return
                page = _SCRIPT.sub(rb'\1<script nonce="%s"' % nonce.encode(), body)
                kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
                start["headers"] = [*kept, (b"content-length", str(len(page)).encode())]
                await send(start)
                message = {"type": "http.response.body", "body": page}
            await send(message)

        await self._app(scope, receive, answer)
