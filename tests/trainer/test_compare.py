"""`roompulse compare`: a tiny comparison end to end, and what is refused before anything is trained."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roompulse.cli import main
from tests.trainer.presets import history
from trainer import compare_training, tuning
from trainer.compare_answers import answers
from trainer.compare_grid import candidates
from trainer.compare_parts import BY_ROOM, expanding, parts_of
from trainer.compare_training import Row
from trainer.series import SeriesSession
from trainer.sessions import Session

SMALL = ["--base", "units=2", "--base", "window=10", "--epochs", "1", "--steps", "2", "--rivals", "baselines"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A usable history of two rooms."""
    return history(tmp_path_factory.mktemp("history") / "history.csv")


def few_rivals(patch: pytest.MonkeyPatch) -> None:
    """No boosted trees to wait for."""
    last: Callable[[Session], Any] = lambda session: np.repeat(np.nan_to_num(session.counts)[:, None], 10, axis=1)  # noqa: E731
    patch.setattr(compare_training, "baselines", lambda training: {"persistence": last, "median_20": last})


@pytest.fixture(scope="module")
def compared(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two windowed networks, a variant of each, the step network and a search of one trial."""
    out = tmp_path_factory.mktemp("compared") / "out"
    grid = ["--presets", "univariate-1,multivariate,step", "--vary", "direct=off,on", "--tune", "1"]
    with pytest.MonkeyPatch.context() as patch:
        few_rivals(patch)
        for name, value in (("FOLDS", 1), ("WIDTHS", (2,)), ("WINDOWS", (10,))):
            patch.setattr(tuning, name, value)
        assert main(["compare", str(file), *SMALL, *grid, "--out", str(out)]) == 0
    return out


@pytest.mark.timeout(300)
def test_everyone_has_a_row_sorted_by_error(compared: Path) -> None:
    """Presets, variants, the tuned one and rivals; least error first, with the question each row answers."""
    with (compared / "compare.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    names = {row["name"].split(" (")[0]: row["question"] for row in rows}
    assert names == {
        "univariate-1": "preset",
        "multivariate": "preset",
        "step": "preset",
        "univariate-1 direct=on": "direct",
        "multivariate direct=on": "direct",
        "univariate-1 tuned": "tuning",
        "persistence": "rival",
        "median_20": "rival",
    }
    errors = [float(row["mae"]) for row in rows]
    assert errors == sorted(errors)
    assert all(float(row["low"]) <= float(row["less_median_20_percent"]) <= float(row["high"]) for row in rows)


def test_the_report_needs_nothing_else_and_says_how_little_was_trained(compared: Path) -> None:
    """One page with the plots' own code inside, the answers, and a plain word about few epochs."""
    page = (compared / "report.html").read_text(encoding="utf-8")
    assert "<script src" not in page
    for text in ("Which network?", "Does tuning help?", "Fewer than the studies", "Split by time"):
        assert text in page
    assert (compared / "tuning.csv").read_text(encoding="utf-8").startswith("trial,mae,")


def test_nothing_is_overwritten(file: Path, compared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that holds results is refused before any training."""
    assert main(["compare", str(file), "--out", str(compared)]) == 1
    assert "exists already" in capsys.readouterr().err


def test_a_used_up_budget_is_said(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No training begins after it; what was left out is named, and the rivals are judged all the same."""
    few_rivals(monkeypatch)
    options = ["--presets", "univariate-1", "--budget-minutes", "0", "--tune", "1", "--json"]
    assert main(["compare", str(file), *SMALL, *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in told["rows"]} == {"persistence", "median_20"}
    assert told["left_out"].keys() == {"univariate-1", "univariate-1 tuned"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--presets", "univariate-9"], "no preset 'univariate-9'"),
        (["--presets", "hotspot"], "no preset 'hotspot'"),
        (["--vary", "colour=red"], "expected OPTION=VALUE"),
        (["--vary", "window"], "expected OPTION=VALUE"),
        (["--vary", "window=10,0"], "expected window as a number from 1 to 1440"),
        (["--vary", "scaler=log"], "expected scaler as minmax or standard or robust"),
        (["--vary", "time_features=yes"], "expected time_features as on or off"),
        (["--vary", "dropout=nan"], "expected dropout as a number"),
        (["--base", "window=10,30"], "--base: window takes one value"),
        (["--presets", "step", "--vary", "window=10"], "--presets names none"),
        (["--presets", "step", "--tune", "2"], "--tune: searches for windowed networks"),
    ],
)
def test_what_does_not_fit_is_wrong_usage(
    file: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    """Exit code 2 and what was expected, before anything is read."""
    assert main(["compare", str(file), *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--epochs", "0"], ["--budget-minutes", "nan"], ["--tune", "x"], ["--seed", "-1"]])
def test_numbers_out_of_range_are_wrong_usage(file: Path, options: list[str]) -> None:
    """argparse refuses them."""
    with pytest.raises(SystemExit) as exited:
        main(["compare", str(file), *options])
    assert exited.value.code == 2


@pytest.mark.parametrize(
    ("minutes", "options", "message"),
    [(60, [], "too little history"), (200, ["--split", "rooms"], "too few rooms to hold some out: 1")],
)
def test_too_little_history_is_said_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], minutes: int, options: list[str], message: str
) -> None:
    """An hour of one room cannot be split three ways, and one room cannot be held out."""
    file = history(tmp_path / "short.csv", rooms=1, minutes=minutes)
    assert main(["compare", str(file), *options]) == 1
    assert message in capsys.readouterr().err


def test_options_are_varied_one_at_a_time() -> None:
    """Every value but the preset's own, for each windowed preset, after all presets as they are."""
    grid = candidates("univariate-1,step", ["units=2-3"], ["window=10,100", "dropout=0.2"], 3, 7)
    assert [candidate.name for candidate in grid] == [
        "step",
        "univariate-1",
        "univariate-1 window=10",
        "univariate-1 dropout=0.2",
    ]
    settings = grid[2].settings
    assert settings is not None
    assert (settings.window, settings.dropout, settings.units, settings.epochs, settings.seed) == (
        10,
        0.0,
        (2, 3),
        3,
        7,
    )


def sessions(rooms: int, minutes: int = 120) -> list[SeriesSession]:
    """Rooms of two series that stream one after another."""
    rng = np.random.default_rng(0)
    values = rng.poisson(9, (rooms, minutes, 2)).astype(np.float32)
    return [SeriesSession(f"r{n}", 10_000 + 200 * n, 480, values[n]) for n in range(rooms)]


@pytest.mark.parametrize("rooms", [2, 8])
def test_the_rows_are_the_same_for_any_window(rooms: int) -> None:
    """A network that reads 100 minutes is judged on what one that reads 10 is."""
    parts = parts_of(sessions(rooms), None, 0, "made up")
    short, long = (parts.test.samples(window, 25) for window in (10, 100))
    assert len(short) == 25
    for name in ("session", "place"):
        np.testing.assert_array_equal(getattr(short, name), getattr(long, name))
    np.testing.assert_array_equal(short.truth(), long.truth())


def test_rooms_that_judge_were_not_learnt_from() -> None:
    """By room, no room is in two parts; all of a room's time is in one."""
    parts = parts_of(sessions(8), BY_ROOM, 0, "made up")
    rooms = [{s.room for s in part.sessions} for part in (parts.training, parts.validation, parts.test)]
    assert [len(each) for each in rooms] == [5, 1, 2]
    assert len(set.union(*rooms)) == 8


def test_tuning_sees_nothing_of_the_test_part_and_nothing_of_the_future() -> None:
    """Each fold learns from all before its cut and is judged up to the next; the last one ends with the training."""
    training = parts_of(sessions(2), None, 0, "made up").training
    folds = expanding(training, 3)
    for learnt, judged in folds:
        known = learnt.samples(5, 10**6)
        started = np.array([s.start for s in training.sessions])
        assert np.all(started[known.session] + known.place < learnt.end)
        assert learnt.end == judged.first < judged.end <= training.end
    assert folds[-1][1].end == training.end


def test_answers_say_when_a_difference_may_be_chance() -> None:
    """The verdict is the interval's, not the difference's."""
    none: Mapping[str, Any] = dict.fromkeys(Row.__dataclass_fields__)
    rows = [
        Row(**{**none, "name": name, "question": question, "mae": mae})
        for name, question, mae in [("univariate-1", "preset", 5.0), ("a", "window", 4.0), ("svr_16", "svm", 4.1)]
    ]
    base_of = {"univariate-1": "univariate-1", "a": "univariate-1"}
    told = answers(rows, base_of, lambda name, other: (-20.0, -30.0, -10.0 if name == "a" else 1.0))
    window, machine = (
        "a 4 against 5 of univariate-1: better (-20.0 %, 95 % interval -30.0 to -10.0).",
        "svr_16 4.1 against 4 of a, the best network here: may be chance (-20.0 %, 95 % interval -30.0 to +1.0).",
    )
    assert told == [
        f"How many minutes should it read? {window}",
        f"Does a support vector machine do better? {machine}",
    ]


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [
        ((-0.9, -1.0, -0.1), "no difference to speak of"),
        ((5.0, 1.0, 9.0), "worse"),
        ((5.0, -1.0, 9.0), "may be chance"),
        (None, "nothing to measure by"),
    ],
)
def test_a_small_difference_is_none_however_sure(difference: tuple[float, float, float] | None, verdict: str) -> None:
    """Less than a percent is what another seed changes too."""
    none: Mapping[str, Any] = dict.fromkeys(Row.__dataclass_fields__)
    rows = [
        Row(**{**none, "name": name, "question": question, "mae": 5.0})
        for name, question in (("plain", "preset"), ("changed", "dropout"))
    ]
    told = answers(rows, {"plain": "plain", "changed": "plain"}, lambda name, other: difference)
    assert f"of plain: {verdict}" in told[0]
