"""A way between a scorer and a server that delays, stalls, cuts, or loses the answer to a chosen request."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from roompulse.local_server import LOOPBACK

CHUNK = 65_536
END_TXN = 26
TXN_OFFSET_COMMIT = 28
PRODUCE = 0
API_KEYS = {"EndTxn": END_TXN, "TxnOffsetCommit": TXN_OFFSET_COMMIT, "Produce": PRODUCE}


@dataclass(slots=True)
class Trap:
    """Waits for a request. What is `lost`, `request` or `answer`, never arrives; after `hang_s` the link is cut."""

    matches: Callable[[bytes], bool]
    lost: str
    hang_s: float
    struck: threading.Event = field(default_factory=threading.Event)


class Network:
    """Forwards connections to a port of this machine, with whatever weather is set."""

    def __init__(self, target_port: int, split: Callable[[bytes], tuple[list[bytes], bytes]]) -> None:
        """`split` takes whole requests off a stream and gives back the rest: `kafka_requests` or `as_they_come`."""
        self._target_port, self._split = target_port, split
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self.delay_s = 0.0
        self.trap: Trap | None = None
        self._open = threading.Event()
        self._open.set()
        self._refusing = False
        self._links: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self) -> None:
        """Nothing gets through, and nobody is told."""
        self._open.clear()

    def refuse(self) -> None:
        """Every connection is cut, and so is each new one."""
        self._refusing = True
        self.cut()

    def calm(self) -> None:
        """Everything passes again, what was held back included."""
        self.delay_s, self._refusing, self.trap = 0.0, False, None
        self._open.set()

    def cut(self) -> None:
        """Lose all connections that there are."""
        links, self._links = self._links, []
        for link in links:
            _hang_up(link)

    def close(self) -> None:
        """Let go of everything."""
        _hang_up(self._listener)
        self.calm()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed: the trial is over
                return
            try:
                server = socket.create_connection((LOOPBACK, self._target_port))
            except OSError:  # the server is away
                _hang_up(client)
                continue
            if self._refusing:
                _hang_up(client)
                _hang_up(server)
                continue
            for link in (client, server):
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._links += [client, server]
            swallowing = threading.Event()
            for way in (self._requests, self._answers):
                threading.Thread(target=way, args=(client, server, swallowing), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket, swallowing: threading.Event) -> None:
        rest = b""
        with contextlib.suppress(OSError):  # either side is gone, which ends the connection
            while data := client.recv(CHUNK):
                whole, rest = self._split(rest + data)
                for request in whole:
                    self._wait()
                    trap = self.trap
                    if trap is None or not trap.matches(request):
                        server.sendall(request)
                        continue
                    self.trap = None
                    swallowing.set()
                    if trap.lost == "answer":
                        server.sendall(request)
                    trap.struck.set()
                    time.sleep(trap.hang_s)
                    _hang_up(client)
        _hang_up(client)
        _hang_up(server)

    def _answers(self, client: socket.socket, server: socket.socket, swallowing: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(CHUNK):
                self._wait()
                if not swallowing.is_set():
                    client.sendall(data)
        _hang_up(client)
        _hang_up(server)

    def _wait(self) -> None:
        if self.delay_s:
            time.sleep(self.delay_s)
        self._open.wait()


def kafka_requests(stream: bytes) -> tuple[list[bytes], bytes]:
    """Whole requests of Kafka's protocol, each with its length in front, and what is not whole yet."""
    whole = []
    while len(stream) >= 4:
        end = 4 + int(struct.unpack_from(">i", stream)[0])
        if len(stream) < end:
            break
        whole.append(stream[:end])
        stream = stream[end:]
    return whole, stream


def as_they_come(stream: bytes) -> tuple[list[bytes], bytes]:
    """The stream as it is; for a protocol in which the looked-for request is one small write."""
    return [stream], b""


def is_kafka(api: str) -> Callable[[bytes], bool]:
    """Whether a request of Kafka's protocol is of this kind."""
    key = API_KEYS[api]
    return lambda request: bool(struct.unpack_from(">h", request, 4)[0] == key)


def is_exec(request: bytes) -> bool:
    """Whether Redis is told to carry out a transaction."""
    return b"\r\nEXEC\r\n" in request


def _hang_up(link: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may not be connected any more
        link.shutdown(socket.SHUT_RDWR)
    link.close()
