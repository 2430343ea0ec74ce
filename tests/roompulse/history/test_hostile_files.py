"""Files that are broken, huge or made to hurt: a bad row is told with file, line and column, and reading goes on."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roompulse.errors import InputError
from roompulse.history import HistoryOptions, HistoryReport, encode_row, read_history
from roompulse.history.channels import read_channels
from roompulse.history.lines import MAX_LINE_BYTES, MAX_ROW_LINES
from roompulse.records import decode_minute

HEADER = b"room_id,minute,watch_ucnt,natural\n"
GOOD = b"good,2024-01-01 10:00,1,\n"


def read(folder: Path, content: bytes, name: str = "h.csv") -> tuple[list[str], list[str]]:
    """The rooms that were read, and what was said about bad rows, without the folder."""
    path = folder / name
    path.write_bytes(content)
    said: list[str] = []
    rows = list(read_history([str(path)], HistoryOptions(), HistoryReport(say=said.append)))
    return [row.record.room_id for row in rows], [text.replace(str(folder) + "/", "") for text in said]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b"a,2024-01-01 10:00,nan,", "line 3, column watch_ucnt: got 'nan', expected a number from 0 to 1e12"),
        (b"a,2024-01-01 10:00,inf,", "line 3, column watch_ucnt: got 'inf', expected a number from 0 to 1e12"),
        (b"a,2024-01-01 10:00,-1,", "line 3, column watch_ucnt: got '-1', expected a number from 0 to 1e12"),
        (b"a,2024-01-01 10:00,1e13,", "line 3, column watch_ucnt: got '1e13', expected a number from 0 to 1e12"),
        (b"a,2024-01-01 10:00,1_0,", "line 3, column watch_ucnt: got '1_0', expected a number from 0 to 1e12"),
        (b"a,2024-01-01 10:00,many,", "line 3, column watch_ucnt: got 'many', expected a number from 0 to 1e12"),
        (b"a,2024-02-30 10:00,1,", "line 3, column minute: got '2024-02-30 10:00', expected a day of the calendar"),
        (b"a,tomorrow,1,", "line 3, column minute: got 'tomorrow', expected a minute like"),
        (b"a,17,1,", "line 3, column minute: got '17', expected a minute like"),
        (b"a,2024-01-01 10:00", "line 3: got 2 cells, expected 4"),
        (b"a,2024-01-01 10:00,1,,,", "line 3: got 6 cells, expected 4"),
        (b",2024-01-01 10:00,1,", "line 3, column room_id: got ''"),
        (b"a\x00b,2024-01-01 10:00,1,", "line 3, column room_id: got 'a\\x00b', expected text without control"),
        (b"r" * 1000 + b",2024-01-01 10:00,1,", "line 3, column room_id: got 'rrr"),
        (b"a,2024-01-01 10:00,\x00,", "line 3, column watch_ucnt: got '\\x00', expected a number"),
        (b"\xff\xfe,2024-01-01 10:00,1,", "line 3, column room_id: got bytes ff, expected utf-8 (see --encoding)"),
        (b"a,2024-01-01 10:00,1,\xb2\xe2", "line 3, column natural: got bytes b2, expected utf-8"),
        (b"a,2024-01-01 10:00,1,\"{'x': __import__('os')}\"", "line 3, column natural: got"),
        (b"a,2024-01-01 10:00,1,[1]", "line 3, column natural: got '[1]', expected a JSON object or dict literal"),
        (b"a,2024-01-01 10:00,1,{'x': -1}", "line 3, column natural: got \"{'x': -1}\", 'x': expected a number from 0"),
        (b'a,2024-01-01 10:00,1,"x"y', "line 3: got quotes that do not fit"),
    ],
)
def test_a_bad_row_is_told_and_the_next_one_is_read(tmp_path: Path, row: bytes, said: str) -> None:
    """What was got and what was expected, with file, line and column; the rows around it count."""
    rooms, messages = read(tmp_path, HEADER + GOOD + row + b"\n" + GOOD)
    assert rooms == ["good", "good"]
    (message,) = messages
    assert message.startswith("bad row: h.csv, " + said)


def test_strict_stops_at_the_first_bad_row(tmp_path: Path) -> None:
    """With --strict the first bad row is the command's error."""
    path = tmp_path / "h.csv"
    path.write_bytes(HEADER + GOOD + b"a,b,c,d\n" + GOOD)
    with pytest.raises(InputError) as caught:
        list(read_history([str(path)], HistoryOptions(strict=True)))
    assert (caught.value.line, caught.value.column) == (3, "minute")


def test_a_torn_last_line_is_a_bad_row(tmp_path: Path) -> None:
    """A copy that broke off loses its last row, quoted or not, and says so."""
    assert read(tmp_path, HEADER + GOOD + b"a,2024-01-")[0] == ["good"]
    rooms, said = read(tmp_path, HEADER + GOOD + b"a,2024-01-01 10:00,1,\"{'x'")
    assert rooms == ["good"]
    assert "line 3: got a quote that is not closed" in said[0]


def test_an_open_quote_costs_one_row_and_not_the_rest_of_the_file(tmp_path: Path) -> None:
    """The lines after the quote are read as rows of their own."""
    rooms, said = read(tmp_path, HEADER + b'a,2024-01-01 10:00,1,"open\n' + GOOD * 1000)
    assert len(rooms) == 1000
    (message,) = said
    assert "line 2: got a quote that is not closed" in message


def test_quotes_left_open_on_every_line_take_no_time_to_speak_of(tmp_path: Path) -> None:
    """Looking for the end of a quote is bounded, line by line."""
    started = time.perf_counter()
    rooms, said = read(tmp_path, HEADER + b'a,2024-01-01 10:00,1,"open\n' * 2000 + b"\n" * 200 + GOOD)
    assert rooms == ["good"]
    assert len(said) == 21
    assert time.perf_counter() - started < 20


def test_a_quoted_cell_may_hold_line_ends(tmp_path: Path) -> None:
    """A title of three lines is one cell, and the lines after it keep their numbers."""
    header = b"room_id,minute,watch_ucnt,title\n"
    rooms, said = read(tmp_path, header + b'a,2024-01-01 10:00,1,"one\n""two"", \nthree"\nb,x,1,\n')
    assert rooms == ["a"]
    assert said[0].startswith("bad row: h.csv, line 5, column minute")
    too_many = b'"' + b"\n" * (MAX_ROW_LINES + 1) + b'"'
    assert read(tmp_path, header + b"a,2024-01-01 10:00,1," + too_many + b"\n")[0] == []


def test_a_line_without_end_is_passed_over(tmp_path: Path) -> None:
    """A line of several megabytes costs one bad row and a fixed amount of memory."""
    rooms, said = read(tmp_path, HEADER + b"x" * (3 * MAX_LINE_BYTES + 5) + b"\n" + GOOD + b"y" * (2 * MAX_LINE_BYTES))
    assert rooms == ["good"]
    assert [text.split(": ")[1] for text in said] == ["h.csv, line 2", "h.csv, line 4"]


def test_gzip_that_ends_early_gives_what_it_has(tmp_path: Path) -> None:
    """The rows before the break are read, and the break is a bad row."""
    lines = b"".join(b"r%d,2024-01-01 10:00,%d,\n" % (i, i * 7919 % 1000) for i in range(20_000))
    packed = gzip.compress(HEADER + lines)
    rooms, said = read(tmp_path, packed[: len(packed) // 2], "h.csv.gz")
    assert 1000 < len(rooms) < 20_000
    assert "gzip data ends early" in said[-1]
    damaged = packed[: len(packed) // 2] + b"\x00" * 500 + packed[len(packed) // 2 + 500 :]
    assert read(tmp_path, damaged, "h.csv.gz")[1]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "line 1: expected a header"),
        (b"\n\n", "line 1: expected a header"),
        (b"room_id,minute\n", "line 1, column watch_ucnt: no column for watch_ucnt; the header has: room_id, minute"),
        (b"a;minute;watch_ucnt\n", "expected cells separated by commas"),
        (b"minute,watch_ucnt,watch_ucnt\n", "line 1, column watch_ucnt: the header has this column twice"),
        ("minute,watch_ucnt\n".encode("utf-16"), "line 1"),
        (b'"minute,watch_ucnt\n' * 200, "line 1: got quotes that do not fit"),
        (b"\x1f\x8b broken", "line 1"),
    ],
)
def test_a_header_that_does_not_do_is_told_before_the_first_row(tmp_path: Path, content: bytes, problem: str) -> None:
    """The file, line 1, the column, what is there, and the flag that helps."""
    path = tmp_path / "h.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"h\.csv") as caught:
        read_history([str(path)], HistoryOptions())
    assert problem in str(caught.value)


def test_a_file_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    """So is a folder."""
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match=str(path)):
            read_history([str(path)], HistoryOptions())


@pytest.mark.parametrize(
    "text",
    [
        "(" * 60_000,
        "{" * 60_000,
        "-" * 60_000 + "1",
        "{'a': " * 5000,
        "{'a': 1" + "0" * 5000 + "}",
        "x" * 70_000,
        *["{'a': 10**9}", "{'a': True}", "{1: 1}", "{'a': 1}x", "{'a': '1'}", "{'a': nan}", "{'a': 1e400}", "'a'"],
    ],
)
def test_a_literal_made_to_hurt_is_refused(text: str) -> None:
    """Deep, long or no literal at all: refused, nothing is run and nothing crashes."""
    with pytest.raises(ValueError, match="expected"):
        read_channels(text)


def test_too_many_channels_are_refused() -> None:
    """As many as the record allows, and no more."""
    assert len(read_channels(str({f"c{i}": i for i in range(256)}))) == 256
    with pytest.raises(ValueError, match="at most 256"):
        read_channels(str({f"c{i}": i for i in range(257)}))


names = st.text(st.characters(codec="utf-8"), max_size=12)
counts = st.one_of(st.integers(0, 10**12), st.floats(0, 1e12))


@given(st.dictionaries(names, counts, max_size=20))
def test_what_python_prints_is_read_back(channels: dict[str, float]) -> None:
    """Any dict of counts comes back from its literal, whatever its names hold, and whole numbers as integers."""
    found = read_channels(repr(channels))
    assert found == channels
    assert all(isinstance(count, int) for count in found.values() if count == int(count))


@given(st.binary(max_size=400), st.binary(max_size=400))
@settings(deadline=None)
def test_no_bytes_crash_the_reading(tmp_path_factory: pytest.TempPathFactory, middle: bytes, end: bytes) -> None:
    """Whatever follows the header, each row read is one the scorer accepts, and all else is counted."""
    path = tmp_path_factory.mktemp("any") / "h.csv"
    path.write_bytes(HEADER + middle + b"\n" + GOOD + end)
    report = HistoryReport()
    for row in read_history([str(path)], HistoryOptions(), report):
        assert decode_minute(encode_row(row)[1]) == row.record
    assert report.rows + report.bad_rows >= 1
