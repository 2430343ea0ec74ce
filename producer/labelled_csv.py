"""A simulation in files: room-minutes as a long table that `produce` reads without flags, and the labels."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import msgspec

from roompulse.errors import RoomPulseError
from roompulse.history import HistoryRow
from roompulse.minutes import format_minute
from roompulse.records import METRICS, encode
from roompulse.simulation import ALL_ROOMS, Label, room_name

HEADER = ("room_id", "minute", *METRICS, "natural", "paid", "category", "ended")
LABEL_HEADER = ("room_id", "kind", "first_minute", "last_minute", "magnitude")


@contextmanager
def text_file(path: Path) -> Iterator[TextIO]:
    """Write a file, packed if its name ends in .gz. It appears under its name only when it is complete."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as raw:
            if path.suffix == ".gz":
                # No time and no name inside: the same simulation gives the same bytes.
                with (
                    gzip.GzipFile("", "wb", fileobj=raw, compresslevel=6, mtime=0) as packed,
                    io.TextIOWrapper(packed, "utf-8", newline="") as text,
                ):
                    yield text
            else:
                with io.TextIOWrapper(raw, "utf-8", newline="") as text:
                    yield text
        part.replace(path)
    except OSError as error:
        raise RoomPulseError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


class RowWriter:
    """Writes room-minutes as CSV, in the order given."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(HEADER)

    def write(self, rows: Iterable[HistoryRow]) -> None:
        """Append rows; what is not there becomes a blank cell."""
        self._writer.writerows(
            (
                record.room_id,
                record.minute,
                *msgspec.structs.astuple(record.metrics),
                encode(record.natural).decode() if record.natural else "",
                encode(record.paid).decode() if record.paid else "",
                record.category,
                "true" if record.ended else "",
            )
            for _, record in rows
        )


class LabelWriter:
    """Writes the labels: room (empty for all together), kind, first and last minute, and the factor at the height."""

    def __init__(self, file: TextIO, offset: int) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._file, self._offset = file, offset
        self._writer.writerow(LABEL_HEADER)

    def write(self, labels: Iterable[Label]) -> None:
        """Append labels."""
        for label in labels:
            first, last = (format_minute(epoch, self._offset) for epoch in (label.first_minute, label.last_minute))
            room = "" if label.room == ALL_ROOMS else room_name(label.room)
            self._writer.writerow((room, label.kind, first, last, label.magnitude))
