"""Reading history: files in, one stream of room-minutes out."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from roompulse.errors import InputError
from roompulse.history.columns import Columns, find_columns
from roompulse.history.lines import CsvLines, open_history
from roompulse.history.look_ahead import late_lines
from roompulse.history.options import HistoryOptions
from roompulse.history.order import epoch_of_row, merge_late, sort_rows
from roompulse.history.report import HistoryReport
from roompulse.history.rows import HistoryRow, read_rows
from roompulse.history.times import MinuteReader

MAX_OPEN_FILES = 100
SMALL_FILE_BYTES = 4_000_000
"""Up to this size a file is sorted without asking whether it has to be."""


def read_history(
    files: Sequence[str], options: HistoryOptions, report: HistoryReport | None = None
) -> Iterator[HistoryRow]:
    """Stream the rows of some files, merged in time order (or as they lie, with `order="file"`).

    Rows of one minute come as the files are named and as they lie in them. Files that are in time order are streamed;
    another is sorted with bounded memory. The headers are read at once, so that a missing column or file raises
    InputError before the first row; bad rows are counted in `report`, and raised when `options.strict`.
    """
    report = report if report is not None else HistoryReport()
    read_minute = MinuteReader(options.zone)
    sources = [_Source(str(file), options, report, read_minute) for file in files]
    for source in sources:
        source.check_header()
    return _merged(sources, options.order)


def _merged(sources: Sequence[_Source], order: str) -> Iterator[HistoryRow]:
    if order == "file":
        return _chained(sources)
    if len(sources) == 1:
        return sources[0].rows_in_time_order()
    if len(sources) > MAX_OPEN_FILES:
        return sort_rows(_chained(sources))
    return heapq.merge(*(source.rows_in_time_order() for source in sources), key=epoch_of_row)


def _chained(sources: Sequence[_Source]) -> Iterator[HistoryRow]:
    for source in sources:
        yield from source.rows()


@dataclass(frozen=True, slots=True)
class _Source:
    """One file and how it is read."""

    file: str
    options: HistoryOptions
    report: HistoryReport
    read_minute: MinuteReader

    def check_header(self) -> None:
        """Raise InputError when the file cannot be opened or lacks a column. A pipe is left for the one reading."""
        path = Path(self.file)
        if path.is_file() or not path.exists() or path.is_dir():
            with closing(open_history(self.file)) as stream:
                self._columns(CsvLines(stream, self.file, self.options.encoding, _raise))

    def rows(self, without: Collection[int] = ()) -> Iterator[HistoryRow]:
        """The rows as they lie in the file, `without` those at some lines."""
        with closing(open_history(self.file)) as stream:
            lines = CsvLines(stream, self.file, self.options.encoding, self._bad)
            columns = self._columns(lines)
            kept = (numbered for numbered in lines if numbered[0] not in without) if without else lines
            yield from self._read(kept, columns, self.options, self.report)

    def rows_in_time_order(self) -> Iterator[HistoryRow]:
        """The rows by minute: streamed where few come late, sorted otherwise."""
        path = Path(self.file)
        late = self._late_rows() if path.is_file() and path.stat().st_size > SMALL_FILE_BYTES else None
        if late is None:
            return sort_rows(self.rows())
        self.report.rows += len(late)
        return merge_late(self.rows(without=late), late.values())

    def _late_rows(self) -> dict[int, HistoryRow] | None:
        """Good rows by their lines, without which the file is in time order; None where they are many."""
        with closing(open_history(self.file)) as stream:
            lines = CsvLines(stream, self.file, self.options.encoding, _pass_over)
            columns = self._columns(lines)
            late = late_lines(lines.texts(), columns.places["minute"], self.read_minute)
        if late is None:
            return None
        lenient, nowhere = replace(self.options, strict=False), HistoryReport()
        rows = {}
        for line, cells in late.items():
            for row in self._read([(line, cells)], columns, lenient, nowhere):
                rows[line] = row
        return rows

    def _read(
        self,
        lines: Iterable[tuple[int, list[str]]],
        columns: Columns,
        options: HistoryOptions,
        report: HistoryReport,
    ) -> Iterator[HistoryRow]:
        return read_rows(lines, columns, self.file, self._room(), self.read_minute, options, report)

    def _columns(self, lines: CsvLines) -> Columns:
        for line, header in lines:
            if line == 1:
                columns = find_columns(header, self.file, self.options.columns, self.options.where)
                lines.names = columns.names
                return columns
            break
        raise InputError("expected a header with the names of the columns", file=self.file, line=1)

    def _room(self) -> str:
        name = Path(self.file).name
        for suffix in (".gz", ".csv"):
            name = name.removesuffix(suffix)
        return self.options.room or name or self.file

    def _bad(self, error: InputError) -> None:
        self.report.bad(error, strict=self.options.strict)


def _raise(error: InputError) -> None:
    raise error


def _pass_over(error: InputError) -> None:
    """Looking for the order of minutes: the bad row is reported by the reading that follows."""
