"""Following a backtest's folder while it is being written."""

from __future__ import annotations

from pathlib import Path

from roompulse.cli import main
from tests.watch.records import alert_record, forecast
from watch.feed import ALERTS, FORECASTS, HOTLIST, MINUTES, Seen
from watch.folder_feed import FolderFeed

KINDS = (FORECASTS, ALERTS, HOTLIST)


def history(folder: Path) -> Path:
    """Two rooms, ten minutes."""
    path = folder / "rooms.csv"
    assert main(["simulate", "--rooms=2", "--minutes=10", "--continuous", "--missing-rate=0", f"--out={path}"]) == 0
    return path


def test_records_are_given_once_and_only_as_whole_lines(tmp_path: Path) -> None:
    """A line that is still being written waits for its end."""
    feed = FolderFeed(tmp_path, history(tmp_path))
    assert feed.poll(0.0) == []
    assert not feed.at_end()
    for kind in KINDS:
        (tmp_path / f"{kind}.jsonl").touch()
    line = alert_record("a", "surge", 1).value
    with (tmp_path / "alerts.jsonl").open("ab") as file:
        file.write(line[:20])
        file.flush()
        assert feed.poll(0.0) == []
        file.write(line[20:] + b"\n" + line + b"\n")
    assert feed.poll(0.0) == [Seen(ALERTS, line), Seen(ALERTS, line)]
    assert feed.poll(0.0) == []
    assert feed.at_end()
    feed.close()


def test_a_row_of_the_history_comes_with_the_forecast_of_its_minute(tmp_path: Path) -> None:
    """Before its forecasts, and none of a later minute."""
    feed = FolderFeed(tmp_path, history(tmp_path))
    for kind in KINDS:
        (tmp_path / f"{kind}.jsonl").touch()
    (tmp_path / "forecasts.jsonl").write_bytes(forecast("room-00001", 4).value + b"\n")
    seen = feed.poll(0.0)
    assert [one.kind for one in seen] == [MINUTES] * 10 + [FORECASTS]
    feed.close()
