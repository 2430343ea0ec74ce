"""Sorting with bounded memory, and clones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roompulse.errors import UsageError
from roompulse.history import HistoryOptions, HistoryReport, HistoryRow, clone_rooms, encode_row, read_history
from roompulse.history import read as reading
from roompulse.history.order import sort_rows
from roompulse.minutes import Minute, format_minute
from roompulse.records import Metrics, RoomMinute


def row(epoch: int, number: float | None, channels: int = 0) -> HistoryRow:
    """A row whose target tells rows apart."""
    natural = {f"c{i}": i + 0.5 for i in range(channels)}
    minute = Minute(epoch, 480)
    return HistoryRow(
        minute, RoomMinute("r", format_minute(*minute), Metrics(number), natural, {}, None, epoch % 2 == 0)
    )


@given(st.lists(st.integers(26_000_000, 26_000_050), max_size=300), st.integers(8, 400))
def test_sorting_in_runs_equals_sorting_in_memory(epochs: list[int], run_weight: int) -> None:
    """Whatever the size of the runs: in time order, stable, and each row what it was, whole numbers included."""
    rows = [row(epoch, None if number % 7 == 0 else number if number % 2 else number + 0.5, number % 3)
            for number, epoch in enumerate(epochs)]  # fmt: skip
    done = list(sort_rows(iter(rows), run_weight))
    assert done == sorted(rows, key=lambda item: item.minute.epoch)
    assert [encode_row(item) for item in done] == [
        encode_row(item) for item in sorted(rows, key=lambda i: i.minute.epoch)
    ]


def test_a_large_file_is_sorted_as_a_whole_only_where_many_rows_come_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In time order, or with a few late rows, it is streamed; one that lies the other way round is sorted."""
    monkeypatch.setattr(reading, "SMALL_FILE_BYTES", 100)
    sorted_files = []

    def watched(rows: Iterable[HistoryRow]) -> Iterator[HistoryRow]:
        sorted_files.append(1)
        return sort_rows(rows)

    monkeypatch.setattr(reading, "sort_rows", watched)
    path = tmp_path / "h.csv"
    lines = [f"r,2024-01-{1 + i // 600:02d} {10 + i % 600 // 60}:{i % 60:02d},{i}\n" for i in range(1800)]
    for lying in (lines, [*lines[7:], *lines[:7]], lines[::-1]):
        assert not sorted_files
        path.write_text("room_id,minute,watch_ucnt\n" + "".join(lying))
        rows = list(read_history([str(path)], HistoryOptions()))
        assert [item.record.metrics.watch_ucnt for item in rows] == list(range(1800))
    assert sorted_files


def minute_of_day(number: int) -> str:
    """Ten minutes, over and over."""
    return f"2024-01-01 10:{number % 10:02d}"


LINES = st.one_of(
    st.builds(lambda m, v: f"r,{minute_of_day(m)},{v},", st.integers(0, 9), st.integers(0, 99)),
    st.builds(lambda m, v: f'r,{minute_of_day(m)},{v},"{{""a"":{v},""b"":2}}"', st.integers(0, 9), st.integers(0, 99)),
    st.builds(lambda m, v: f'"r, 2",{minute_of_day(m)},{v},', st.integers(0, 9), st.integers(0, 99)),
    st.builds(lambda m, v: f'"r\n 3",{minute_of_day(m)},{v},"{{""a"":1}}"', st.integers(0, 9), st.integers(0, 99)),
    st.builds(lambda m, t: f"r,{minute_of_day(m)},{t}", st.integers(0, 9), st.text('",1\n x', max_size=12)),
    st.text('",r1\n x', max_size=12),
)


@given(st.lists(LINES, max_size=40), st.booleans())
def test_what_is_streamed_past_late_rows_is_what_a_sort_gives(lines: list[str], bounded: bool) -> None:
    """Whatever quotes and bad rows a file holds: the same rows in the same order, counts and complaints."""
    options = HistoryOptions(start=28_401_243 if bounded else None)
    read = []
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder, "h.csv")
        path.write_text("room_id,minute,watch_ucnt,natural\n" + "\n".join(lines))
        for small in (1 << 30, -1):
            patch.setattr(reading, "SMALL_FILE_BYTES", small)
            said: list[str] = []
            report = HistoryReport(say=said.append)
            rows = list(read_history([str(path)], options, report))
            read.append((rows, report.rows, report.bad_rows, report.left_out, said))
    assert read[0] == read[1]


def test_clones_are_scaled_rooms_with_numbers() -> None:
    """Deterministic, between 0.2 and 5 times the size, whole where the original is; the ratio stays."""
    minute = Minute(26_000_000, 480)
    metrics = Metrics(1000, comment_cnt=10.5, uv_value=3.2)
    original = HistoryRow(minute, RoomMinute("r", format_minute(*minute), metrics, {"a": 100}))
    clones = list(clone_rooms([original], 50))
    assert [encode_row(c) for c in clones] == [encode_row(c) for c in clone_rooms([original], 50)]
    assert [c.record.room_id for c in clones][:2] == ["r-0001", "r-0002"]
    sizes = [c.record.metrics.watch_ucnt or 0 for c in clones]
    assert min(sizes) >= 200
    assert max(sizes) <= 5000
    assert all(isinstance(size, int) for size in sizes)
    assert len(set(sizes)) > 40
    assert {c.record.metrics.uv_value for c in clones} == {3.2}
    assert all(abs(c.record.natural["a"] - s / 10) <= 1 for c, s in zip(clones, sizes, strict=True))
    assert list(clone_rooms([original], None)) == [original]
    with pytest.raises(UsageError):
        clone_rooms([original], 0)
