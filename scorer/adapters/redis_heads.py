"""Reads the saved heads of all partitions. Only reads: no fence is claimed, no scorer notices."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from scorer.adapters.redis_link import RedisSession
from scorer.adapters.redis_open import Link, open_link
from scorer.adapters.redis_place import RedisPlace


class SavedHeadBytes(NamedTuple):
    """A partition's own state as it was saved last, and the offset up to which it is folded."""

    applied: int
    head: bytes


def find_heads(place: str | RedisPlace, prefix: str, *, timeout_s: float) -> dict[int, SavedHeadBytes]:
    """The heads by partition, in order. Raises CheckpointAway, CheckpointError or UsageError.

    `timeout_s` is for connecting and for each answer.
    """
    link = open_link(place, connect_timeout_s=timeout_s, answer_timeout_s=timeout_s)
    try:
        return _heads(link, prefix)
    finally:
        link.close()


def saved_partitions(link: Link, prefix: str) -> list[int]:
    """The partitions that have been saved, found by their keys: nothing else says how many there are."""
    return sorted(set().union(*link.everywhere(lambda session: _partitions(session, prefix))))


def head_key(prefix: str, partition: int) -> str:
    """The key of a partition's head."""
    return f"{prefix}:{{{partition}}}:head"


def _partitions(session: RedisSession, prefix: str) -> set[int]:
    found: set[int] = set()
    cursor = b"0"
    while True:
        cursor, keys = session.ask(("SCAN", cursor, "MATCH", f"{prefix}:{{*}}:head", "COUNT", 1000))[0]
        numbers = (key.decode()[len(prefix) + 2 : -len("}:head")] for key in keys)
        found.update(int(number) for number in numbers if number.isdecimal())
        if cursor == b"0":
            return found


def _heads(link: Link, prefix: str) -> dict[int, SavedHeadBytes]:
    found: dict[int, SavedHeadBytes] = {}
    for partition in saved_partitions(link, prefix):
        key = head_key(prefix, partition)
        applied, head = link.run(partial(_ask_for_point, key=key), key)
        if applied is not None and head is not None:
            found[partition] = SavedHeadBytes(int(applied), head)
    return found


def _ask_for_point(session: RedisSession, key: str) -> tuple[bytes | None, bytes | None]:
    applied, head = session.ask(("HMGET", key, "applied", "head"))[0]
    return applied, head
