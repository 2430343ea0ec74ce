"""The loop that replay and simulation share: what is sent, when, and how it ends."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Iterator
from itertools import islice

import msgspec
import pytest

from producer.replay import replay
from producer.shifting import shift_rows
from roompulse.history import HistoryRow, encode_row
from roompulse.history.departures import departures
from roompulse.minutes import QUIET_MINUTES, Minute, format_minute, parse_minute
from roompulse.pacing import Pace, speed
from roompulse.progress import ReplayProgress
from roompulse.records import Metrics, RoomMinute
from tests.producer.fakes import MemoryPublisher, SleepingClock

START = parse_minute("2024-01-01T10:00:00+08:00")


def rows(*offsets: int) -> list[HistoryRow]:
    """One row for each of these minutes after the start."""
    made = []
    for number, offset in enumerate(offsets):
        minute = Minute(START.epoch + offset, START.offset)
        made.append(HistoryRow(minute, RoomMinute(f"r{number}", format_minute(*minute), Metrics(number))))
    return made


def test_each_row_is_sent_with_its_key_schema_and_clock() -> None:
    """The bytes are those of `encode_row`; the clock is the replay's own time, also for a late row."""
    history = rows(0, 2, 1)
    topic = MemoryPublisher()
    done = replay(departures(history), topic, Pace(None), ReplayProgress(), clocks=False)
    assert [(sent.key, sent.value) for sent in topic.records] == [encode_row(row) for row in history]
    assert {sent.headers["schema"] for sent in topic.records} == {b"live.room.minute/1"}
    assert [sent.headers["clock"][11:16] for sent in topic.records] == [b"10:00", b"10:02", b"10:02"]
    assert {sent.partition for sent in topic.records} == {None}
    assert (done.events, done.clocks, done.exit_code, topic.flushed) == (3, 0, 0, 3)


def test_a_replay_ends_with_a_clock_for_each_partition() -> None:
    """The clock lies the quiet time after the last minute, so that every open session ends."""
    topic = MemoryPublisher(partitions=3)
    done = replay(departures(rows(0, 5)), topic, Pace(None), ReplayProgress())
    clocks = topic.records[2:]
    expected = format_minute(START.epoch + 5 + QUIET_MINUTES, 480)
    assert [sent.partition for sent in clocks] == [0, 1, 2]
    assert all(msgspec.json.decode(sent.value) == {"minute": expected} for sent in clocks)
    assert all(sent.headers == {"schema": b"live.clock/1", "clock": expected.encode()} for sent in clocks)
    assert all(sent.key is None for sent in clocks)
    assert (done.clocks, topic.flushed) == (3, 5)
    assert done.summary()["last_minute"] == "2024-01-01T10:05:00+08:00"


def test_nothing_replayed_means_nothing_sent() -> None:
    """Without a last minute there is no clock to send."""
    topic = MemoryPublisher()
    assert replay(departures([]), topic, Pace(None), ReplayProgress()).events == 0
    assert topic.records == []


def test_event_time_runs_at_a_multiple_of_real_time() -> None:
    """At 60 times real time a minute takes a second, a gap as long as it was, and a late row no time."""
    clock = SleepingClock()
    pace = Pace(60, clock=clock.time, sleep=clock.sleep)
    seen = []
    for minute in (100.0, 100.5, 101.0, 99.0, 110.0):
        pace.wait_for(minute, lambda: None)
        seen.append(round(clock.now - 1000, 6))
    assert seen == [0, 0.5, 1, 1, 10]


def test_a_head_start_leaves_at_once_and_the_rest_at_its_pace() -> None:
    """Three minutes to catch up, then real time: what comes after them waits as if they had been waited for."""
    clock = SleepingClock()
    pace = Pace(1, head_start_minutes=3, clock=clock.time, sleep=clock.sleep)
    seen = []
    for minute in (100.0, 101.5, 103.0, 103.5, 105.0):
        pace.wait_for(minute, lambda: None)
        seen.append(round(clock.now - 1000, 6))
    assert seen == [0, 0, 0, 30, 120]


def test_spreading_lets_the_rows_of_a_minute_leave_one_by_one() -> None:
    """Four rows of one minute leave a quarter of a minute apart."""
    clock = SleepingClock()
    leaving: list[float] = []

    class Timed(MemoryPublisher):
        def send(self, *record: object, **options: object) -> None:
            leaving.append(round(clock.now - 1000, 6))

    pace = Pace(60, clock=clock.time, sleep=clock.sleep)
    replay(departures(rows(0, 0, 0, 0, 1)), Timed(), pace, ReplayProgress(), spread=True, clocks=False)
    assert leaving == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("text", ["0", "-1", "fast", "nan", "inf"])
def test_a_speed_is_a_number_above_zero_or_max(text: str) -> None:
    """Anything else is wrong usage."""
    assert speed("max") is None
    assert speed("60") == 60
    with pytest.raises(argparse.ArgumentTypeError):
        speed(text)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_replay_with_everything_sent_flushed(number: signal.Signals, code: int) -> None:
    """The record under way is completed and counted, what was sent has arrived, and no clocks are sent."""

    class Interrupted(MemoryPublisher):
        def send(self, *record: object, **options: object) -> None:
            if len(self.records) == 1:
                os.kill(os.getpid(), number)
            super().send(*record, **options)  # type: ignore[arg-type]

    topic = Interrupted()
    before = signal.getsignal(number)
    done = replay(departures(rows(0, 1, 2, 3)), topic, Pace(None), ReplayProgress())
    assert (done.exit_code, done.events, done.clocks) == (code, 2, 0)
    assert topic.flushed == len(topic.records) == 2
    assert signal.getsignal(number) is before


def test_who_asks_twice_does_not_wait_for_the_flush() -> None:
    """A broker that hangs must not hold a terminal for ever."""

    class Hanging(MemoryPublisher):
        def flush(self) -> None:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("the second signal was not heard")

    with pytest.raises(KeyboardInterrupt):
        replay(departures(rows(0)), Hanging(), Pace(None), ReplayProgress())


def test_a_signal_wakes_a_replay_that_waits() -> None:
    """Between two distant minutes too."""
    clock = SleepingClock()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > 1100:
            signal.raise_signal(signal.SIGTERM)

    done = replay(
        departures(rows(0, 10_000)), MemoryPublisher(), Pace(1, clock=clock.time, sleep=sleep), ReplayProgress()
    )
    assert (done.exit_code, done.events) == (143, 1)


def test_shifted_history_begins_now_and_keeps_its_distances() -> None:
    """The text of the minute moves with it, in the offset that it had."""
    moved = list(shift_rows(lambda _: rows(0, 3), first_epoch=START.epoch + 1440, loop=False))
    assert [row.record.minute for row in moved] == ["2024-01-02T10:00:00+08:00", "2024-01-02T10:03:00+08:00"]
    assert all(parse_minute(row.record.minute) == row.minute for row in moved)


@pytest.mark.parametrize("first_epoch", [None, START.epoch + 7])
def test_a_loop_moves_time_on_and_never_overlaps(first_epoch: int | None) -> None:
    """Each pass begins the quiet time after the last minute of the one before."""
    asked: list[int] = []

    def passes(number: int) -> Iterator[HistoryRow]:
        asked.append(number)
        return iter(rows(0, 3, 2))

    moved = list(islice(shift_rows(passes, first_epoch=first_epoch, loop=True), 9))
    begin = START.epoch if first_epoch is None else first_epoch
    length = 3 + QUIET_MINUTES
    assert [row.minute.epoch - begin for row in moved] == [k * length + m for k in range(3) for m in (0, 3, 2)]
    assert asked == [0, 1, 2]


def test_a_loop_over_nothing_ends() -> None:
    """It does not spin for ever."""
    assert list(shift_rows(lambda _: [], first_epoch=None, loop=True)) == []
