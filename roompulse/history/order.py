"""Rows in time order with bounded memory: an external merge sort, and a merge where only few rows come late."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

import msgspec

from roompulse.history.rows import HistoryRow
from roompulse.minutes import Minute
from roompulse.records import Metrics, RoomMinute

RUN_WEIGHT = 1_000_000
"""How much is sorted in memory at a time: about 100 MB, that is 125,000 rows without channels."""
_ROW_WEIGHT = 8
_BLOCK_ROWS = 32

_encode = msgspec.msgpack.Encoder().encode
# Decoded without a type: typed decoding would turn whole counts into floats, and they have to stay what they are.
_decode = msgspec.msgpack.Decoder().decode


def epoch_of_row(row: HistoryRow) -> int:
    """What rows are sorted by."""
    return row[0][0]


def merge_late(rows: Iterable[HistoryRow], late: Iterable[HistoryRow]) -> Iterator[HistoryRow]:
    """Rows in time order and those that came too late for it, as one stream; of a minute, the late ones come last."""
    ahead = sorted(late, key=epoch_of_row)[::-1]
    for row in rows:
        while ahead and ahead[-1][0][0] < row[0][0]:
            yield ahead.pop()
        yield row
    yield from reversed(ahead)


def sort_rows(rows: Iterable[HistoryRow], run_weight: int = RUN_WEIGHT) -> Iterator[HistoryRow]:
    """The rows sorted by minute, rows of a minute as they came. What is beyond one run waits in a temporary file."""
    with tempfile.TemporaryFile(prefix="roompulse-") as spill:
        runs: list[tuple[int, int]] = []
        run: list[HistoryRow] = []
        weight = 0
        for row in rows:
            run.append(row)
            weight += _ROW_WEIGHT + len(row.record.natural) + len(row.record.paid)
            if weight >= run_weight:
                run.sort(key=epoch_of_row)
                runs.append(_write_run(spill, run))
                run, weight = [], 0
        run.sort(key=epoch_of_row)
        if not runs:
            yield from run
            return
        # Equal minutes come from the runs in the order in which these are named: the sort is stable.
        yield from heapq.merge(*(_read_run(spill, *place) for place in runs), run, key=epoch_of_row)


def _write_run(spill: IO[bytes], run: list[HistoryRow]) -> tuple[int, int]:
    start = spill.seek(0, 2)
    for first in range(0, len(run), _BLOCK_ROWS):
        block = _encode([_pack(row) for row in run[first : first + _BLOCK_ROWS]])
        spill.write(len(block).to_bytes(4, "big"))
        spill.write(block)
    return start, spill.tell()


def _read_run(spill: IO[bytes], position: int, end: int) -> Iterator[HistoryRow]:
    while position < end:
        spill.seek(position)
        size = int.from_bytes(spill.read(4), "big")
        block = spill.read(size)
        position += 4 + size
        for item in _decode(block):
            yield _unpack(item)


def _pack(row: HistoryRow) -> tuple[Any, ...]:
    record = row.record
    metrics = msgspec.structs.astuple(record.metrics)
    texts = (record.room_id, record.minute, metrics, record.natural, record.paid, record.category, record.ended)
    return (*row.minute, *texts)


def _unpack(item: list[Any]) -> HistoryRow:
    epoch, offset, room_id, minute, metrics, natural, paid, category, ended = item
    record = RoomMinute(room_id, minute, Metrics(*metrics), natural, paid, category, ended)
    return HistoryRow(Minute(epoch, offset), record)
