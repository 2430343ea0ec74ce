"""One room's history as many rooms: for demonstrations and load."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from roompulse.errors import UsageError
from roompulse.history.rows import HistoryRow
from roompulse.records import MAX_COUNT, MAX_ROOM_ID, METRICS, Metrics, number

SMALLEST, LARGEST = 0.2, 5.0
"""The clones' sizes lie between these, evenly on a logarithmic scale."""

_SCALED = tuple(name != "uv_value" for name in METRICS)
# Value per visitor is a ratio: a room of twice the size has the same one.


def add_clone_option(parser: argparse.ArgumentParser) -> None:
    """Give a command the `--rooms` flag."""
    parser.add_argument(
        "--rooms",
        type=int,
        metavar="N",
        help=f"clone each room into N rooms NAME-0001 ... of {SMALLEST:g} to {LARGEST:g} times its size",
    )


def clone_rooms(rows: Iterable[HistoryRow], count: int | None) -> Iterator[HistoryRow]:
    """Each row as `count` rows of scaled rooms, the same for every run; the rows as they are without a count.

    Whole counts stay whole. Raises UsageError for a count below 1 or a room id too long to be numbered.
    """
    if count is None:
        return iter(rows)
    if count < 1:
        raise UsageError(f"--rooms: got {count}, expected a number from 1 up")
    return _cloned(rows, count)


def _cloned(rows: Iterable[HistoryRow], count: int) -> Iterator[HistoryRow]:
    clones: dict[str, list[tuple[str, float]]] = {}
    for minute, record in rows:
        made = clones.get(record.room_id)
        if made is None:
            made = clones[record.room_id] = [_clone(record.room_id, index) for index in range(1, count + 1)]
        values = msgspec.structs.astuple(record.metrics)
        for room_id, factor in made:
            scaled = (
                _scale(value, factor) if value is not None and grows else value
                for value, grows in zip(values, _SCALED, strict=True)
            )
            copy = msgspec.structs.replace(
                record,
                room_id=room_id,
                metrics=Metrics(*scaled),
                natural=_scale_all(record.natural, factor),
                paid=_scale_all(record.paid, factor),
            )
            yield HistoryRow(minute, copy)


def _clone(room_id: str, index: int) -> tuple[str, float]:
    name = f"{room_id}-{index:04d}"
    if len(name) > MAX_ROOM_ID:
        raise UsageError(f"--rooms: room id {room_id[:40]!r}... is too long to be numbered, see --room")
    part = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32
    return name, float(SMALLEST * (LARGEST / SMALLEST) ** part)


def _scale(value: float, factor: float) -> float:
    scaled = min(value * factor, MAX_COUNT)
    return round(scaled) if value == int(value) else number(scaled)


def _scale_all(channels: Mapping[str, float], factor: float) -> dict[str, float]:
    return {name: _scale(count, factor) for name, count in channels.items()}
