"""A simulation in files: room-minutes as a long table that `produce` reads without flags, and the labels."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

import msgspec

from roompulse.history import HistoryRow
from roompulse.minutes import format_minute
from roompulse.records import METRICS, encode
from roompulse.simulation import ALL_ROOMS, Label, room_name

HEADER = ("room_id", "minute", *METRICS, "natural", "paid", "category", "ended")
LABEL_HEADER = ("room_id", "kind", "first_minute", "last_minute", "magnitude")


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
