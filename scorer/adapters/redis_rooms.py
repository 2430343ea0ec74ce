"""Looks one room up in the checkpoint. Only reads: no fence is claimed, no scorer notices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from roompulse.errors import CheckpointAway
from scorer.adapters.redis_heads import head_key, saved_partitions
from scorer.adapters.redis_link import RedisSession
from scorer.adapters.redis_open import Link, open_link
from scorer.adapters.redis_place import RedisPlace

TRIES = 5


@dataclass(frozen=True, slots=True)
class SavedRoom:
    """A room as it was saved last: its partition and that one's point, and the row's bytes."""

    partition: int
    applied: int
    head: bytes
    row: bytes


def find_room(place: str | RedisPlace, prefix: str, room: str, *, timeout_s: float) -> SavedRoom | None:
    """The room, wherever it is; None where no partition has it. Raises CheckpointAway, CheckpointError or UsageError.

    `timeout_s` is for connecting and for each answer.
    """
    link = open_link(place, connect_timeout_s=timeout_s, answer_timeout_s=timeout_s)
    try:
        return _find(link, prefix, room)
    finally:
        link.close()


def _find(link: Link, prefix: str, room: str) -> SavedRoom | None:
    for partition in saved_partitions(link, prefix):
        look = partial(_look, stem=f"{prefix}:{{{partition}}}", partition=partition, room=room)
        if (found := link.run(look, head_key(prefix, partition))) is not None:
            return found
    return None


def _look(session: RedisSession, stem: str, partition: int, room: str) -> SavedRoom | None:
    """One partition's row of this room, of the same point as its head."""
    for _ in range(TRIES):
        stamp, generation, applied, head = session.ask(
            ("HMGET", f"{stem}:head", "stamp", "generation", "applied", "head")
        )[0]
        if generation is None:
            return None
        row, after = session.ask(
            ("HGET", f"{stem}:rooms:{generation.decode()}", room), ("HGET", f"{stem}:head", "stamp")
        )
        if after == stamp:
            return None if row is None else SavedRoom(partition, int(applied), head, row)
    raise CheckpointAway(f"partition {partition} is saved faster than it can be read; try again")
