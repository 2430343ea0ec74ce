"""Two columns of a CSV file as series in order of time: what the hotspot study learns from and looks at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from roompulse.errors import InputError
from roompulse.history.lines import CsvLines, open_history

NEWEST_FIRST, OLDEST_FIRST = "newest-first", "oldest-first"
MOST = 1e12
"""As everywhere: no number beyond it."""
_DATE_NAMES = ("date", "day", "date_time", "datetime", "time", "minute", "month")
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}([-/.]\d{1,2}([ T].*)?)?")
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that have an index, as they lie in the file."""

    index: list[str]
    dates: list[str]
    """From a column that is called `date` or the like, else the index itself where it is dates; else empty."""
    columns: dict[str, NDArray[np.float64]]
    """By name, NaN for a blank cell."""
    without_index: int
    """Rows that were left out because their index cell is blank."""


@dataclass(frozen=True, slots=True)
class Series:
    """One column's values in the order in which the network reads them."""

    name: str
    values: NDArray[np.float64]
    places: NDArray[np.int64]
    """Which of the `Rows` each value is from."""
    blanks: int


def read_rows(file: str, columns: Sequence[str], index: str | None, encoding: str) -> Rows:
    """Read the index (`index`, or the first column) and some numeric columns.

    Raises InputError with line and column where the header lacks one, a row does not fit it, or a cell is no number.
    """
    with closing(open_history(file)) as stream:
        lines = iter(CsvLines(stream, file, encoding, _refuse))
        _, header = next(lines, (1, []))
        names = [name.strip() for name in header]
        wanted = [_place(names, column, file) for column in columns]
        index_place = 0 if index is None else _place(names, index, file)
        dated = next((names.index(name) for name in names if name.lower() in _DATE_NAMES), index_place)
        found: list[tuple[str, str, list[float]]] = []
        without = 0
        for line, cells in lines:
            if len(cells) != len(names):
                raise InputError(f"{len(cells)} cells, expected {len(names)} as in the header", file=file, line=line)
            if not cells[index_place].strip():
                without += 1
                continue
            values = [_number(cells[place], file, line, names[place]) for place in wanted]
            found.append((cells[index_place].strip(), cells[dated].strip(), values))
    dates = [date for _, date, _ in found]
    return Rows(
        [row for row, _, _ in found],
        dates if dates and all(map(_DATE.fullmatch, dates)) else [],
        {column: np.array([values[at] for _, _, values in found]) for at, column in enumerate(columns)},
        without,
    )


def series_of(rows: Rows, name: str, order: str) -> Series:
    """A column in order of time, blanks left out; `order` says how the rows lie."""
    places = np.flatnonzero(~np.isnan(rows.columns[name]))
    if order == NEWEST_FIRST:
        places = places[::-1]
    return Series(name, rows.columns[name][places], places, len(rows.index) - len(places))


def contradiction(rows: Rows, order: str) -> str | None:
    """What to say where the dates lie the other way round than `order` says; None where they do not, or are unknown."""
    if len(rows.dates) < 2:
        return None
    first, last = (tuple(map(int, re.findall(r"\d+", date))) for date in (rows.dates[0], rows.dates[-1]))
    if first == last or (first > last) == (order == NEWEST_FIRST):
        return None
    return (
        f"the rows begin with {rows.dates[0]} and end with {rows.dates[-1]}, which is not {order}: they are read "
        "backwards in time"
    )


def _place(names: Sequence[str], column: str, file: str) -> int:
    if names.count(column) > 1:
        raise InputError("the header has this column twice", file=file, line=1, column=column)
    if column not in names:
        shown = ", ".join(name[:40] for name in names[:_SHOWN] if name) + (", ..." if len(names) > _SHOWN else "")
        raise InputError(f"no such column; the header has: {shown or 'nothing'}", file=file, line=1, column=column)
    return names.index(column)


def _number(cell: str, file: str, line: int, column: str) -> float:
    if not cell.strip():
        return nan
    try:
        value = float(cell)
    except ValueError:
        value = nan
    if not abs(value) <= MOST:
        problem = f"got {cell.strip()[:40]!r}, expected a number of at most 1e12 or nothing"
        raise InputError(problem, file=file, line=line, column=column)
    return value


def _refuse(error: InputError) -> None:
    raise error
