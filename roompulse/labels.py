"""Labels files: what a simulation put in, or what people said of alerts. One reader for both.

A simulation's label is a stretch of minutes in which an alert of its kind is right. A verdict is of one alert, by the
minute that it opened in: useful means that there was something to tell, noise that there was not.
"""

from __future__ import annotations

import csv
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from roompulse.errors import InputError
from roompulse.history.lines import open_history
from roompulse.minutes import parse_minute
from roompulse.rooms import KINDS
from roompulse.words import USEFUL, VERDICTS

VERDICT_HEADER = ("room_id", "kind", "opened", "verdict", "note", "alert_id")
FLEET = "fleet"
"""The kind of a stretch in which a simulation moved all rooms; it names no room."""
_FORMULA = ("=", "+", "-", "@", "'")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SPAN_HEADER = ("room_id", "kind", "first_minute", "last_minute")


def guarded(cell: str) -> str:
    """A cell of what anybody may have sent, for a file that people open: room ids and notes are not ours.

    A spreadsheet would run a cell that begins with =, +, - or @; an apostrophe in front makes it text (OWASP, "CSV
    injection"). One that begins with an apostrophe gets another, so that `read_labels` can take it away again. What
    steers a terminal, line ends included, becomes a space.
    """
    cell = _CONTROL.sub(" ", cell)
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


@dataclass(frozen=True, slots=True)
class Labelled:
    """Something of this kind happened in the room from one epoch minute to another; or (`real` is False) did not."""

    room: str
    kind: str
    first_minute: int
    last_minute: int
    real: bool


@dataclass(frozen=True, slots=True)
class Labels:
    """A labels file. `complete` says that what is not labelled did not happen, as in a simulation."""

    labelled: tuple[Labelled, ...]
    complete: bool


def read_labels(path: Path) -> Labels:
    """Read what `roompulse labels` or `roompulse simulate --labels` wrote, packed or not.

    Raises InputError with line and column.
    """
    try:
        with io.TextIOWrapper(open_history(str(path)), encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = set(reader.fieldnames or ())
            complete = names.issuperset(_SPAN_HEADER)
            if not complete and not names.issuperset(VERDICT_HEADER[:4]):
                raise InputError(
                    f"expected the columns {', '.join(VERDICT_HEADER[:4])} or {', '.join(_SPAN_HEADER)}",
                    file=str(path),
                    line=1,
                )
            read = _span if complete else _verdict
            return Labels(tuple(read(_Row(row, str(path), reader.line_num)) for row in reader), complete)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=str(path)) from error
    except (EOFError, zlib.error) as error:
        raise InputError(f"cannot be unpacked: {error}", file=str(path)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"expected a CSV file in UTF-8: {error}", file=str(path)) from error


@dataclass(frozen=True, slots=True)
class _Row:
    """One line's cells, read with errors that say where."""

    cells: dict[str, str | None]
    file: str
    line: int

    def one_of(self, column: str, allowed: tuple[str, ...]) -> str:
        cell = self.cells[column] or ""
        if cell not in allowed:
            raise self.bad(column, f"got {cell[:60]!r}: expected one of {', '.join(allowed)}")
        return cell

    def room(self) -> str:
        if not (room := _unguarded(self.cells["room_id"] or "")):
            raise self.bad("room_id", "expected a room id")
        return room

    def minute(self, column: str) -> int:
        cell = self.cells[column] or ""
        try:
            return parse_minute(cell).epoch
        except ValueError as error:
            raise self.bad(column, f"got {cell[:60]!r}: {error}") from None

    def bad(self, column: str, message: str) -> InputError:
        return InputError(message, file=self.file, line=self.line, column=column)


def _span(row: _Row) -> Labelled:
    kind = row.one_of("kind", (*KINDS, FLEET))
    first, last = row.minute("first_minute"), row.minute("last_minute")
    if last < first:
        raise row.bad("last_minute", f"got {row.cells['last_minute']!r}: lies before first_minute")
    return Labelled("" if kind == FLEET else row.room(), kind, first, last, real=True)


def _verdict(row: _Row) -> Labelled:
    opened = row.minute("opened")
    real = row.one_of("verdict", VERDICTS) == USEFUL
    return Labelled(row.room(), row.one_of("kind", KINDS), opened, opened, real)
