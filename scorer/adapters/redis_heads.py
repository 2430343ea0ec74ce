"""Reads the saved heads of all partitions. Only reads: no fence is claimed, no scorer notices."""

from __future__ import annotations

from typing import NamedTuple

from scorer.adapters.redis_link import RedisLink, RedisSession
from scorer.adapters.redis_place import RedisPlace


class SavedHeadBytes(NamedTuple):
    """A partition's own state as it was saved last, and the offset up to which it is folded."""

    applied: int
    head: bytes


def find_heads(place: str | RedisPlace, prefix: str, *, timeout_s: float) -> dict[int, SavedHeadBytes]:
    """The heads by partition, in order. Raises CheckpointAway, CheckpointError or UsageError.

    `timeout_s` is for connecting and for each answer.
    """
    link = RedisLink(place, connect_timeout_s=timeout_s, answer_timeout_s=timeout_s)
    try:
        return link.run(lambda session: _heads(session, prefix))
    finally:
        link.close()


def saved_partitions(session: RedisSession, prefix: str) -> list[int]:
    """The partitions that have been saved, found by their keys: nothing else says how many there are."""
    found: set[int] = set()
    cursor = b"0"
    while True:
        cursor, keys = session.ask(("SCAN", cursor, "MATCH", f"{prefix}:{{*}}:head", "COUNT", 1000))[0]
        numbers = (key.decode()[len(prefix) + 2 : -len("}:head")] for key in keys)
        found.update(int(number) for number in numbers if number.isdecimal())
        if cursor == b"0":
            return sorted(found)


def _heads(session: RedisSession, prefix: str) -> dict[int, SavedHeadBytes]:
    found: dict[int, SavedHeadBytes] = {}
    for partition in saved_partitions(session, prefix):
        applied, head = session.ask(("HMGET", f"{prefix}:{{{partition}}}:head", "applied", "head"))[0]
        if applied is not None and head is not None:
            found[partition] = SavedHeadBytes(int(applied), head)
    return found
