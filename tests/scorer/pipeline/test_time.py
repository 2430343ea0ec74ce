"""What time does to a room: duplicates, corrections, blanks, sessions, late and future minutes, clocks."""

from __future__ import annotations

import numpy as np
import pytest

from roompulse.rooms import FORGET_MINUTES
from scorer.pipeline.partition import Context
from tests.scorer.fakes import EAST, START, Lab, LevelForecaster, clock, context_of, event, stamped, state_of, steady


@pytest.fixture
def lab() -> Lab:
    """A partition that has seen nothing."""
    return Lab()


def fake(context: Context) -> LevelForecaster:
    assert isinstance(context.forecaster, LevelForecaster)
    return context.forecaster


def test_each_minute_gets_one_forecast_in_its_own_offset(lab: Lab) -> None:
    """The forecast of a room at 99 a minute is 99, within (100 / 1.25 - 1) and (100 * 1.25 - 1), ten times each."""
    seen = lab.send(event("a", 0, 99), event("b", 0, 99, offset=1441))
    ten = [79.0] * 10, [99.0] * 10, [124.0] * 10
    assert [forecast["minute"] for forecast in seen.forecasts] == ["2024-05-01T12:00:00+08:00", "2024-05-01T04:00:00Z"]
    for forecast in seen.forecasts:
        assert forecast["model"] == "fake-1"
        assert tuple(forecast["quantiles"].values()) == ten


def test_the_same_minute_again_is_a_duplicate_and_changes_nothing(lab: Lab) -> None:
    """A redelivered minute, the newest or an older one, gives no record and leaves the state as it was."""
    lab.send(steady("a", range(3)))
    before = state_of(lab.fold)
    assert lab.send(event("a", 2, 99), event("a", 1, 99)).outputs == []
    assert lab.status["duplicate"] == 2
    assert state_of(lab.fold) == before


def test_a_null_minute_again_is_a_duplicate(lab: Lab) -> None:
    """Not measured and again not measured are the same value."""
    lab.send(event("a", 0, 1), event("a", 1, None), event("a", 1, None))
    assert (lab.status["accepted"], lab.status["duplicate"]) == (2, 1)


def test_a_correction_changes_the_ring_and_nothing_that_runs(lab: Lab) -> None:
    """Ring and recent values take the new value; running level, mean, network state and forecasts are not rewound."""
    lab.send(steady("a", range(6)))
    before = lab.room("a").copy()
    assert lab.send(event("a", 4, 50)).outputs == []
    after = lab.room("a")
    assert lab.status["corrected"] == 1
    assert after["ring"][0, (START + 4) % 60] == 50
    assert after["levels"]["recent"][0].tolist()[:6] == [99, 99, 99, 99, 50, 99]
    for name in ("level_sum", "level_weight", "mean", "mean_count", "age"):
        assert after["levels"][name] == before["levels"][name]
    for name in ("h", "c", "forecasts", "widen", "spread", "evidence", "last_minute"):
        assert after[name].tobytes() == before[name].tobytes()
    assert lab.send(event("a", 4, 50)).outputs == []
    assert lab.status["duplicate"] == 1


def test_a_minute_that_comes_late_fills_its_blank(lab: Lab) -> None:
    """A blank within the ring is filled in; it gets no forecast any more."""
    lab.send(event("a", 0, 9), event("a", 2, 9))
    assert np.isnan(lab.room("a")["ring"][0, (START + 1) % 60])
    assert lab.send(event("a", 1, 8)).outputs == []
    assert lab.room("a")["ring"][0, (START + 1) % 60] == 8
    assert (lab.status["corrected"], lab.total.blanks) == (1, 1)


@pytest.mark.parametrize(("minute", "status"), [(11, "corrected"), (10, "late"), (-1, "late")])
def test_older_than_the_ring_is_counted_and_dropped(lab: Lab, minute: int, status: str) -> None:
    """The ring holds an hour: 59 minutes back can be corrected, 60 minutes back is late."""
    lab.send(steady("a", range(71)))
    before = state_of(lab.fold)
    assert lab.send(event("a", minute, 7)).outputs == []
    assert lab.status[status] == 1
    if status == "late":
        assert state_of(lab.fold) == before


def test_what_lies_before_the_session_is_late(lab: Lab) -> None:
    """A minute before the session's first is within the ring's reach, but belongs to no session any more."""
    lab.send(event("a", 0, 9), event("a", 20, 9))
    lab.send(event("a", 19, 9), event("a", 0, 9))
    assert (lab.status["late"], lab.total.sessions, lab.total.blanks) == (2, 2, 0)


def test_blank_minutes_hold_the_level_and_are_shown_to_the_network() -> None:
    """Three minutes that never came: three blank steps of the network, the level held, no record for them."""
    lab = Lab(context_of())
    lab.send(steady("a", range(5)))
    level = lab.room("a")["levels"]["level_sum"].copy()
    seen = lab.send(event("a", 8, 99))
    assert [forecast["minute"][14:16] for forecast in seen.forecasts] == ["08"]
    assert lab.total.blanks == 3
    assert fake(lab.context).blanks_seen == 3
    room = lab.room("a")
    assert room["c"][0].tolist() == [9, 9], "five minutes, three blanks and one minute"
    assert room["levels"]["age"] == 9
    assert room["levels"]["mean_count"] == 6
    assert np.allclose(room["levels"]["level_sum"], level + 0.2 * (99 - level))


def test_a_null_minute_is_alive_but_not_measured() -> None:
    """It gets its forecast record and holds the level; it is not counted as blank."""
    lab = Lab(context_of())
    lab.send(steady("a", range(5)))
    level = lab.room("a")["levels"]["level_sum"].copy()
    seen = lab.send(event("a", 5, None))
    assert len(seen.forecasts) == 1
    assert lab.total.blanks == 0
    assert fake(lab.context).blanks_seen == 1
    assert lab.room("a")["levels"]["level_sum"] == level
    assert lab.total.covered == (4, 4), "a null meets no interval"


def test_a_room_that_begins_with_nulls_is_expected_at_nothing(lab: Lab) -> None:
    """Before the first value there is no level; the forecast is a number all the same, and no alert comes of it."""
    seen = lab.send(event("a", 0, None), event("a", 1, None), event("a", 2, 5000))
    assert [forecast["quantiles"]["0.5"][0] for forecast in seen.forecasts] == [0, 0, 5000]
    assert seen.alerts == []


@pytest.mark.parametrize(("gap", "sessions"), [(10, 1), (11, 2)])
def test_ten_blank_minutes_end_a_session(lab: Lab, gap: int, sessions: int) -> None:
    """Nine blanks are bridged; after ten the next record begins another session."""
    lab.send(steady("a", range(5)), event("a", 4 + gap, 10))
    assert lab.total.sessions == sessions
    assert lab.room("a")["levels"]["age"] == (4 + gap + 1 if sessions == 1 else 1)
    assert lab.room("a")["session_start"] == START + (0 if sessions == 1 else 4 + gap)


@pytest.mark.parametrize("same_minute", [False, True])
def test_an_ended_record_ends_the_session(lab: Lab, same_minute: bool) -> None:
    """The very next minute begins anew; `ended` counts too where it only repeats the last minute."""
    lab.send(steady("a", range(5)))
    lab.send(event("a", 4 if same_minute else 5, 99, ended=True))
    lab.send(event("a", 6, 10))
    assert lab.total.sessions == 2
    room = lab.room("a")
    assert int(room["session_start"][0]) == START + 6
    assert int(room["levels"]["age"][0]) == 1


def test_what_lasts_between_sessions_is_kept(lab: Lab) -> None:
    """Calibration and the room's own spread outlive the session; levels and network state do not."""
    lab.send(steady("a", range(40)))
    before = lab.room("a").copy()
    lab.send(event("a", 100, 99))
    room = lab.room("a")
    assert room["widen"].tobytes() == before["widen"].tobytes()
    assert room["spread"] == before["spread"] != np.float32(0.8)
    assert room["c"][0].tolist() == [1, 1]


@pytest.mark.parametrize("header", [False, True])
def test_a_minute_too_far_ahead_of_its_clock_is_refused(lab: Lab, header: bool) -> None:
    """Five minutes ahead are let through, six are not, and do not move the watermark."""
    seen = lab.send(
        stamped(event("a", 5, 1), 0, header=header),
        stamped(event("a", 6, 1), 0, header=header),
    )
    assert (len(seen.forecasts), lab.total.dead) == (1, {"ahead": 1})
    assert lab.fold.head.watermark == START + 5


def test_the_header_clock_wins_over_the_timestamp(lab: Lab) -> None:
    """A replay of history says when it was: the broker's own timestamp does not matter then, either way."""
    lab.send(stamped(stamped(event("a", 0, 1), 0, header=True), -900))
    lab.send(stamped(stamped(event("a", 30, 1), 0, header=True), 900))
    assert (lab.status["accepted"], lab.total.dead) == (1, {"ahead": 1})


def test_a_clock_may_be_ahead_by_the_quiet_time_too(lab: Lab) -> None:
    """The scorer's own clock says watermark plus eleven minutes; one beyond five more is refused."""
    lab.send(stamped(clock(16), 0), stamped(clock(17), 0))
    assert (lab.total.clocks, lab.total.dead) == (1, {"ahead": 1})
    assert lab.fold.head.watermark == START + 16


def test_a_clock_moves_the_watermark_and_belongs_to_no_room(lab: Lab) -> None:
    """It closes the minute before it; one that is behind the watermark does nothing."""
    seen = lab.send(event("a", 0, 1), clock(1, offset=0), clock(0))
    assert [(hot["minute"], hot["rooms"]) for hot in seen.hotlists] == [("2024-05-01T12:00:00+08:00", [])]
    assert lab.fold.rooms() == ["a"]
    assert (lab.fold.head.watermark, lab.fold.head.offset) == (START + 1, 0)
    assert lab.send(clock(2)).outputs == [], "a minute without records has no hotlist"


def test_a_late_record_does_not_move_the_watermark_back(lab: Lab) -> None:
    """The watermark is the highest minute, whoever brought it."""
    lab.send(event("a", 5, 1), event("b", 2, 1))
    assert lab.fold.head.watermark == START + 5
    assert lab.status["accepted"] == 2, "b's own minutes are in order"


def test_a_room_idle_for_seven_days_is_forgotten(lab: Lab) -> None:
    """The watermark lets go of it at a full hour, with an hour's grace for rooms that lag; the checkpoint is told."""
    lab.send(steady("idle", range(3)), event("other", 2, 1))
    lab.send(clock(2 + FORGET_MINUTES - 1))
    assert sorted(lab.fold.rooms()) == ["idle", "other"]
    lab.send(event("other", 2 + FORGET_MINUTES + 120, 1))
    assert lab.last is not None
    assert lab.last.forgotten == ["idle"]
    assert lab.fold.rooms() == ["other"]


def test_a_room_that_comes_back_after_seven_days_is_new(lab: Lab) -> None:
    """Whether the watermark forgot it or its own record shows the time: it starts as one that nobody has seen."""
    lab.send(steady("a", range(40)))
    twin = Lab()
    for some in (lab, twin):
        some.send(event("a", 39 + FORGET_MINUTES, 7))
    assert lab.room("a")["spread"] == np.float32(0.8)
    twin_room = twin.room("a")
    assert lab.room("a")[0].tobytes() == twin_room[0].tobytes()


def test_offsets_of_a_room_may_change(lab: Lab) -> None:
    """Each record is answered in its own offset; it is the same room and minute all the same."""
    lab.send(event("a", 0, 1, offset=EAST), event("a", 0, 1, offset=0), event("a", 1, 1, offset=-330))
    assert (lab.status["accepted"], lab.status["duplicate"]) == (2, 1)
    assert lab.room("a")["offset"] == -330


def test_rooms_are_live_until_the_quiet_time_is_over(lab: Lab) -> None:
    """The gauge counts rooms whose last record is less than eleven minutes behind the watermark."""
    assert lab.fold.live_rooms() == 0
    lab.send(event("a", 0, 1), event("b", 1, 1), event("c", 11, 1))
    assert (len(lab.fold), lab.fold.live_rooms()) == (3, 2)
