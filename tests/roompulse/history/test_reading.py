"""Files as they come: the platform's export, long tables, several files, gzip, other encodings."""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from roompulse.errors import InputError, UsageError
from roompulse.history import (
    HistoryOptions,
    HistoryReport,
    HistoryRow,
    add_history_options,
    encode_row,
    history_options,
    read_history,
)
from roompulse.minutes import parse_minute
from roompulse.records import decode_minute
from tests.require import shared_data

HEADER = "room_id,minute,watch_ucnt\n"


def options(*flags: str) -> HistoryOptions:
    """Options from flags, as a command would make them."""
    parser = argparse.ArgumentParser()
    add_history_options(parser)
    return history_options(parser.parse_args(["FILE", *flags]))


def write(folder: Path, text: str | bytes, name: str = "rooms.csv") -> str:
    """A file with this content; its path."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def told(rows: Sequence[HistoryRow]) -> list[tuple[str, str, float | None]]:
    """Rows, short: room, time of day, target."""
    return [(row.record.room_id, row.record.minute[11:16], row.record.metrics.watch_ucnt) for row in rows]


def test_the_platform_export_is_read_as_it_is() -> None:
    """Upper-case metrics, an unnamed index, times without a zone and dict literals, with no flag at all."""
    report = HistoryReport()
    rows = list(read_history([str(shared_data("douyin_predict", "predict.csv"))], HistoryOptions(), report))
    assert (len(rows), report.rows, report.bad_rows) == (696, 696, 0)
    second = rows[1]
    assert second.record.room_id == "predict"
    assert second.record.minute == "2019-12-02T08:13:00+08:00"
    assert second.record.metrics.watch_ucnt == 19
    assert second.record.natural["全部自然流量"] == 7
    assert second.minute == parse_minute(second.record.minute)
    assert b'"watch_ucnt":19,' in encode_row(second)[1], "whole numbers are JSON integers although the file has 19.0"


def test_sessions_sorted_by_room_come_out_in_time_order() -> None:
    """The bilibili table lies by session; it is mapped with --columns and sorted, and no row is lost."""
    file = str(shared_data("bilibili_live_2019", "sessions_minutes.csv"))
    report = HistoryReport()
    chosen = options("--columns", "room_id=room_id,minute=minute,watch_ucnt=danmaku", "--where", "recorded=1")
    rows = list(read_history([file], chosen, report))
    minutes = [row.minute.epoch for row in rows]
    assert minutes == sorted(minutes)
    assert len(rows) + report.left_out == 7648
    assert report.left_out > 0


def test_every_row_is_a_record_that_the_scorer_accepts(tmp_path: Path) -> None:
    """What a row encodes to decodes to the same record."""
    text = 'room_id,minute,watch_ucnt,natural,category,ended\n房间 1,2024-01-01 10:00,3,"{""a"": 1.5}",food,true\n'
    (row,) = read_history([write(tmp_path, text)], HistoryOptions())
    key, value = encode_row(row)
    assert key == "房间 1".encode()
    assert decode_minute(value) == row.record
    assert row.record.ended
    assert row.record.category == "food"


def test_a_blank_target_means_alive_but_not_measured(tmp_path: Path) -> None:
    """A blank is null for the target, and nothing at all for other metrics."""
    text = "room_id,minute,watch_ucnt,comment_cnt\na,2024-01-01 10:00,,\n"
    (row,) = read_history([write(tmp_path, text)], HistoryOptions())
    assert msgspec.json.decode(encode_row(row)[1])["metrics"] == {"watch_ucnt": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-01 10:00", "2024-01-01T10:00:00+08:00"),
        ("2024/1/1 9:05", "2024-01-01T09:05:00+08:00"),
        ("2024-01-01T10:00:59.9", "2024-01-01T10:00:00+08:00"),
        ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
        ("2024-01-01 10:00:00-0330", "2024-01-01T10:00:00-03:30"),
        ("1704074400", "2024-01-01T10:00:00+08:00"),
        ("1704074459.5", "2024-01-01T10:00:00+08:00"),
        ("1704074400000", "2024-01-01T10:00:00+08:00"),
    ],
)
def test_minutes_come_in_many_forms(tmp_path: Path, text: str, expected: str) -> None:
    """ISO text with and without a zone, epoch seconds and milliseconds; seconds are cut off."""
    (row,) = read_history([write(tmp_path, HEADER + f"a,{text},1\n")], HistoryOptions())
    assert row.record.minute == expected
    assert row.minute == parse_minute(expected)


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2024-03-31 01:59", "2024-03-31T01:59:00+01:00"),
        ("2024-03-31 02:30", "2024-03-31T03:30:00+02:00"),
        ("2024-10-27 02:30", "2024-10-27T02:30:00+02:00"),
        ("2024-10-27 03:00", "2024-10-27T03:00:00+01:00"),
    ],
)
def test_summer_time_is_read_the_same_way_every_time(tmp_path: Path, local: str, expected: str) -> None:
    """In the gap the offset before it counts; of the hour that comes twice the first is meant."""
    chosen = options("--timezone", "Europe/Berlin")
    (row,) = read_history([write(tmp_path, HEADER + f"a,{local},1\n")], chosen)
    assert row.record.minute == expected


def test_files_are_merged_in_time_order_and_stay_stable_within_a_minute(tmp_path: Path) -> None:
    """Rows of one minute come as the files are named and as they lie in them."""
    one = write(tmp_path, HEADER + "a,2024-01-01 10:00,1\nb,2024-01-01 10:02,2\n", "1.csv")
    packed = gzip.compress((HEADER + "c,2024-01-01 10:02,3\nd,2024-01-01 10:00,4\ne,2024-01-01 10:02,5\n").encode())
    two = write(tmp_path, packed, "2.csv.gz")
    rows = told(list(read_history([one, two], HistoryOptions())))
    assert [name for name, _, _ in rows] == ["a", "d", "b", "c", "e"]
    rows = told(list(read_history([two, one], HistoryOptions(order="file"))))
    assert [name for name, _, _ in rows] == ["c", "d", "e", "a", "b"]


def test_more_files_than_can_be_open_are_merged_all_the_same(tmp_path: Path) -> None:
    """A folder of daily files by the hundred does not run out of file descriptors."""
    files = [write(tmp_path, HEADER + f"r,2024-01-01 10:{i % 60:02d},{i}\n", f"{i}.csv") for i in range(150)]
    rows = list(read_history(files, HistoryOptions()))
    assert [row.record.metrics.watch_ucnt for row in rows] == sorted(range(150), key=lambda i: i % 60)


def test_start_is_kept_and_end_is_left_out(tmp_path: Path) -> None:
    """--start and --end bound event time; what lies outside is counted."""
    text = HEADER + "".join(f"a,2024-01-01 10:0{i},{i}\n" for i in range(6))
    report = HistoryReport()
    chosen = options("--start", "2024-01-01 10:01", "--end", "2024-01-01T02:04:00Z")
    assert [row[2] for row in told(list(read_history([write(tmp_path, text)], chosen, report)))] == [1, 2, 3]
    assert (report.rows, report.left_out, report.rows_read) == (3, 3, 6)
    assert options("--start", "2024-01-01").start == parse_minute("2024-01-01T00:00:00+08:00").epoch


def test_the_room_is_named_by_flag_or_file_where_the_table_has_none(tmp_path: Path) -> None:
    """Without a room column the file's name is the room, and --room goes before it."""
    file = write(tmp_path, "MINUTE,WATCH_UCNT\n2024-01-01 10:00,5\n", "shop 7.csv")
    assert told(list(read_history([file], HistoryOptions()))) == [("shop 7", "10:00", 5)]
    assert told(list(read_history([file], options("--room", "r")))) == [("r", "10:00", 5)]


def test_other_encodings_are_read_when_named(tmp_path: Path) -> None:
    """gb18030 text is refused as UTF-8 with line and column, and read with --encoding."""
    file = write(tmp_path, (HEADER + "直播间,2024-01-01 10:00,5\n").encode("gb18030"))
    with pytest.raises(InputError, match=r"rooms\.csv, line 2, column room_id: .*expected utf-8 \(see --encoding\)"):
        list(read_history([file], HistoryOptions(strict=True)))
    assert told(list(read_history([file], options("--encoding", "gb18030"))))[0][0] == "直播间"


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    """Spreadsheets put one in front of UTF-8."""
    file = write(tmp_path, b"\xef\xbb\xbf" + (HEADER + "a,2024-01-01 10:00,5\r\n").encode())
    assert told(list(read_history([file], HistoryOptions()))) == [("a", "10:00", 5)]


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--columns", "danmaku=watch_ucnt"], "no field 'danmaku'"),
        (["--columns", "minute"], "expected NAME=VALUE"),
        (["--columns", "minute=a,minute=b"], "given twice"),
        (["--timezone", "Mars/Base"], "expected a zone"),
        (["--encoding", "utf-16"], "contains ASCII"),
        (["--encoding", "no-such"], "expected an encoding"),
        (["--start", "soon"], "--start: got 'soon'"),
        (["--start", "2024-01-02", "--end", "2024-01-01"], "earlier"),
    ],
)
def test_flags_that_do_not_fit_are_wrong_usage(flags: list[str], problem: str) -> None:
    """The message names the flag."""
    with pytest.raises(UsageError, match=problem):
        options(*flags)


def test_a_field_can_be_left_out(tmp_path: Path) -> None:
    """An empty column name takes a field out that would be recognised by its name."""
    file = write(tmp_path, "room_id,minute,watch_ucnt,category\na,2024-01-01 10:00,1,7\n")
    (row,) = read_history([file], replace(HistoryOptions(), columns={"category": ""}))
    assert row.record.category is None
