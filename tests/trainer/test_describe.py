"""`roompulse describe`: what it finds in real histories and in made-up ones, and that nothing in a file can harm it."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from roompulse.cli import main
from roompulse.holidays import is_holiday
from roompulse.minutes import parse_minute
from tests.require import ROOT, shared_data
from trainer.calendar_days import day_kind
from trainer.sessions import all_sessions, living

FIRST_DAY = date(1970, 1, 1).toordinal()


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """Run with --json; returns the summary, which holds no NaN."""
    assert main(["describe", *map(str, arguments), "--json"]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    found: dict[str, Any] = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    return found


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run, expect exit code 1 and nothing on standard output; returns what it said."""
    assert main(["describe", *map(str, arguments)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def history(path: Path, rows: Iterable[str], header: str = "room_id,minute,watch_ucnt") -> Path:
    """A long table."""
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def minutes(room: str, counts: Iterable[object], first: str = "2019-05-08T10:00:00+08:00") -> list[str]:
    """One room's rows, a minute each; None leaves the minute out."""
    epoch = parse_minute(first).epoch + 480
    days = (np.datetime64(epoch + number, "m") for number in range(1 << 30))
    return [f"{room},{day}:00+08:00,{count}" for day, count in zip(days, counts, strict=False) if count is not None]


def test_the_platforms_own_export_is_explored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A day of one Douyin room: its two gaps, its channels against the platform's totals, its hours on a Monday."""
    found = told(capsys, shared_data("douyin_predict", "predict.csv"), "--out", tmp_path / "out")
    assert (found["rows"], found["rooms"], found["span_minutes"]) == (696, 1, 937)
    assert found["first_minute"] == "2019-12-02T08:12:00+08:00"
    assert [gap["minutes"] for gap in found["gaps"]["longest"]] == [239, 2]
    assert found["dead_streams"]["dead"] == 0
    natural, paid = (row for row in found["channels"] if row["channel"] == "*")
    assert (natural["total"], natural["platform_total"]) == (12745, 12745)
    assert (paid["total"], paid["platform_total"]) == (242, 242)
    assert math.isclose(natural["share"] + paid["share"], 1, abs_tol=1e-3)
    shares = [row["share"] for row in found["channels"] if row["kind"] == "natural" and row["channel"] != "*"]
    assert math.isclose(sum(shares), 1, abs_tol=1e-3)
    assert "全部自然流量" not in {row["channel"] for row in found["channels"]}
    assert {row["days"] for row in found["profile"]} == {"working day", "Monday"}
    assert sum(row["minutes"] for row in found["profile"] if row["days"] == "Monday") == 696
    assert found["correlations_with_target"][0]["name"] == "natural 直播推荐"
    assert "2,880 minutes; there are 937; --period names a shorter one, up to 468" in found["decomposition"]["refused"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "report.html", "metrics.csv", "channels.csv", "gaps.csv", "sessions.csv", "profile.csv", "correlations.csv",
    }  # fmt: skip
    correlations = pd.read_csv(tmp_path / "out" / "correlations.csv", index_col="name")
    assert np.allclose(np.diag(correlations), 1)
    assert np.allclose(correlations, correlations.T)


def test_many_rooms_are_explored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """78 Bilibili sessions, each in the table, and a decomposition that adds up."""
    columns = "room_id=room_id,minute=minute,watch_ucnt=danmaku,online_user_cnt=online_popularity"
    file = shared_data("bilibili_live_2019", "sessions_minutes.csv")
    found = told(capsys, file, "--columns", columns, "--period", 60, "--out", tmp_path / "out")
    assert (found["rows"], found["rooms"], found["dead_streams"]["sessions"]) == (7648, 41, 78)
    assert len(pd.read_csv(tmp_path / "out" / "sessions.csv")) == 78
    parts = pd.read_csv(tmp_path / "out" / "decomposition.csv").dropna()
    assert np.allclose(parts["observed"], parts["trend"] + parts["seasonal"] + parts["residual"], atol=1e-5)
    assert found["decomposition"]["minutes"] == found["span_minutes"]


def test_dead_streams_are_those_that_train_leaves_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One rule for both; a room of which nothing was measured is named too."""
    parts: dict[str, list[Any]] = {
        "alive": [3] * 40,
        "short": [3] * 14,
        "silent": [0] * 90 + [1] * 10,
        "never": [""] * 30,
        "busy": [0, 1] * 20,
    }
    rows = [row for room, counts in parts.items() for row in minutes(room, counts)]
    found = told(capsys, history(tmp_path / "h.csv", rows))["dead_streams"]
    assert (found["sessions"], found["dead"], found["by_reason"]) == (4, 2, {"short": 1, "silent": 1})
    assert [(one["room"], one["dead"]) for one in found["list"]] == [("short", "short"), ("silent", "silent")]
    assert (found["rooms_never_measured"], found["never_measured"]) == (1, ["never"])
    numbers = ((room, i, math.nan if n == "" else float(n)) for room, of in parts.items() for i, n in enumerate(of))
    assert living(all_sessions(numbers))[1] == found["by_reason"]


def test_holidays_and_days_made_up_for_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Labour Day 2019 is a holiday, the Sunday worked for it a working day; beyond the calendar the weekday counts."""
    days = {"2019-05-01": 7, "2019-05-05": 2, "2019-05-08": 4, "2019-05-11": 30, "2990-01-02": 100}
    rows = [row for day, count in days.items() for row in minutes("r", [count] * 20, f"{day}T10:00:00+08:00")]
    found = told(capsys, history(tmp_path / "h.csv", rows))
    means = {row["days"]: row["mean"] for row in found["profile"] if row["days"][0].islower()}
    assert means == {"public holiday": 7, "working day": 3, "weekend": 65}
    assert found["years_without_holidays"] == [2990]
    assert {row["hour"] for row in found["profile"]} == {10}


def test_the_networks_holidays_are_those_of_the_exploration() -> None:
    """What a network may be trained with and what is shown here agree on every day of 2018 to 2026."""
    days = np.arange(date(2018, 1, 1).toordinal(), date(2027, 1, 1).toordinal()) - FIRST_DAY
    holiday = [day_kind(int(day))[0] == "public holiday" for day in days]
    differ = [str(date.fromordinal(FIRST_DAY + int(day))) for day in days[np.array(holiday) != is_holiday(days)]]
    assert not differ


def test_a_season_is_found_where_there_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wave of an hour, with a gap that is interpolated; noise has none."""
    wave = [round(50 + 30 * math.sin(minute * math.pi / 30), 2) for minute in range(400)]
    wave[100:105] = [None] * 5  # type: ignore[list-item]
    found = told(capsys, history(tmp_path / "wave.csv", minutes("r", wave)), "--period", 60)["decomposition"]
    assert (found["period"], found["minutes"], found["interpolated_minutes"]) == (60, 400, 5)
    assert found["seasonal_strength"] > 0.95
    noise = np.random.default_rng(1).poisson(50, 400)
    found = told(capsys, history(tmp_path / "noise.csv", minutes("r", noise)), "--period", 60)["decomposition"]
    assert found["seasonal_strength"] < 0.1
    two = told(capsys, history(tmp_path / "two.csv", minutes("r", noise[:130])), "--period", 60)["decomposition"]
    assert two["seasonal_strength"] is None  # two cycles fit whatever there is
    constant = told(capsys, history(tmp_path / "constant.csv", minutes("r", [5] * 400)), "--period", 60)
    assert constant["decomposition"]["seasonal_strength"] is None


def test_two_full_cycles_are_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A day by default, said where it is too long; a period that was asked for ends the command, nothing written."""
    file = history(tmp_path / "h.csv", minutes("r", [1, 2] * 60))
    assert "two full cycles" in told(capsys, file)["decomposition"]["refused"]
    assert told(capsys, file, "--period", 60)["decomposition"]["period"] == 60
    assert "needs two full cycles, 122 minutes; there are 120" in refused(
        capsys, file, "--period", 61, "--out", tmp_path / "out"
    )
    assert not (tmp_path / "out").exists()
    sparse = history(tmp_path / "sparse.csv", minutes("r", [1, None, None] * 60))
    assert "66% of the 178 minutes are missing; --fill zero" in refused(capsys, sparse, "--period", 10)
    assert told(capsys, sparse, "--period", 10, "--fill", "zero")["decomposition"]["interpolated_minutes"] == 0


def test_gaps_are_filled_with_zero_as_the_reference_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Minutes that never came and those not measured; gaps and dead streams are told as they were."""
    file = history(tmp_path / "h.csv", minutes("a", [4] * 20 + [None] * 19 + [""] + [4] * 20) + minutes("b", [2] * 20))
    plain, filled = told(capsys, file), told(capsys, file, "--fill", "zero")
    assert (plain["filled_minutes"], filled["filled_minutes"]) == (0, 19)
    assert plain["gaps"] == filled["gaps"]
    assert plain["dead_streams"] == filled["dead_streams"]
    assert plain["metrics"][0]["measured"] == 60
    assert filled["metrics"][0]["measured"] == 80
    assert filled["metrics"][0]["zero_share"] == 0.25
    assert len(filled["metrics"]) == 1


def test_a_wrong_year_does_not_fill_the_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A span of centuries is explored as it is, and refused for filling."""
    rows = minutes("r", [1] * 20, "1970-01-02T00:00:00+08:00") + minutes("r", [2] * 20, "2999-01-01T00:00:00+08:00")
    file = history(tmp_path / "h.csv", rows)
    found = told(capsys, file, "--out", tmp_path / "out")
    assert found["gaps"]["count"] == 1
    assert "are too many" in found["decomposition"]["refused"]
    assert "leave out wrong dates with --start and --end" in refused(capsys, file, "--fill", "zero")


def test_a_minute_that_comes_twice_counts_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The later row counts, as it does for training."""
    file = history(tmp_path / "h.csv", minutes("r", [1] * 20) + minutes("r", [5] * 10))
    found = told(capsys, file, "--order", "file")
    assert (found["rows"], found["room_minutes"], found["repeated_rows"]) == (30, 20, 10)
    assert found["metrics"][0]["mean"] == 3


def test_unused_channels_are_zero_and_unknown_ones_are_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A channel that a row does not name was not used; the 65th and later share one line."""
    header = "room_id,minute,watch_ucnt,natural"
    many = {f"c{number}": 1 for number in range(70)}
    cells = [json.dumps(many), json.dumps({"c0": 9}), "", "{}"]
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    rows = [f"{row},{cell}" for row, cell in zip(minutes("r", [1, 2, 3, 4]), quoted, strict=True)]
    found = told(capsys, history(tmp_path / "h.csv", rows, header), "--out", tmp_path / "out")
    totals = {row["channel"]: row["total"] for row in found["channels"]}
    assert len(totals) == 66
    assert (totals["*"], totals["c0"], totals["c1"], totals["other"]) == (79, 10, 1, 6)


@pytest.mark.parametrize("count", [0, 7])
def test_next_to_nothing_can_be_explored(tmp_path: Path, capsys: pytest.CaptureFixture[str], count: int) -> None:
    """A single row, and a target that never changes, end in a summary and a report."""
    found = told(capsys, history(tmp_path / "h.csv", minutes("r", [count])), "--out", tmp_path / "out")
    assert found["correlations_with_target"] == []
    assert "two full cycles" in found["decomposition"]["refused"]
    assert (tmp_path / "out" / "report.html").stat().st_size > 1_000_000
    never = told(capsys, history(tmp_path / "never.csv", minutes("r", [""] * 30)), "--out", tmp_path / "never")
    assert never["decomposition"]["refused"] == "the target was never measured"
    assert never["metrics"] == []


def test_names_in_a_file_cannot_steer_terminal_or_browser(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Escape sequences are not printed, markup in names is not markup in the report."""
    room = "<script>alert(1)</script>[red]"
    evil = f"{room}\x1b[2J"
    cell = '"' + json.dumps({evil: 3, "other way": 1}).replace('"', '""') + '"'
    rows = [f"{row},{cell}" for row in minutes(room, [5] * 5 + [None] * 20 + [6] * 5)]
    file = history(tmp_path / "<b>h.csv", rows, "room_id,minute,watch_ucnt,natural")
    assert main(["describe", str(file), "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "alert(1)" in shown
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in report
    assert "<b>h.csv" not in report
    assert "&lt;script&gt;alert(1)" in report


def test_the_report_needs_nothing_beside_it_and_is_reproducible(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is fetched from elsewhere, and the same history gives the same bytes in every file."""
    file = history(tmp_path / "h.csv", minutes("r", np.random.default_rng(0).poisson(9, 200)))
    for name in "ab":
        told(capsys, file, "--period", 30, "--out", tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
    report = (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r"<(?:script|img|iframe|link)[^>]*(?:src|href)=", report[:3000] + report[-5000:])
    assert report.count('id="plot-') == 3


def test_people_are_told_in_sentences_and_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was read, what is dead, and why there is no decomposition."""
    file = history(tmp_path / "h.csv", [*minutes("r", range(60)), "r,yesterday,1"])
    assert main(["describe", str(file)]) == 0
    captured = capsys.readouterr()
    assert "60 rows, 1 bad ones left out" in captured.out
    assert "0 of 1 sessions are dead (0 with fewer than 15 measured minutes;" in captured.out
    assert "no seasonal decomposition: a period of 1,440 minutes needs two full cycles" in captured.out
    assert "h.csv, line 62, column minute" in captured.err


def test_results_are_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder with something in it is refused before anything is read, and one that cannot be made after."""
    file = history(tmp_path / "h.csv", minutes("r", [1] * 20))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("")
    assert "never overwritten" in refused(capsys, tmp_path / "nowhere.csv", "--out", tmp_path / "out")
    assert "never overwritten" in refused(capsys, file, "--out", file)
    assert "cannot be" in refused(capsys, file, "--out", file / "below")


def test_what_cannot_be_explored_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No file, no row, no target column: exit code 1 with the name of the file."""
    assert "nowhere.csv" in refused(capsys, tmp_path / "nowhere.csv")
    assert "no row to describe (0 bad rows)" in refused(capsys, history(tmp_path / "empty.csv", []))
    assert "no row to describe (1 bad rows)" in refused(capsys, history(tmp_path / "bad.csv", ["r,yesterday,1"]))
    assert "watch_ucnt" in refused(capsys, history(tmp_path / "other.csv", [], "room_id,minute,viewers"))


@pytest.mark.parametrize("flag", [["--period", "1"], ["--period", "x"], ["--period", "1e9"], ["--fill", "mean"], []])
def test_wrong_options_are_wrong_usage(tmp_path: Path, flag: list[str]) -> None:
    """Exit code 2, before anything is read."""
    with pytest.raises(SystemExit) as exited:
        main(["describe", *([str(tmp_path / "h.csv"), *flag] if flag else [])])
    assert exited.value.code == 2


def test_the_missing_extra_is_named(tmp_path: Path) -> None:
    """Where pandas is not installed, the answer is how to install it."""
    file = history(tmp_path / "h.csv", minutes("r", [1] * 20))
    code = "import sys; sys.modules['pandas'] = None; from roompulse.cli import main; sys.exit(main(sys.argv[1:]))"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, "describe", str(file)]
    answered = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert answered.returncode == 1
    assert "pip install 'roompulse[train]'" in answered.stderr
