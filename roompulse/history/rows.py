"""From the cells of a history file to checked records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from roompulse.errors import InputError, RecordError
from roompulse.history.channels import read_channels
from roompulse.history.columns import Columns
from roompulse.history.options import HistoryOptions
from roompulse.history.report import HistoryReport
from roompulse.history.times import MinuteReader
from roompulse.minutes import Minute
from roompulse.records import MAX_COUNT, METRICS, Metrics, RoomMinute, decode_minute, encode, number

_KNOWN_TEXTS = 1_000_000
_ENDED = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}
_SHOWN_CHARACTERS = 60
_WHOLE_DIGITS = 12


class HistoryRow(NamedTuple):
    """One room-minute of history: when it was, in numbers, and the record as it goes onto the topic."""

    minute: Minute
    record: RoomMinute


def encode_row(row: HistoryRow) -> tuple[bytes, bytes]:
    """The key and value bytes of a row's record: the same for a replay and for a backtest."""
    return row.record.room_id.encode(), encode(row.record)


def read_rows(
    lines: Iterable[tuple[int, list[str]]],
    columns: Columns,
    file: str,
    room: str,
    read_minute: MinuteReader,
    options: HistoryOptions,
    report: HistoryReport,
) -> Iterator[HistoryRow]:
    """Rows in file order. `room` is the room id where the file has no such column. Bad rows go to the report."""
    places = columns.places
    width = len(columns.names)
    cells_to_record = _record_reader(columns, room)
    minute_place, where = places["minute"], columns.where
    start = options.start if options.start is not None else -1
    end = options.end if options.end is not None else 1 << 62
    for line, cells in lines:
        try:
            if len(cells) != width:
                raise _Bad("", f"got {len(cells)} cells, expected {width}")
            if where and any(cells[place].strip() != text for place, text in where):
                report.left_out += 1
                continue
            try:
                minute, text = read_minute(cells[minute_place])
            except ValueError as error:
                raise _Bad("minute", _got(cells[minute_place], str(error))) from None
            row = HistoryRow(minute, cells_to_record(cells, text))
        except _Bad as bad:
            column = columns.name(bad.field) if bad.field in places else ""
            report.bad(InputError(bad.problem, file=file, line=line, column=column), strict=options.strict)
            continue
        if start <= minute.epoch < end:
            report.rows += 1
            yield row
        else:
            report.left_out += 1


class _Bad(Exception):
    """A row that cannot be used: `field` names the cell, empty when it is the row as a whole."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field, self.problem = field, problem


def _record_reader(columns: Columns, room: str) -> Callable[[Sequence[str], str], RoomMinute]:
    """A function from (cells, RFC 3339 minute) to the record, made for one header."""
    places = columns.places
    metrics = [(index, places[name], name) for index, name in enumerate(METRICS) if name in places]
    channels = [(index, places[name], name) for index, name in enumerate(("natural", "paid")) if name in places]
    room_place, category_place, ended_place = (places.get(name) for name in ("room_id", "category", "ended"))
    known_texts: set[str] = set()
    if room_place is None:
        _check_texts(room, None)

    def read(cells: Sequence[str], minute: str) -> RoomMinute:
        name = room if room_place is None else cells[room_place]
        if name not in known_texts:
            _check_texts(name, None)
            _remember(known_texts, name)
        values: list[float | None] = [None] * len(METRICS)
        for index, place, field in metrics:
            if text := cells[place]:
                # Most are whole, and below the largest count for want of digits.
                whole = text.isdecimal() and len(text) <= _WHOLE_DIGITS
                values[index] = int(text) if whole else _read_count(text, field)
        found: list[dict[str, float]] = [{}, {}]
        for index, place, field in channels:
            try:
                found[index] = read_channels(cells[place])
            except ValueError as error:
                raise _Bad(field, _got(cells[place], str(error))) from None
        category = (cells[category_place] or None) if category_place is not None else None
        if category is not None and category not in known_texts:
            _check_texts("room", category)
            _remember(known_texts, category)
        ended = False
        if ended_place is not None and (text := cells[ended_place]):
            if (word := text.strip().lower()) not in _ENDED:
                raise _Bad("ended", _got(text, "expected true, false or nothing"))
            ended = _ENDED[word]
        return RoomMinute(name, minute, Metrics(*values), found[0], found[1], category, ended)

    return read


def _read_count(text: str, field: str) -> float | None:
    try:
        value = float(text)
        if 0 <= value <= MAX_COUNT and "_" not in text:
            return number(value)
    except ValueError:
        if text.isspace():
            return None
    raise _Bad(field, _got(text, "expected a number from 0 to 1e12"))


def _check_texts(room: str, category: str | None) -> None:
    """Hold a room id and a category against the record's own rules, by asking its decoder."""
    try:
        decode_minute(encode(RoomMinute(room, "", Metrics(0), category=category)))
    except (RecordError, UnicodeEncodeError) as error:
        raise _Bad("room_id" if category is None else "category", str(error).partition(": ")[2] or str(error)) from None


def _remember(known: set[str], text: str) -> None:
    if len(known) >= _KNOWN_TEXTS:
        known.clear()
    known.add(text)


def _got(text: str, expected: str) -> str:
    shown = ascii(text) if len(text) <= _SHOWN_CHARACTERS else ascii(text[:_SHOWN_CHARACTERS]) + "..."
    return f"got {shown}, {expected}"
