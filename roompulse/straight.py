"""Room-minutes read straight into numbers, where all their channels are known by name.

A channel's count then goes to its place without a dictionary in between, which costs a fifth of reading any record.
What cannot be read like this may still be a good record: `decode_minute` decides.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta, Struct, defstruct, field
from msgspec.structs import astuple
from numpy.typing import NDArray

from roompulse.channels import CHANNEL_TOTALS, Channels
from roompulse.records import METRICS, TARGET, Count, RoomId
from roompulse.rooms import DRIVERS

_NAN = float("nan")
_KINDS = ("natural", "paid")

_Metrics = defstruct(
    "_Metrics",
    [(name, Count | None, field() if name == TARGET else field(default=_NAN)) for name in METRICS],
    frozen=True,
    gc=False,
)


class StraightMinute(Struct, frozen=True, gc=False):
    """A `RoomMinute` with a field for each channel that is known, NaN where the record does not name it."""

    room_id: RoomId
    minute: str
    metrics: _Metrics  # type: ignore[valid-type]  # made from METRICS
    natural: Any = None
    paid: Any = None
    category: Annotated[str, Meta(max_length=256)] | None = None
    ended: bool = False


class StraightReader:
    """Reads room-minutes that name no other channels than those that are told apart and the platform's totals."""

    def __init__(self, channels: Channels) -> None:
        told: dict[str, dict[str, int]] = {kind: {} for kind in _KINDS}
        for place, (kind, name) in enumerate(channels.vocabulary, len(METRICS)):
            told[kind][name] = place
        known = {kind: [*names, *sorted(CHANNEL_TOTALS.difference(names))] for kind, names in told.items()}
        types = {kind: _counts_of(kind, names) for kind, names in known.items()}
        fields = [(kind, types[kind], field(default=types[kind]())) for kind in _KINDS]
        record = defstruct("StraightMinute", fields, bases=(StraightMinute,), frozen=True, gc=False)
        self.read: Callable[[bytes], StraightMinute] = msgspec.json.Decoder(record).decode  # type: ignore[assignment]
        """Decode one record. Raises what msgspec raises, also of records that only this cannot read."""
        width = len(METRICS) + sum(map(len, known.values()))
        self._pack = struct.Struct(f"={width}d")
        self._spans: list[tuple[slice, slice, list[int]]] = []
        first = len(METRICS)
        for kind in _KINDS:
            every = slice(first, first + len(known[kind]))
            self._spans.append((every, slice(first, first + len(told[kind])), list(told[kind].values())))
            first = every.stop

    def columns(self, records: Sequence[StraightMinute]) -> NDArray[np.float64]:
        """The series of these records, shape (n, DRIVERS), as `Channels.columns` gives them."""
        counts = self._counts(records)
        series = np.full((len(records), DRIVERS), np.nan)
        series[:, : len(METRICS)] = counts[:, : len(METRICS)]
        for every, told, places in self._spans:
            named = np.any(~np.isnan(counts[:, every]), axis=1, keepdims=True)
            series[:, places] = np.where(named & np.isnan(counts[:, told]), 0.0, counts[:, told])
            series[named[:, 0], -1] = 0.0  # no channel is left that would count here
        return series

    def _counts(self, records: Sequence[StraightMinute]) -> NDArray[np.float64]:
        """All fields (n, fields): metrics, natural, paid."""
        pack, size = self._pack.pack_into, self._pack.size
        counts = bytearray(len(records) * size)
        for number, record in enumerate(records):
            metrics = astuple(record.metrics)
            if None in metrics:
                metrics = tuple(_NAN if value is None else value for value in metrics)
            pack(counts, number * size, *metrics, *astuple(record.natural), *astuple(record.paid))
        return np.frombuffer(counts).reshape(len(records), size // 8)


@lru_cache(16)
def straight_reader(channels: Channels) -> StraightReader:
    """The reader for these channels, made once."""
    return StraightReader(channels)


def _counts_of(kind: str, names: Sequence[str]) -> type[Struct]:
    fields = [(f"channel_{place}", Count, field(default=_NAN, name=name)) for place, name in enumerate(names)]
    return defstruct(f"_{kind}", fields, frozen=True, gc=False, forbid_unknown_fields=True)
