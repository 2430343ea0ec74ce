"""The leaderboard: measures against plain definitions, intervals by session, and no look into the future."""

from __future__ import annotations

import numpy as np
import pytest

from roompulse.counts import randomised_coverage
from roompulse.features import transform
from trainer.baselines import lags_of
from trainer.evaluation import Scored, around
from trainer.leaderboard import differences, leaderboard
from trainer.rivals import rivals, spreads
from trainer.sessions import Session


def sessions(rooms: int = 4, minutes: int = 60) -> list[Session]:
    """Poisson rooms of different sizes, one with a gap."""
    rng = np.random.default_rng(0)
    found = [Session(f"r{room}", 0, rng.poisson(3.0 * 4**room, minutes).astype(float)) for room in range(rooms)]
    found[1].counts[20:26] = np.nan
    return found


def scored(rows: int = 60) -> Scored:
    """Three sessions, a network that is right but for noise, a persistence that is worse."""
    rng = np.random.default_rng(1)
    truth = rng.poisson(12.0, (rows, 10)).astype(float)
    truth[0, 3] = np.nan
    median = np.full((rows, 10), 12.0)
    persistence = truth[::-1].copy()
    persistence[np.isnan(persistence)] = 12.0
    return Scored(
        truth,
        np.stack([median - 5, median, median + 5], axis=1),
        {"persistence": persistence, "median_20": median + 1},
        np.arange(rows) // (rows // 3),
        np.full(rows, 12.0),
        np.arange(rows) % (rows // 3),
        {"persistence": around(persistence, np.stack([np.full(10, -0.4), np.full(10, 0.4)]))},
    )


def test_measures_are_those_of_the_textbook() -> None:
    """MAE, RMSE, R2, pinball loss, coverage and width against loops over the same numbers."""
    rows = scored()
    board = leaderboard(rows)
    own = board["measures"]["network"]["+5"]
    actual = rows.truth[:, 4]
    assert own["mae"] == pytest.approx(np.mean(abs(actual - 12)), rel=1e-3)
    assert own["rmse"] == pytest.approx(np.sqrt(np.mean((actual - 12) ** 2)), rel=1e-3)
    assert own["r2"] == pytest.approx(1 - np.mean((actual - 12) ** 2) / actual.var(), abs=1e-3)
    losses = [max(q * (y - f), (q - 1) * (y - f)) for y in actual for q, f in ((0.1, 7), (0.5, 12), (0.9, 17))]
    assert own["pinball"] == pytest.approx(np.mean(losses), rel=1e-3)
    assert own["coverage_80"] == pytest.approx(np.mean((actual >= 7) & (actual <= 17)), rel=1e-3)
    assert own["width_80"] == 10
    assert "coverage_80" not in board["measures"]["median_20"]["+5"]


def test_persistence_has_a_scaled_error_of_one() -> None:
    """The mean absolute scaled error of the naive forecast is 1 by definition, in every session."""
    assert leaderboard(scored())["measures"]["persistence"]["+1"]["mase"] == pytest.approx(1.0, rel=1e-3)


def test_cold_start_and_bursts_are_told_apart() -> None:
    """Each of minutes 1, 2, 5 and 10 has one forecast a session; calm and bursts share out all known minutes."""
    board = leaderboard(scored())
    assert list(board["at_minute"]) == ["1", "2", "5", "10"]
    assert board["at_minute"]["2"]["forecasts"] == 30
    assert board["calm"]["forecasts"] + board["bursts"]["forecasts"] == 599


def test_a_difference_comes_with_an_interval_by_session() -> None:
    """Against itself nothing; against a clearly worse rival all of the interval lies below zero."""
    rows = scored()
    same = differences(rows, rows.quantiles[:, 1])["mean"]
    assert same == [0, 0, 0]
    worse = differences(rows, rows.quantiles[:, 1] + 30)["mean"]
    assert worse is not None
    assert worse[1] <= worse[0] <= worse[2] < 0


def test_quiet_rooms_are_measured_without_ties() -> None:
    """Counts drawn from the very distribution that was forecast are covered 80 %, however few they are."""
    rng = np.random.default_rng(2)
    quantiles = np.tile([0.2, 1.1, 2.6], (40_000, 1))
    grid = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    lower = np.where(grid < 1.6, 0, 0)
    slope_low, slope_up = 0.4 / 0.9, 0.4 / 1.5
    upper = np.where(grid + 0.5 < 1.1, 0.5 - (1.1 - grid - 0.5) * slope_low, 0.5 + (grid + 0.5 - 1.1) * slope_up)
    upper = np.clip(upper, 0, 1) + lower
    counts = np.searchsorted(upper, rng.random(40_000)).astype(float)
    assert randomised_coverage(counts, quantiles) == pytest.approx(0.8, abs=0.01)


def test_the_field_forecasts_every_minute_and_nothing_looks_ahead() -> None:
    """Shuffling the future changes no feature and no rival's forecast up to that minute, from the first minute on."""
    training = sessions()
    field = rivals(training[1:])
    room = training[0]
    shuffled = room.counts.copy()
    np.random.default_rng(3).shuffle(shuffled[31:])
    other = Session(room.room, room.start, shuffled)
    for before, after in (
        (transform(room.counts[None])[0][0], transform(shuffled[None])[0][0]),
        (lags_of(room)[0], lags_of(other)[0]),
        *((forecast(room), forecast(other)) for forecast in field.values()),
    ):
        assert np.isfinite(before).all()
        np.testing.assert_array_equal(before[:31], after[:31])
    assert set(spreads(field, training)) == set(field)
