"""The way to a Redis Cluster: each partition's keys have its number as hash tag, so that one node holds all of them.

A session is with that node alone, so all that docs/checkpoint.md says of one connection holds here too. Where slots
move or a node dies, the map of the slots is read anew, once; what is still not there then is away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from redis.crc import key_slot

from roompulse.errors import CheckpointAway, UsageError
from roompulse.settings import masked
from scorer.adapters.redis_link import RedisLink, RedisSession, SlotMoved
from scorer.adapters.redis_place import RedisPlace

Result = TypeVar("Result")
Address = tuple[str, int]


class RedisClusterLink:
    """The Link port over the nodes that hold slots. Safe to use from several threads, each with its own session."""

    def __init__(self, place: RedisPlace, *, connect_timeout_s: float, answer_timeout_s: float) -> None:
        if urlsplit(place.url).path not in {"", "/", "/0"}:
            raise UsageError("--redis-url: a Redis Cluster has no other database than 0")
        self.where = masked(place.url)
        self._place = place
        self._limits = {"connect_timeout_s": connect_timeout_s, "answer_timeout_s": answer_timeout_s}
        self._first = self._link(place)
        self._nodes: dict[Address, RedisLink] = {}
        self._owners: list[tuple[int, int, Address]] = []

    def run(self, action: Callable[[RedisSession], Result], key: str) -> Result:
        """Run `action` in a session with the node that holds `key`, as `RedisLink.run` does; once more on another node
        where the key has gone there.
        """
        slot = key_slot(key.encode())
        before = self._owner(slot)
        try:
            return self._nodes[before].run(action, key)
        except SlotMoved:
            self._read_map()
        except CheckpointAway:
            self._read_map()
            if self._owner(slot) == before:
                raise
        return self._nodes[self._owner(slot)].run(action, key)

    def everywhere(self, action: Callable[[RedisSession], Result]) -> list[Result]:
        """Run `action` once on each node that holds slots."""
        self._read_map()
        owners = dict.fromkeys(address for _, _, address in self._owners)
        return [self._nodes[address].run(action) for address in owners]

    def close(self) -> None:
        """Close every connection."""
        for link in (self._first, *self._nodes.values()):
            link.close()

    def _owner(self, slot: int) -> Address:
        if not self._owners:
            self._read_map()
        for first, last, address in self._owners:
            if first <= slot <= last:
                return address
        raise CheckpointAway(f"Redis Cluster at {self.where}: no node holds slot {slot}")

    def _read_map(self) -> None:
        """Ask any node that answers who holds which slots. Raises CheckpointAway where none does."""
        problem: CheckpointAway | None = None
        for link in (*self._nodes.values(), self._first):
            try:
                spans: list[Any] = link.run(lambda session: session.ask(("CLUSTER", "SLOTS"))[0])
            except CheckpointAway as error:
                problem = error
                continue
            self._take(spans, link)
            return
        raise problem or CheckpointAway(f"Redis Cluster at {self.where}: no node answers")

    def _take(self, spans: list[Any], asked: RedisLink) -> None:
        owners = []
        for first, last, (host, port, *_), *_ in spans:
            # A node that does not know its own name leaves it out: it is where it was asked.
            address = ((host or b"").decode() or str(urlsplit(asked.url).hostname), int(port))
            if address not in self._nodes:
                self._nodes[address] = self._link(replace(self._place, url=_at(self._place.url, address)))
            owners.append((int(first), int(last), address))
        self._owners = owners

    def _link(self, place: RedisPlace) -> RedisLink:
        return RedisLink(place, **self._limits)


def _at(url: str, address: Address) -> str:
    """The same URL at another address."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    host, port = address
    return urlunsplit(parts._replace(netloc=f"{user}{at}{f'[{host}]' if ':' in host else host}:{port}"))
