"""`python -m bench.covariates`: what is left in and out is the covariate alone, and nothing comes from the future."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench import covariates
from bench.covariate_rows import Setting, columns, rows_of
from trainer.series import SeriesSession

START = 26_297_280
GROUPS = ("time of day", "weekday", "public holidays", "minute of session")


def session(minutes: int = 200, series: int = 27) -> SeriesSession:
    """A room with all series."""
    values = np.random.default_rng(0).poisson(9, (minutes, series)).astype(np.float32)
    return SeriesSession("r", START, 480, values)


def test_shuffling_the_future_changes_no_column() -> None:
    """What is known at a minute does not hang on what comes after it, other metrics and channels included."""
    before, after = session(), session()
    after.values[120:] = np.random.default_rng(1).permutation(after.values[120:]) * 3
    ours, theirs = rows_of([before]), rows_of([after])
    assert list(ours.others) == ["other metrics", "natural channels", "paid channels"]
    np.testing.assert_array_equal(ours.lags[:120], theirs.lags[:120])
    for group in (*ours.others, *GROUPS):
        np.testing.assert_array_equal(columns(ours, group, 5)[:120], columns(theirs, group, 5)[:120])


def test_calendar_columns_are_those_of_the_minute_to_come() -> None:
    """Ten minutes before a Saturday begins the weekend is known to begin; eleven minutes before it is not."""
    friday = (START // 1440 // 7) * 7 + 8  # 1970 began on a Thursday
    midnight = 1440 * (friday + 1)
    rows = rows_of([SeriesSession("r", midnight - 480 - 11, 480, np.ones((40, 1), np.float32))])
    begins = columns(rows, "weekday", 10)[:, -1]
    assert begins.tolist()[:12] == [0.0] + [1.0] * 10 + [0.0]


def test_the_table_has_both_learners_and_every_group(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A covariate that tells the next minute is found to help; one that is noise is not."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(np.exp(rng.normal(3, 0.6, 900))).astype(np.float32)
    rows = rows_of([SeriesSession("r", START, 480, counts[:, None])], blocks=20)
    told = {"oracle": np.log(np.append(counts[1:], 20.0) + 1)[:, None], "noise": rng.normal(size=(900, 1))}
    for name, column in told.items():
        rows.others[name] = column[rows.place]
    setting = Setting(rows, [(rows.place < 600, rows.place >= 610)], ("oracle", "noise"), "by time")
    monkeypatch.setattr(covariates, "SETTINGS", {"made up": lambda: setting})
    assert covariates.main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])["made up"]
    for learner in ("ridge", "lightgbm"):
        difference, _, high = found[learner]["with"]["oracle"]["+1"]
        assert difference < -20
        assert high < 0
        assert found[learner]["with"]["noise"]["+1"][2] > -1
        assert set(found[learner]["with"]) == {"oracle", "noise", "all of them"}
