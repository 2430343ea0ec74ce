"""A look ahead over a large file that is nearly in time order: which of its lines come late.

The others can be streamed then, and only those few have to be sorted. It costs a fifth of reading the rows.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable

from roompulse.history.times import MinuteReader

LATE_CHARACTERS = 20_000_000
"""More than this in late lines is not kept: about 100 MB when read as rows."""
_FEW_LINES = 1000
_ONE_IN = 16

# A quote opens a cell only at the cell's beginning: elsewhere this finds no match, and the line is cut in full.
# Possessive throughout, so that no text takes more than one pass.
_ends_outside_quotes = re.compile(r'(?:(?:[^"]*,)?+"[^"]*+(?:""[^"]*+)*+")*+[^"]*+').fullmatch


def late_lines(
    texts: Iterable[tuple[int, str]], minute_place: int, read_minute: MinuteReader
) -> dict[int, list[str]] | None:
    """The cells of the lines whose minute lies before that of a line above them, by number.

    The others are in time order then. `texts` are (line number, text). None where late lines are many, or where a
    quoted cell may go on over a line end.
    """
    late: dict[int, list[str]] = {}
    latest, characters, more = -1, 0, minute_place + 1
    for line, text in texts:
        before, quote, _ = text.partition('"')
        cells = before.split(",", more)
        try:
            if quote and (len(cells) <= more or not _ends_outside_quotes(text)):
                cells = _cells_of(text)
            epoch = read_minute(cells[minute_place])[0][0]
            if epoch >= latest:
                latest = epoch
                continue
            late[line] = _cells_of(text)
        except csv.Error:
            return None
        except (ValueError, IndexError):
            continue  # a bad row: it is reported where it lies
        characters += len(text)
        if characters > LATE_CHARACTERS or len(late) > _FEW_LINES + line // _ONE_IN:
            return None
    return late


def _cells_of(text: str) -> list[str]:
    """The cells of a row that ends with its line. Raises csv.Error where it does not, or where quotes do not fit."""
    return next(csv.reader([text], strict=True)) if '"' in text else text.split(",")
