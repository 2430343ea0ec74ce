"""Connections to Redis with every failure put into RoomPulse's words: the one place that knows redis-py's errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.exceptions import AskError, AuthenticationError, AuthorizationError, NoPermissionError
from redis.retry import Retry

from roompulse.errors import CheckpointAway, CheckpointError, UsageError
from roompulse.settings import masked
from scorer.adapters.redis_place import RedisPlace
from scorer.ports import Row

RefusedCommand = redis.ResponseError  # what a session raises when the server refuses; outside it is translated
Command = tuple[bytes | str | int, ...] | bytes
"""The words of a command; or one that is packed already, as `pack_rows` does."""
Result = TypeVar("Result")

# Refusals that pass when the server or its operator has done something; nothing was executed.
_PASSING = ("OOM", "MISCONF", "READONLY", "LOADING", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY")

_BYTES_A_SECOND = 20e6
"""What a loaded server with its append-only file on writes at least."""


class ConnectionLost(CheckpointAway):
    """The connection broke: what had been sent may or may not have been executed."""


class SlotMoved(CheckpointAway):
    """Another node of a cluster holds these keys, or will: nothing was executed."""


class RedisSession:
    """One connection, for commands that belong together. A server that restarts breaks it, so that what is seen and
    done within one session is seen and done at one run of one server.
    """

    def __init__(self, connection: Any, answer_timeout_s: float) -> None:
        self._connection = connection  # redis-py has no types for what is used of it
        self._answer_timeout_s = answer_timeout_s

    def ask(self, *commands: Command) -> list[Any]:
        """Send commands together and give their replies; raises the first error among them."""
        self._connection.send_packed_command([_packed(command) for command in commands])
        return self._replies(len(commands), self._answer_timeout_s)

    def transaction(self, commands: Iterable[Command]) -> bool:
        """Execute all or nothing; False where a watched key had changed. Raises ConnectionLost if no answer came.

        Each command is packed and sent by itself: redis-py's pipeline, which joins them, takes 9 us of CPU for a row
        of 2.4 KB where this takes 1, and the server reads while we pack. A large one is executed for long: its answer
        may take a second more for each 20 MB.
        """
        count, sent = 2, self._send(("MULTI",))
        for command in commands:
            sent += self._send(command)
            count += 1
        try:
            self._send(("EXEC",))
            outcome = self._replies(count, self._answer_timeout_s + sent / _BYTES_A_SECOND)[-1]
        except redis.TimeoutError as error:
            raise ConnectionLost(f"no answer to a transaction: {error}") from error
        if outcome is None:
            return False
        for reply in outcome:
            if isinstance(reply, Exception):
                raise reply
        return True

    def _send(self, command: Command) -> int:
        packed = _packed(command)
        self._connection.send_packed_command([packed])
        return len(packed)

    def _replies(self, count: int, within_s: float) -> list[Any]:
        # All are read before the first error is raised, so that the connection stays fit for use.
        replies: list[Any] = []
        problem: redis.ResponseError | None = None
        for _ in range(count):
            try:
                replies.append(self._connection.read_response(timeout=within_s))
            except redis.ResponseError as error:
                problem = problem or error
        if problem is not None:
            raise problem
        return replies


def pack_rows(key: str, rows: Sequence[tuple[bytes, Row]]) -> bytes:
    """HSET of many rows, packed: half of what hiredis takes for it, and a row need not be bytes of its own."""
    start = b"*%d\r\n$4\r\nHSET\r\n$%d\r\n%b" % (2 + 2 * len(rows), len(key.encode()), key.encode())
    parts: list[Row] = [start]
    for room_id, row in rows:
        parts += (b"\r\n$%d\r\n%b\r\n$%d\r\n" % (len(room_id), room_id, len(row)), row)
    parts.append(b"\r\n")
    return b"".join(parts)


def _packed(command: Command) -> bytes:
    if isinstance(command, bytes):
        return command
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub means a tuple of any length
    return packed


class RedisLink:
    """A pool of connections to the server at `place`. Several threads may use it, each its own session.

    Connecting takes at most `connect_timeout_s`, and waiting for an answer `answer_timeout_s`, or longer where much was
    written.
    """

    def __init__(self, place: RedisPlace, *, connect_timeout_s: float, answer_timeout_s: float) -> None:
        self.url = url = place.url
        self.where = masked(url)
        self._clustered = place.cluster
        self._answer_timeout_s = answer_timeout_s
        try:
            # The client takes a database that is no number for the first one.
            if not url.startswith("unix:") and not re.fullmatch(r"/?\d*", urlsplit(url).path, re.ASCII):
                raise ValueError
            self._pool = redis.ConnectionPool.from_url(
                url,
                socket_connect_timeout=connect_timeout_s,
                socket_timeout=answer_timeout_s,
                retry=Retry(NoBackoff(), 0),  # what a lost connection means is decided here and nowhere else
                protocol=2,
                **place.options(),
            )
            self._pool.connection_class(**self._pool.connection_kwargs)  # what follows a ? in the URL shows only here
        except (ValueError, TypeError):
            # The client's own words quote what it took for a port, which may be half a password.
            raise UsageError(
                f"--redis-url: got {self.where!r}: expected redis://user:password@host:port/database, or rediss:// or "
                "unix://; in a password write %2F for /, %23 for # and %3F for ?"
            ) from None

    def run(self, action: Callable[[RedisSession], Result], key: str = "") -> Result:
        """Run `action` in a session, and once more where the connection broke: it may have been a stale one, or the
        answer was lost and `action` finds out what became of it. So `action` must bear being repeated. `key` is one of
        those that it is about: of interest to a cluster, whose nodes hold some of them each.
        """
        try:
            with self._session() as session:
                return action(session)
        except ConnectionLost:
            with self._session() as session:
                return action(session)

    def everywhere(self, action: Callable[[RedisSession], Result]) -> list[Result]:
        """Run `action` once on each server that holds keys, which is this one."""
        return [self.run(action)]

    def close(self) -> None:
        """Close every connection."""
        self._pool.disconnect()

    @contextmanager
    def _session(self) -> Iterator[RedisSession]:
        connection: Any = None
        intact = False
        try:
            connection = self._pool.get_connection()
            yield RedisSession(connection, self._answer_timeout_s)
            intact = True
        except redis.RedisError as error:
            raise self._translated(error) from error
        finally:
            if connection is not None:
                if not intact:
                    connection.disconnect()  # it may be in the middle of a reply, or still watch keys
                self._pool.release(connection)

    def _translated(self, error: redis.RedisError) -> CheckpointError:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        code = getattr(error, "status_code", None) or text.partition(" ")[0]
        if isinstance(error, AskError):  # MOVED is one too; nothing was executed
            if self._clustered:
                return SlotMoved(f"Redis at {self.where} does not hold these keys now: they are moving")
            return CheckpointError(f"Redis at {self.where} is a node of a cluster: start with --redis-cluster")
        if isinstance(error, AuthenticationError | AuthorizationError | NoPermissionError):
            return CheckpointError(f"Redis at {self.where} refuses us: {text}")
        if code in _PASSING:
            return CheckpointAway(f"Redis at {self.where} cannot be written just now: {text}")
        if isinstance(error, redis.TimeoutError):
            return CheckpointAway(f"cannot reach Redis at {self.where} within {self._answer_timeout_s:g} s: {text}")
        if isinstance(error, redis.ConnectionError):
            return ConnectionLost(f"cannot reach Redis at {self.where}: {text}")
        return CheckpointError(f"Redis at {self.where} refuses a command: {text}")
