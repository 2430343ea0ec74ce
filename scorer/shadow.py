"""A challenger in the shadow of the champion: both score a sample of the rooms, from scratch, and nothing is written.

Each is a fold of its own over the committed messages of the sampled rooms, so that no output can depend on it. Both
begin when the trial does, or when the partition comes to this process: over the same rooms they are a fair pair.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

from roompulse.topics import CLOCK_SCHEMA, SCHEMA_HEADER
from scorer.pipeline.fold import Fold
from scorer.pipeline.partition import Context, Tally
from scorer.ports import Message

ROLES = CHAMPION, CHALLENGER = "champion", "challenger"
_PARTS = 1000


class Shadow:
    """The trial of one challenger in one partition, over the share of rooms given in 0 to 1."""

    def __init__(self, partition: int, champion: Context, challenger: Context, share: float) -> None:
        self.models = champion.model, challenger.model
        contexts = (champion, challenger)
        self._folds = {
            role: Fold(partition, replace(context, demote=False)) for role, context in zip(ROLES, contexts, strict=True)
        }
        self._parts = round(share * _PARTS)

    def see(self, messages: Sequence[Message]) -> dict[str, Tally]:
        """Let both score what there is of the sampled rooms; returns how each did."""
        sampled = [message for message in messages if self._is_sampled(message)]
        tallies: dict[str, Tally] = {}
        for role, fold in self._folds.items():
            outcome = fold.step(sampled)
            fold.apply(outcome)
            tallies[role] = outcome.tally
        return tallies

    def _is_sampled(self, message: Message) -> bool:
        """Whether it is of a sampled room, or a clock: what has no key is of no room."""
        if message.key is not None:
            return zlib.crc32(message.key) % _PARTS < self._parts
        return (SCHEMA_HEADER, CLOCK_SCHEMA.encode()) in message.headers
