"""Calibration: counts under several bars become a bar for each budget."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from roompulse.bundle import default_bundle, load_bundle
from roompulse.cli import main
from roompulse.history import HistoryOptions, read_history
from roompulse.overrides import Overrides
from roompulse.rooms import SLUMP, SURGE
from roompulse.rules import BUDGET_KNOTS, SIZES, Rules, rules_from
from roompulse.settings import Settings
from scorer.budgets import LEAST_DAYS, TRIED, Counts, calibrated, count_openings, rate_table, total
from scorer.wiring import chosen_bundle, open_model

HALVING = 0.5  # digits of bar that halve the rate, in what follows


def counts_of(days: float, at_one: float) -> Counts:
    """Rooms of all sizes that open `at_one` alerts a day at a bar of 1, and half as many with each `HALVING` more."""
    counts = Counts()
    counts.days[:] = days
    for number, bar in enumerate(TRIED):
        counts.openings[number] = days * at_one * 0.5 ** ((bar - 1) / HALVING)
    return counts


def test_the_bar_for_a_budget_is_where_the_rate_was_that_budget() -> None:
    """Exactly, where the logarithm of the rate falls straight with the bar, between the tried bars and beyond them."""
    rules = calibrated(Rules(), {"": counts_of(1000, 16.0)})
    for table in (rules.surge_bars, rules.slump_bars):
        for bars in table:
            wanted = [1 + HALVING * math.log2(16 / budget) for budget in BUDGET_KNOTS]
            assert list(bars) == pytest.approx(wanted, abs=0.011)
    assert rules.category_bars == {}


def test_a_size_without_history_leans_on_all_the_others() -> None:
    """It gets their bars; one with much history of its own keeps to that."""
    counts = counts_of(1000, 16.0)
    counts.days[:, 0] = counts.openings[:, 0] = 0
    counts.openings[:, 2] *= 4
    rules = calibrated(Rules(), {"": counts})
    small, middle, large = (bars[2] for bars in rules.surge_bars)
    assert middle < small < large
    assert large - middle == pytest.approx(2 * HALVING, abs=0.05)


def test_a_category_gets_bars_of_its_own_from_ten_room_days() -> None:
    """Louder rooms get higher bars; a category that was hardly seen has none."""
    enough = LEAST_DAYS / SIZES + 1
    found = {"loud": counts_of(enough, 64.0), "calm": counts_of(1000, 16.0), "rare": counts_of(1.0, 64.0), "": Counts()}
    rules = calibrated(Rules(), found)
    assert set(rules.category_bars) == {"loud", "calm"}
    assert rules.category_bars["loud"].surge_bars[1][2] > rules.category_bars["calm"].surge_bars[1][2]


def test_counts_of_categories_add_up() -> None:
    """And their rates are told by kind."""
    every = total([counts_of(10, 16.0), counts_of(30, 16.0)])
    assert every.days[0].sum() == pytest.approx(40 * SIZES)
    assert rate_table(every)["surge"][0] == pytest.approx(16.0)
    assert rate_table(Counts()) == {"surge": [None] * len(TRIED), "slump": [None] * len(TRIED)}


def test_a_folder_that_cannot_be_written_is_told_before_history_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody waits for minutes to learn that a file is in the way: the history, which is not there, is not missed."""
    (tmp_path / "file").write_text("")
    arguments = ["calibrate", str(tmp_path / "none.csv"), "--out", str(tmp_path / "file" / "model")]
    assert main(arguments) == 1
    assert "model: cannot be written: Not a directory" in capsys.readouterr().err


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty rooms for three hours."""
    file = tmp_path_factory.mktemp("history") / "rooms.csv"
    arguments = ["simulate", "--rooms", "40", "--minutes", "180", "--continuous", "--seed", "4", "--out", str(file)]
    assert main(arguments) == 0
    return file


def test_higher_bars_open_no_more_alerts(history: Path) -> None:
    """Counted on real waves: every room-minute with an expectation is exposure, under each bar the same."""
    settings = Settings()
    context = open_model(chosen_bundle(settings), settings, None, Overrides())
    found = count_openings(read_history([str(history)], HistoryOptions()), context)
    every = total(found.values())
    assert np.ptp(every.days.sum(axis=1)) == pytest.approx(0, abs=1e-9)
    assert 40 * 150 / 1440 < every.days[0].sum() < 40 * 180 / 1440
    for side in (SURGE, SLUMP):
        opened = every.openings[:, :, side].sum(axis=1)
        assert opened[0] > opened[-1]
    assert set(found) == {"beauty", "fashion", "food", "home", "music", "games"}


def test_calibrate_writes_a_model_with_its_bars(
    history: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same network under another hash; the card says what was seen, and a word that it was little."""
    out = tmp_path / "mine"
    assert main(["calibrate", str(history), "--out", str(out), "--json"]) == 0
    said = capsys.readouterr()
    summary = json.loads(said.out.splitlines()[-1])
    assert " room-days of history say little: the bars are guesses below 10" in said.err
    bundle, shipped = load_bundle(out), load_bundle(default_bundle())
    assert bundle.model == shipped.model
    assert bundle.hash != shipped.hash
    assert bundle.card["calibration"]["room_days"] == summary["room_days"] > 0
    rules = rules_from(dict(bundle.rules))
    assert [list(bars) for bars in rules.surge_bars] == summary["surge_bars"]
    assert main(["calibrate", str(history), "--out", str(out)]) == 1
    assert "never overwritten" in capsys.readouterr().err


def test_labels_say_what_each_bar_would_find(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Recall falls and precision rises with the bar, on a simulation whose surges are known."""
    rooms, labels = tmp_path / "rooms.csv", tmp_path / "labels.csv"
    simulated = [
        "simulate",
        "--rooms",
        "60",
        "--minutes",
        "150",
        "--continuous",
        "--seed",
        "5",
        "--typical-size",
        "100",
    ]
    assert main([*simulated, "--surges-per-room-hour", "1", "--out", str(rooms), "--labels", str(labels)]) == 0
    assert main(["calibrate", str(rooms), "--labels", str(labels), "--out", str(tmp_path / "m"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["labels"] > 50
    assert len(summary["recall"]) == len(summary["precision"]) == len(summary["bars_tried"])
    assert 1 >= summary["recall"][1] > summary["recall"][-1] > 0
    assert summary["precision"][0] < summary["precision"][-1] <= 1


def test_nothing_to_calibrate_with_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in which nothing was ever expected."""
    file = tmp_path / "short.csv"
    file.write_text("room_id,minute,watch_ucnt\na,2024-05-01T12:00:00+08:00,5\n")
    assert main(["calibrate", str(file), "--out", str(tmp_path / "out")]) == 1
    assert "nothing to calibrate with" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
