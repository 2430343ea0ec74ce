"""`roompulse simulate --out`: files that `produce` reads without flags."""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path

import pytest

from producer.simulate import configure, simulation_settings
from roompulse.cli import main
from roompulse.history import HistoryOptions, HistoryReport, encode_row, read_history
from roompulse.simulation import SimulationSettings, room_name, simulate

FLAGS = ["--rooms", "30", "--minutes", "90", "--seed", "7", "--surges-per-room-hour", "0.5", "--null-rate", "0.02"]
SETTINGS = SimulationSettings(rooms=30, minutes=90, seed=7, surges_per_room_hour=0.5, null_rate=0.02)


@pytest.mark.parametrize("name", ["sim.csv", "sim.csv.gz"])
def test_the_file_holds_the_simulation_record_by_record(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Read in file order it gives the deliveries, late and double ones included, byte for byte."""
    out, labels = tmp_path / name, tmp_path / "labels.csv"
    assert main(["simulate", *FLAGS, "--out", str(out), "--labels", str(labels), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    report = HistoryReport()
    read = [encode_row(row) for row in read_history([str(out)], HistoryOptions(order="file"), report)]
    deliveries = list(simulate(SETTINGS))
    assert read == [encode_row(row) for delivery in deliveries for row in delivery.rows]
    assert report.bad_rows == 0
    assert summary["rows_written"] == len(read)
    with labels.open(encoding="utf-8") as file:
        found = [(row["room_id"], row["kind"], float(row["magnitude"])) for row in csv.DictReader(file)]
    assert found == [(room_name(x.room), x.kind, x.magnitude) for d in deliveries for x in d.labels]
    assert summary["surges"] + summary["slumps"] == len(found) > 0


def test_the_same_seed_writes_the_same_file(tmp_path: Path) -> None:
    """Packed too: no time and no name lies inside."""
    files = [tmp_path / "a.csv.gz", tmp_path / "b.csv.gz"]
    for file in files:
        assert main(["simulate", *FLAGS, "--out", str(file)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    assert set(tmp_path.iterdir()) == set(files), "nothing half-written is left"


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its name and why; exit code 1."""
    assert main(["simulate", *FLAGS, "--out", str(tmp_path / "no" / "x.csv")]) == 1
    assert "x.csv: cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--out", "--labels"])
def test_a_file_that_is_there_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    """Neither rooms nor labels; the other file is not written either."""
    (tmp_path / "mine.csv").write_text("mine")
    other = "--labels" if option == "--out" else "--out"
    arguments = [option, str(tmp_path / "mine.csv"), other, str(tmp_path / "other.csv")]
    assert main(["simulate", *FLAGS, *arguments]) == 1
    assert "mine.csv: exists already; results are never overwritten" in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("mine.csv", "mine")]


@pytest.mark.parametrize(
    "flags", [["--rooms", "0"], ["--minutes", "0", "--out", "x.csv"], ["--start", "soon"], ["--late-rate", "2"]]
)
def test_what_cannot_be_simulated_is_wrong_usage(flags: list[str]) -> None:
    """Exit code 2, and nothing is written."""
    assert main(["simulate", *flags]) == 2


def test_a_head_start_begins_before_now() -> None:
    """With `--start now` the minutes that leave at once are those before now, so that the next one is this minute's."""
    parser = argparse.ArgumentParser()
    configure(parser)
    before = int(time.time() // 60)
    start = simulation_settings(parser.parse_args(["--start", "now", "--head-start", "60"])).start.epoch
    assert before - 60 <= start <= int(time.time() // 60) - 60
    with pytest.raises(SystemExit):
        parser.parse_args(["--head-start", "-1"])
