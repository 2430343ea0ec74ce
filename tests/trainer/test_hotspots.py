"""`roompulse hotspots`: one series learnt, the other looked at, on the study's public data and on made-up files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roompulse.cli import main
from roompulse.errors import RoomPulseError
from tests.require import ROOT, shared_data
from trainer import hotspots, hotspots_study
from trainer.hotspots_report import write_study
from trainer.hotspots_series import NEWEST_FIRST, OLDEST_FIRST, Rows, series_of
from trainer.hotspots_study import Compared, compare

TOTAL, LOCAL = "new_confirmed_total", "new_confirmed_local"
PRINTED = {25: 566, 28: 623}
"""Index and actual value as the reference prints them."""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two epochs: enough where the forecasts themselves do not matter."""
    monkeypatch.setattr(hotspots, "_SETTINGS", replace(hotspots._SETTINGS, epochs=2))


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The JSON summary."""
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


def table(path: Path, rows: Sequence[str], header: str = "day,a,b") -> str:
    """A CSV file of these rows."""
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return str(path)


def days(count: int, a: str = "", b: str = "") -> list[str]:
    """Rows of so many days; `a` and `b` stand in the fifth one."""
    rows = [f"2022-03-{day + 1:02d},{10 + day * 7 % 11},{20 + day * 5 % 13}" for day in range(count)]
    if a or b:
        rows[4] = f"2022-03-05,{a or 3},{b or 4}"
    return rows


def test_the_references_indices_and_actuals(tmp_path: Path, capsys: pytest.CaptureFixture[str], quick: None) -> None:
    """Index by index the actual value of the reference's listing; newest first, two later days left out."""
    file = shared_data("covid_nhc_2022", "window_2022-05-16_2022-09-12.csv")
    command = ["hotspots", str(file), "--train", TOTAL, "--apply", LOCAL, "--order", "newest-first", "--json"]
    assert main([*command, "--out", str(tmp_path / "own")]) == 0
    own = told(capsys)
    with file.open(encoding="utf-8") as lines:
        known = {int(row["reference_index"]): row for row in csv.DictReader(lines) if row["reference_index"]}
    actual = {row["index"]: row["actual"] for row in own["rows"]}
    assert actual == {index: int(row[LOCAL]) for index, row in known.items() if index < len(known) - 2}
    assert PRINTED.items() <= actual.items()
    assert {row["index"]: row["date"] for row in own["rows"]}[25] == "2022-08-16"

    assert main([*command, "--out", str(tmp_path / "theirs"), "--reference-indexing"]) == 0
    theirs = told(capsys)["rows"]
    assert [row["index"] for row in theirs] == list(range(115))
    assert [row["predicted"] for row in theirs] == [row["predicted"] for row in own["rows"][1:]]
    assert PRINTED.items() <= {row["index"]: row["actual"] for row in theirs}.items()

    assert main([*command, "--out", str(tmp_path / "again")]) == 0
    for name in ("hotspots.csv", "report.html"):
        assert (tmp_path / "own" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    page = (tmp_path / "own" / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert "http" not in page


@pytest.mark.timeout(300)
def test_a_network_that_learnt_a_series_forecasts_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On a smooth wave 30 epochs bring most values within 10 %; one of twice the height is far above its forecast."""
    wave = np.rint(200 + 60 * np.sin(np.arange(150) / 6)).astype(int)
    other = wave * 3
    other[100] *= 2
    rows = [f"{index},{a},{b}" for index, (a, b) in enumerate(zip(wave.tolist(), other.tolist(), strict=True))]
    file = table(tmp_path / "wave.csv", rows, "n,a,b")
    assert main(["hotspots", file, "--train", "a", "--apply", "b", "--json"]) == 0
    found = told(capsys)
    spots = {row["index"]: row for row in found["rows"] if row["hotspot"]}
    assert spots[100]["direction"] == "above"
    assert found["hotspots"] == found["above"] + found["below"] == len(spots) < 75


def test_deviation_threshold_and_truncation() -> None:
    """Forecasts lose their fraction before they are compared; a deviation of exactly the threshold is none."""
    rows = Rows(["0", "1", "2", "3", "x"], [], {"b": np.array([100.0, 100.0, 0.0, 50.0, 20.0])}, 0)
    made = np.array([np.nan, 110.9, 5.0, 44.9, 20.0])
    found = compare(rows, series_of(rows, "b", OLDEST_FIRST), made, 10.0, reference_indexing=False)
    assert [(row.index, row.predicted, row.deviation_percent, row.direction, row.hotspot) for row in found] == [
        (1, 110, 10.0, "below", False),
        (2, 5, None, "below", False),
        (3, 44, 12.0, "above", True),
        ("x", 20, 0.0, None, False),
    ]


def test_newest_first_is_turned_round() -> None:
    """The network reads forward in time, the listing stays as the file lies, blanks belong to no series."""
    rows = Rows(["0", "1", "2"], [], {"b": np.array([3.0, np.nan, 1.0])}, 0)
    series = series_of(rows, "b", NEWEST_FIRST)
    assert series.values.tolist() == [1.0, 3.0]
    assert series.blanks == 1
    found = compare(rows, series, np.array([1.0, 2.0]), 10.0, reference_indexing=False)
    assert [(row.index, row.predicted) for row in found] == [(0, 2), (2, 1)]


def test_any_table_of_days_will_do(tmp_path: Path, capsys: pytest.CaptureFixture[str], quick: None) -> None:
    """Dates without a time, the same column twice, blank cells and zeros: told, and the rest is compared."""
    file = table(tmp_path / "days.csv", days(20, b="0"))
    assert main(["hotspots", file, "--train", "b", "--apply", "b", "--json", "--threshold", "0"]) == 0
    found = told(capsys)
    assert found["compared"] == 18
    assert found["zero_actuals"] == 1
    assert {row["index"]: row["deviation_percent"] for row in found["rows"]}["2022-03-05"] is None

    blank = [row if number != 9 else "2022-03-10,," for number, row in enumerate(days(20))]
    file = table(tmp_path / "blank.csv", blank)
    assert main(["hotspots", file, "--train", "a", "--apply", "b", "--order", "newest-first", "--json"]) == 0
    shown = capsys.readouterr()
    assert "1 blank cells of a were left out" in shown.err
    assert "not newest-first: they are read backwards in time" in shown.err


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (days(20), ["--apply", "c"], "line 1, column c: no such column; the header has: day, a, b"),
        (days(20), ["--apply", "b", "--index", "c"], "line 1, column c: no such column"),
        (days(11), ["--apply", "b"], "column a: too short: 11 values, expected 12 or more"),
        (days(20, b="many"), ["--apply", "b"], "line 6, column b: got 'many', expected a number"),
        (days(20, b="nan"), ["--apply", "b"], "line 6, column b: got 'nan', expected a number"),
        ([*days(20), "2022-04-01,1"], ["--apply", "b"], "line 22: 2 cells, expected 3"),
        ([f"{day},5,{day}" for day in range(20)], ["--apply", "b"], "column a: every value is 5"),
        ([], ["--apply", "b"], "column a: too short: 0 values"),
    ],
)
def test_what_cannot_be_used_is_said_by_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[str], options: list[str], message: str
) -> None:
    """Exit code 1 with file, line and column, before any training."""
    file = table(tmp_path / "bad.csv", rows)
    assert main(["hotspots", file, "--train", "a", *options]) == 1
    assert message in capsys.readouterr().err


def test_a_folder_with_something_in_it_is_not_written_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is ever overwritten."""
    file = table(tmp_path / "days.csv", days(20))
    assert main(["hotspots", file, "--train", "a", "--apply", "b", "--out", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err


def test_a_study_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up at the second file leaves nothing under the folder's name; a new folder's parent is made."""
    folder = tmp_path / "new" / "study"
    compared = [Compared(1, None, 10, 8, 20.0, "above", True)]
    write = Path.write_text

    def full(path: Path, text: str, encoding: str) -> int:
        if path.name == "report.html":
            raise OSError(28, "No space left on device")
        return write(path, text, encoding)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(RoomPulseError, match="No space left"):
            write_study(folder, "a", compared, [0.1], 10.0, [])
    assert list((tmp_path / "new").iterdir()) == []
    write_study(folder, "a", compared, [0.1], 10.0, [])
    assert sorted(file.name for file in folder.iterdir()) == ["hotspots.csv", "report.html"]
    assert list((tmp_path / "new").iterdir()) == [folder]


@pytest.mark.parametrize("wrong", [["--seed", "4294967296"], ["--seed", "x"], ["--threshold", "x"]])
def test_wrong_options_say_what_is_expected(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, before anything is read."""
    with pytest.raises(SystemExit) as exited:
        main(["hotspots", "none.csv", "--train", "a", "--apply", "b", *wrong])
    assert exited.value.code == 2
    assert f"argument {wrong[0]}: got {wrong[1]}, expected a " in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told_before_the_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in the way is found without an epoch."""
    monkeypatch.setattr(hotspots_study, "train_on", lambda *given: pytest.fail("it was trained"))
    file = table(tmp_path / "days.csv", days(20))
    assert main(["hotspots", file, "--train", "a", "--apply", "b", "--out", f"{file}/study"]) == 1
    assert "study: cannot be written: Not a directory" in capsys.readouterr().err


def test_without_tensorflow_it_says_what_to_install(tmp_path: Path) -> None:
    """One sentence and exit code 1; no traceback."""
    file = table(tmp_path / "days.csv", days(20))
    code = "import sys; sys.modules['tensorflow'] = None; from roompulse.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "hotspots", file, "--train", "a", "--apply", "b"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "the study needs the extra `train`: pip install 'roompulse[train]'" in ended.stderr
    assert "Traceback" not in ended.stderr
