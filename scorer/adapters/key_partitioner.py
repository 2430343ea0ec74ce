"""On which partition a key lies, for checking records and for the backtest's partitions."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache

from kafka.partitioner.default import murmur2

_REMEMBERED = 1 << 18


def partitioner(name: str, partitions: int) -> Callable[[bytes], int] | None:
    """The function of this name over so many partitions; None for `any`.

    `murmur2` is the Java client's and kafka-python's, `crc32` librdkafka's `consistent`.
    """
    if name == "any":
        return None
    if name == "crc32":
        return lambda key: zlib.crc32(key) % partitions

    @lru_cache(_REMEMBERED)  # in pure Python it takes a microsecond a byte
    def by_murmur2(key: bytes) -> int:
        return int(murmur2(key) & 0x7FFFFFFF) % partitions

    return by_murmur2
