"""`roompulse train` end to end, with a few steps of real training."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from roompulse.bundle import load_bundle
from roompulse.cli import main
from scorer.adapters.onnx_forecaster import open_step

FAST = ["--steps", "3", "--members", "2", "--units", "4", "--batch-size", "4"]


def history(path: Path, rooms: int = 5, minutes: int = 60, column: str = "watch_ucnt") -> Path:
    """A long table of Poisson rooms."""
    rng = np.random.default_rng(0)
    lines = [f"room_id,minute,{column}"]
    for room in range(rooms):
        counts = rng.poisson(5.0 * (room + 1), minutes)
        lines += [f"r{room},2024-05-01 {10 + m // 60}:{m % 60:02d}:00,{count}" for m, count in enumerate(counts)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A usable history."""
    return history(tmp_path_factory.mktemp("history") / "history.csv")


@pytest.mark.timeout(300)
def test_history_becomes_a_bundle_that_the_scorer_runs(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bundle loads, repeats its golden vectors, and its card and the summary tell how it did against whom."""
    assert main(["train", str(file), "--out", str(tmp_path / "model"), "--json", *FAST]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    bundle = load_bundle(tmp_path / "model")
    assert open_step(bundle).units == 8 + 8
    assert summary["model"] == bundle.label
    results = bundle.card["results"]["heldout"]
    assert results == summary["results"]
    assert set(results["mae"]) == {
        "network", "persistence", "median_20", "smoothing_0.2", "smoothing_0.5", "ridge_16", "boosted_trees_16",
        "mean_5", "mean_10", "mean_20", "median_5", "median_10", "holt_online", "svr_16", "forest_16", "lightgbm_16",
    }  # fmt: skip
    assert {"+1", "mean"} <= set(results["leaderboard"]["measures"]["stacked"])
    assert {"+1", "+5", "+10", "mean"} <= set(results["mae"]["network"])
    assert 0 <= results["coverage_80"]["overall"] <= 1
    assert bundle.card["data"]["hash"] == bundle.specification.data_hash
    assert bundle.card["heldout"]["rule"] == "by room"


@pytest.mark.timeout(300)
def test_training_again_gives_the_same_bytes(file: Path, tmp_path: Path) -> None:
    """The same history, settings and seed give the same files, byte for byte."""
    for name in ("a", "b"):
        assert main(["train", str(file), "--out", str(tmp_path / name), "--seed", "1", *FAST]) == 0
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def failed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command, expect exit code 1 and no output; returns what it said."""
    assert main(["train", *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_an_existing_bundle_is_refused_before_training(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody waits minutes to learn that the folder was taken."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "something").write_text("")
    assert "never overwritten" in failed(capsys, str(file), "--out", str(tmp_path / "model"))


def test_a_missing_target_column_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error names the file and the column that was looked for."""
    file = history(tmp_path / "other.csv", column="viewers")
    message = failed(capsys, str(file), "--out", str(tmp_path / "model"))
    assert "other.csv" in message
    assert "watch_ucnt" in message


def test_too_little_history_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One session cannot be learnt from and judged by at once."""
    file = history(tmp_path / "one.csv", rooms=1)
    assert "too few sessions: found 1" in failed(capsys, str(file), "--out", str(tmp_path / "model"))
    assert not (tmp_path / "model").exists()


def test_dead_sessions_are_left_out_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One room of five is silent and one session too short: it says so, and goes on to say what is missing."""
    file = history(tmp_path / "some.csv", rooms=1)
    silent = [f"silent,2024-05-01 10:{minute:02d}:00,0" for minute in range(30)]
    file.write_text(file.read_text() + "\n".join([*silent, "short,2024-05-01 10:00:00,5", ""]))
    message = failed(capsys, str(file), "--out", str(tmp_path / "model"))
    assert "2 dead sessions were left out: 1 with fewer than 15 measured minutes; 1 with the target zero" in message
    assert "too few sessions: found 1 that are not dead" in message


def test_many_duplicate_minutes_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rooms that were thrown together: the first minute that came twice with different counts is named."""
    file = history(tmp_path / "mixed.csv")
    file.write_text(re.sub(r"^r\d,", "r,", file.read_text(), flags=re.MULTILINE))
    message = failed(capsys, str(file), "--out", str(tmp_path / "model"))
    assert "duplicate minutes" in message
    assert "2024-05-01T02:00:00Z" in message


def test_there_must_be_something_to_resume(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing was saved under this name: it says so and writes nothing."""
    assert "nothing to resume" in failed(capsys, str(file), "--out", str(tmp_path / "model"), "--resume", *FAST)
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_an_error_not_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The text names the file."""
    assert "nowhere.csv" in failed(capsys, str(tmp_path / "nowhere.csv"), "--out", str(tmp_path / "model"))


@pytest.mark.parametrize(
    "flag",
    [
        ["--holdout", "1.5"],
        ["--steps", "0"],
        ["--seed", "-1"],
        ["--seed", "x"],
        ["--seed", "4294967296"],
        ["--name", "a b"],
    ],
)
def test_wrong_options_are_wrong_usage(file: Path, tmp_path: Path, flag: list[str]) -> None:
    """Exit code 2, before anything is read."""
    with pytest.raises(SystemExit) as exited:
        main(["train", str(file), "--out", str(tmp_path / "model"), *flag])
    assert exited.value.code == 2
