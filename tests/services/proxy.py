"""A proxy on 127.0.0.1 that loses a connection at a chosen word: before the server reads it, or after it answered."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Literal, Self

from roompulse.local_server import LOOPBACK


class Proxy:
    """Forwards connections to a port. `cut` arms it for one loss; everything else passes as it is."""

    def __init__(self, target_port: int, word: bytes) -> None:
        self._target_port = target_port
        self._word = word
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._armed: str | None = None
        self._skip = 0
        self.cuts = 0
        self._links: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, when: Literal["before", "after"], skip: int = 0) -> None:
        """Lose the next connection that sends the word, after `skip` times that pass.

        `before`: the server never sees the word. `after`: the server has answered, and the answer is lost.
        """
        self._skip = skip
        self._armed = when

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for link in (self._listener, *self._links):
            _hang_up(link)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed: the test is over
                return
            server = socket.create_connection((LOOPBACK, self._target_port))
            self._links += [client, server]
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        """One thread for both directions of one connection, by turns: a request, then its answer."""
        swallow = threading.Event()
        threading.Thread(target=self._answers, args=(client, server, swallow), daemon=True).start()
        seen = b""
        try:
            while data := client.recv(65_536):
                seen = seen[1 - len(self._word) :] + data  # too little of the past to find the same word twice
                when = self._due(seen)
                if when == "before":
                    break
                if when == "after":
                    swallow.set()
                server.sendall(data)
                if when:
                    return  # the other thread hangs up once the answer is there
        except OSError:  # either side is gone, which ends the connection as well
            pass
        _hang_up(client)
        _hang_up(server)

    def _answers(self, client: socket.socket, server: socket.socket, swallow: threading.Event) -> None:
        try:
            while data := server.recv(65_536):
                if swallow.is_set():
                    break
                client.sendall(data)
        except OSError:  # as above
            pass
        _hang_up(client)
        _hang_up(server)

    def _due(self, seen: bytes) -> str | None:
        when = self._armed
        if when is None or self._word not in seen:
            return None
        if self._skip:
            self._skip -= 1
            return None
        self._armed = None
        self.cuts += 1
        return when


def _hang_up(link: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may not be connected any more
        link.shutdown(socket.SHUT_RDWR)
    link.close()
