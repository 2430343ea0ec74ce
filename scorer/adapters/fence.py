"""The fence of a partition's checkpoint: who may save, and how a lost claim is told from a newer one."""

from __future__ import annotations

import secrets
import time
from typing import NamedTuple, Self

from roompulse.errors import FencedError


class Fence(NamedTuple):
    """One claim. Later claims have higher numbers; the token tells two claims of the same number apart.

    The number is what lets an owner live on when the server lost its claim (the last second before a crash): an older
    fence found there is a loss, a newer one is a new owner. It comes from the wall clock where that is ahead, so that
    it grows even over a server that lost everything. A clock that is wrong costs at most one more claim.
    """

    number: int
    token: str

    @classmethod
    def after(cls, held: Fence | None) -> Self:
        """A new claim over the one that is held."""
        return cls(max(time.time_ns(), held.number + 1 if held else 0), secrets.token_hex(8))

    @classmethod
    def parse(cls, text: bytes | None) -> Self | None:
        """Read what `encode` wrote; None where there is nothing that could be a fence."""
        number, _, token = (text or b"").decode(errors="replace").partition("-")
        return cls(int(number), token) if number.isdecimal() else None

    def encode(self) -> bytes:
        """As it is stored."""
        return f"{self.number}-{self.token}".encode()

    def check(self, held: Fence | None, partition: int) -> None:
        """Raise FencedError where the fence that is held is another owner's, no older than ours."""
        if held is not None and held != self and held.number >= self.number:
            raise FencedError(f"the checkpoint of partition {partition} has been claimed by another scorer")
