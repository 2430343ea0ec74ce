"""Redis in the model: keys, watches, transactions, a tail of writes that a crash may take; and connections to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import hiredis
import redis

from roompulse.errors import CheckpointAway
from scorer.adapters.redis_link import Command, ConnectionLost, RedisLink, RedisSession
from tests.protocol.broker import AFTER, BEFORE, LATE, Step, Violation

PREFIX = "rp:{0}"
FENCE, HEAD = f"{PREFIX}:fence", f"{PREFIX}:head"
KEYS = {FENCE, HEAD, f"{PREFIX}:rooms:a", f"{PREFIX}:rooms:b"}
REMEMBERED = 12

Hash = Mapping[str, bytes]
Words = tuple[Any, ...]
Look = Callable[["Server", bool], None]


@dataclass(slots=True)
class Server:
    """The keys, as they are and as they were after each of the last writes.

    `look` is called after every change, with whether it moved the point.
    """

    look: Look
    strings: dict[str, bytes] = field(default_factory=dict)
    hashes: dict[str, Hash] = field(default_factory=dict)
    touched: dict[str, int] = field(default_factory=dict)
    past: list[tuple[dict[str, bytes], dict[str, Hash]]] = field(default_factory=list)
    run: int = 1
    away: bool = False
    losses: int = 0
    hung: list[tuple[dict[str, int], list[Words]]] = field(default_factory=list)
    """Transactions that were sent and not executed yet, each with what its connection watches."""

    def execute(self, watched: Mapping[str, int], commands: list[Words]) -> bool:
        """All or nothing; nothing where a watched key was written meanwhile."""
        if any(self.touched.get(key, 0) != version for key, version in watched.items()):
            return False
        self.past = [*self.past[1 - REMEMBERED :], (dict(self.strings), dict(self.hashes))]
        for command in commands:
            self._write(*command)
        self.look(self, any(command[:2] == ("HSET", HEAD) for command in commands))
        return True

    def crash(self, lost_writes: int) -> None:
        """Break every connection and lose the last writes."""
        self.run += 1
        self.hung.clear()
        if lost := self.past[len(self.past) - lost_writes :] if lost_writes else []:
            self.strings, self.hashes = dict(lost[0][0]), dict(lost[0][1])
            del self.past[len(self.past) - len(lost) :]
            self.losses += 1
        self.look(self, False)

    def flush(self) -> None:
        """Lose everything; connections live on."""
        for key in [*self.strings, *self.hashes]:
            self.touched[key] = self.touched.get(key, 0) + 1
        self.strings, self.hashes, self.past = {}, {}, []
        self.losses += 1

    def thaw(self) -> None:
        """Execute what was sent long ago."""
        hung, self.hung = self.hung, []
        for watched, commands in hung:
            self.execute(watched, commands)

    def _write(self, name: Any, key: Any, *words: Any) -> None:
        keys = (key, *words) if name == "UNLINK" else (key,)
        for one in keys:
            self.touched[one] = self.touched.get(one, 0) + 1
        match name:
            case "SET":
                self.strings[key] = words[0]
            case "UNLINK":
                for one in keys:
                    self.hashes.pop(one, None)
            case "HSET":
                pairs = zip(words[::2], words[1::2], strict=True)
                self.hashes[key] = {**self.hashes.get(key, {}), **{_text(name): _bytes(value) for name, value in pairs}}
            case "HDEL":
                gone = {_text(word) for word in words}
                left = {name: value for name, value in self.hashes.get(key, {}).items() if name not in gone}
                self.hashes.pop(key, None)
                self.hashes.update({key: left} if left else {})
            case _:
                raise Violation(f"the model does not know {name}")


class Session(RedisSession):
    """One connection of one process."""

    def __init__(self, server: Server, step: Step, *, reconnects: bool) -> None:
        """With `reconnects` it hides that the server was started again: what a session must not do."""
        self._server, self._step, self._reconnects = server, step, reconnects
        self._run = server.run
        self._watched: dict[str, int] = {}

    def ask(self, *commands: Command) -> list[Any]:
        fault = self._step(f"ask {_words(commands[-1])[0]}")
        self._must_be_connected()
        if fault:
            self._run = -1
            raise redis.ConnectionError("cut")
        return [self._answer(*map(_text, _words(command))) for command in commands]

    def transaction(self, commands: Iterable[Command]) -> bool:
        packed = [_words(command) for command in commands]
        fault = self._step(f"transaction {packed[0][0]}")
        self._must_be_connected()
        watched, self._watched = self._watched, {}
        if fault:
            self._run = -1
        if fault == LATE:
            self._server.hung.append((watched, packed))
        done = fault not in {BEFORE, LATE} and self._server.execute(watched, packed)
        if fault in {BEFORE, AFTER, LATE}:
            raise ConnectionLost("no answer to a transaction")
        return done

    def _answer(self, name: str, *words: str) -> Any:
        match name:
            case "WATCH":
                self._watched = {words[0]: self._server.touched.get(words[0], 0)}
            case "UNWATCH":
                self._watched = {}
            case "GET":
                return self._server.strings.get(words[0])
            case "HMGET":
                return [self._server.hashes.get(words[0], {}).get(field) for field in words[1:]]
            case "HSCAN":
                return _page(self._server.hashes.get(words[0], {}), words[1])
        return b"OK"

    def _must_be_connected(self) -> None:
        if self._reconnects and self._run not in {-1, self._server.run}:
            self._run, self._watched = self._server.run, {}
        if self._server.away or self._run != self._server.run:
            raise redis.ConnectionError("the connection is broken")


class Link(RedisLink):
    """The real way of beginning again, over the model's connections."""

    def __init__(self, server: Server, step: Step, *, reconnects: bool = False) -> None:
        self.where = "the model"
        self._server, self._step, self._reconnects = server, step, reconnects

    @contextmanager
    def _session(self) -> Iterator[RedisSession]:
        self._step("connect")
        if self._server.away:
            raise CheckpointAway("Redis is away")
        try:
            yield Session(self._server, self._step, reconnects=self._reconnects)
        except redis.ConnectionError as error:
            raise ConnectionLost(str(error)) from error


def _page(rooms: Hash, cursor: str) -> list[Any]:
    """A scan that gives one room at a time, and a room that came meanwhile or not, as Redis may."""
    left = sorted(room for room in rooms if cursor == "0" or room > cursor[1:])
    if not left:
        return [b"0", []]
    flat = [left[0].encode(), rooms[left[0]]]
    return [f">{left[0]}" if left[1:] else b"0", flat]


def _words(command: Any) -> Words:
    """The words of a command, also of one that is packed for the wire already."""
    if not isinstance(command, bytes):
        return tuple(command)
    reader = hiredis.Reader()
    reader.feed(command)
    name, key, *words = reader.gets()
    return (name.decode(), key.decode(), *words)


def _text(word: bytes | str | int) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)


def _bytes(word: Any) -> bytes:
    return word if isinstance(word, bytes) else str(word).encode()
