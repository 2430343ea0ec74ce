"""Follows a backtest while it writes: its result files, and the history that it reads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from roompulse.history import HistoryOptions, HistoryReport, HistoryRow, encode_row, read_history
from roompulse.minutes import parse_minute
from watch.feed import ALERTS, FORECASTS, HOTLIST, MINUTES, Seen

_CHUNK_BYTES = 1 << 22
_POLL_S = 0.05


class _Dated(Struct):
    minute: str


_dated = msgspec.json.Decoder(_Dated)


class FolderFeed:
    """Gives a backtest's records as they are written, and each row of its history once its minute was forecast."""

    def __init__(self, folder: Path, history: Path) -> None:
        self._paths = {kind: folder / f"{kind}.jsonl" for kind in (FORECASTS, ALERTS, HOTLIST)}
        self._files: dict[str, BinaryIO] = {}
        self._torn = dict.fromkeys(self._paths, b"")
        self._rows = read_history([str(history)], HistoryOptions(order="file"), HistoryReport())
        self._next: HistoryRow | None = None
        self._newest = -1

    def poll(self, max_wait_s: float) -> list[Seen]:
        """What was written since the last call."""
        deadline = time.monotonic() + max_wait_s
        while not (found := [seen for kind in self._paths for seen in self._lines(kind)]):
            if time.monotonic() >= deadline:
                return []
            time.sleep(_POLL_S)
        forecasts = [seen for seen in found if seen.kind == FORECASTS]
        self._newest = max(
            [self._newest, *(parse_minute(_dated.decode(seen.value).minute).epoch for seen in forecasts)]
        )
        return [*self._history(), *found]

    def at_end(self) -> bool:
        """Whether the files hold no whole line more."""
        return all(self._open(kind) and not self._left(kind) for kind in self._paths)

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _open(self, kind: str) -> bool:
        if kind not in self._files and self._paths[kind].exists():
            self._files[kind] = self._paths[kind].open("rb")
        return kind in self._files

    def _left(self, kind: str) -> bool:
        return self._paths[kind].stat().st_size > self._files[kind].tell()

    def _lines(self, kind: str) -> Iterator[Seen]:
        if not self._open(kind):
            return
        *whole, torn = (self._torn[kind] + self._files[kind].read(_CHUNK_BYTES)).split(b"\n")
        self._torn[kind] = torn
        for line in whole:
            yield Seen(kind, line)

    def _history(self) -> Iterator[Seen]:
        row = self._next or next(self._rows, None)
        while row is not None and row.minute.epoch <= self._newest:
            yield Seen(MINUTES, encode_row(row)[1])
            row = next(self._rows, None)
        self._next = row
