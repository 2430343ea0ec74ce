"""Windows, splits and scaling: nothing of the future reaches what is learnt from."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from roompulse.errors import InputError
from roompulse.history import HistoryRow
from roompulse.minutes import Minute
from roompulse.records import Metrics, RoomMinute
from roompulse.window import WindowSpecification
from trainer.preset_samples import Examples, samples
from trainer.presets import SCALERS
from trainer.series import Cuts, SeriesSession, cuts_of, fit_scaler, series_sessions
from trainer.sessions import Session, thinned

START = 28_000_000


def session(minutes: int = 120, series: int = 2, room: str = "r") -> SeriesSession:
    """Two series with a gap in the target."""
    values = np.random.default_rng(0).poisson(20, (minutes, series)).astype(np.float32)
    values[40:44] = np.nan
    return SeriesSession(room, START, 480, values)


def test_parts_follow_each_other_in_time() -> None:
    """75, 12.5 and 12.5 % of the measured minutes, and no truth of a later part in an earlier one."""
    sessions = [session()]
    cuts = cuts_of(sessions, "file")
    measured = 116
    assert cuts == Cuts(START + 4 + int(0.75 * measured), START + 4 + int(0.875 * measured))
    first, second = samples(sessions, 5, -1, cuts.validation), samples(sessions, 5, cuts.validation, cuts.test)
    assert first.minutes().max() < cuts.validation + 480 <= second.minutes().min()
    for part, end in ((first, cuts.validation), (second, cuts.test)):
        reaches = part.minutes()[:, None] - 480 + np.arange(1, 11)
        assert np.isnan(part.truth()[reaches >= end]).all()


def test_shuffling_the_future_changes_no_window_and_no_scaling() -> None:
    """Values after an origin are in its truth alone; scaling knows the training part alone."""
    before, after = session(), session()
    cuts = cuts_of([before], "file")
    later = cuts.validation - START
    rng = np.random.default_rng(1)
    after.values[later:] = rng.permutation(after.values[later:]) * 3
    end = 1 << 62
    ours, theirs = (samples([which], 7, -1, cuts.validation) for which in (before, after))
    for name in ("windows", "minutes", "truth"):
        assert np.array_equal(getattr(ours, name)(), getattr(theirs, name)(), equal_nan=True)
    for scaler in SCALERS:
        assert fit_scaler([before], cuts, scaler, "zero") == fit_scaler([after], cuts, scaler, "zero")
    whole = samples([before], 7, -1, end)
    for row in (0, 20, 60):
        place = int(whole.place[row])
        expected = np.full((7, 2), np.nan, np.float32)
        past = before.values[max(0, place - 6) : place + 1]
        expected[7 - len(past) :] = past
        assert np.array_equal(whole.windows()[row], expected, equal_nan=True)
        ahead = before.values[place + 1 : place + 11, 0]
        assert np.array_equal(whole.truth()[row][: len(ahead)], ahead, equal_nan=True)


def test_scalers_center_and_scale_as_their_names_say() -> None:
    """Least and range, mean and deviation, median and quartile distance; a series that never changes keeps scale 1."""
    values = np.stack([np.arange(101.0), np.full(101, 7.0)], axis=1).astype(np.float32)
    sessions, cuts = [SeriesSession("r", 0, 0, values)], Cuts(101, 101)
    assert fit_scaler(sessions, cuts, "minmax", "zero") == ((0.0, 7.0), (100.0, 1.0))
    assert fit_scaler(sessions, cuts, "robust", "zero") == ((50.0, 7.0), (50.0, 1.0))
    center, scale = fit_scaler(sessions, cuts, "standard", "zero")
    assert center == pytest.approx((50.0, 7.0))
    assert scale == pytest.approx((np.std(np.arange(101.0)), 1.0))


def test_a_target_that_never_changes_teaches_nothing() -> None:
    """Said before training, with the value."""
    flat = SeriesSession("r", START, 0, np.full((60, 1), 4, np.float32))
    with pytest.raises(InputError, match="the target is 4 throughout"):
        cuts_of([flat], "file")
    with pytest.raises(InputError, match="no session"):
        cuts_of([], "file")


def test_windows_cost_nothing_before_they_are_asked_for() -> None:
    """All samples of 20,000 minutes of 27 series cost 8 bytes each; their windows at once would be 216 MB."""
    values = np.random.default_rng(0).poisson(20, (20_000, 27)).astype(np.float32)
    sessions = [SeriesSession("r", START, 480, values)]
    cuts = cuts_of(sessions, "file")
    center, scale = fit_scaler(sessions, cuts, "minmax", "zero")
    sees = WindowSpecification("x", 100, 27, "zero", center, scale, direct=True, time_features=False, residuals=())
    tracemalloc.start()
    found = Examples.known(sees, samples(sessions, 100, -1, 1 << 62))
    inputs, targets = found.batch(np.arange(32))
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert inputs.shape == (32, 100, 27)
    assert targets.shape == (32, 10)
    assert found.samples.session.nbytes + found.samples.place.nbytes == 8 * len(found) > 8 * 19_900
    assert held < 8 * len(found) + 2 * (inputs.nbytes + targets.nbytes)
    assert peak < values.nbytes


def test_history_is_held_as_numbers() -> None:
    """Each row more costs 16 bytes while it is read and 4 in the end; a record is over 1,000."""
    held, peak = (np.array(each) for each in zip(*map(traced_reading, (20_000, 60_000)), strict=True))
    assert np.diff(held)[0] / 40_000 < 5
    assert np.diff(peak)[0] / 40_000 < 16 * 1.25  # arrays grow by an eighth at a time


def traced_reading(count: int) -> tuple[int, int]:
    """Bytes held in the end and at most, by reading so many rows of ten rooms."""
    rows = (
        HistoryRow(Minute(500_000 + row // 10, 480), RoomMinute(f"r{row % 10}", "", Metrics(1 + row % 7)))
        for row in range(count)
    )
    tracemalloc.start()
    sessions = series_sessions(rows, None)
    found = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(session.values.nbytes for session in sessions) == 4 * count
    return found


def test_the_later_row_counts_and_a_contradiction_is_told() -> None:
    """Of a minute that came twice the later row; room and minute are told where the counts differ."""
    counts = [(0, 5), (1, 6), (1, 7), (2, None), (2, 8), *((minute, 9) for minute in range(3, 40))]
    rows = [HistoryRow(Minute(minute, 0), RoomMinute("r", "", Metrics(count))) for minute, count in counts]
    conflicts: list[tuple[str, int]] = []
    (session,) = series_sessions(rows, None, conflicts)
    assert session.values[:4, 0].tolist() == [5, 7, 8, 9]
    assert conflicts == [("r", 1)]


def test_of_too_many_sessions_every_nth_is_taken() -> None:
    """Whole sessions, evenly spread, up to so many minutes; of fewer all."""
    sessions = [Session(f"r{number}", 0, np.ones(10)) for number in range(30)]
    assert thinned(sessions, 300) == sessions
    assert [session.room for session in thinned(sessions, 299)] == [f"r{number}" for number in range(0, 30, 2)]
    assert len(thinned(sessions, 60)) == 6
