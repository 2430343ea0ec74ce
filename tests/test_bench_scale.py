"""The benches of scale: their arithmetic and accounting, and bench.rooms in small on real servers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from bench import backtest, floor, growth, peer, rooms
from bench.scale.arithmetic import Reading, cpu_us_per_event, grows, medians, slope_of
from bench.scale.backlog import minutes_for, parts
from bench.scale.payloads import Payloads, minute_text, room_key, room_number
from bench.scale.processes import cpu_seconds, resident_bytes
from bench.scale.report import Report, deliver
from bench.scale.watch_delays import Pace
from roompulse.records import decode_minute
from tests.require import require

_WORK = "import time; t = time.process_time()\nwhile time.process_time() - t < 0.3: pass\nprint(flush=True); input()"
_PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_WORK!r}])"


def test_a_lag_that_swings_does_not_grow_and_one_that_rises_does() -> None:
    """The fit sees through the saw-tooth of batches, and finds 5 % of the load piling up."""
    times_s = [float(second) for second in range(40)]
    swinging = [5_000 + 3_000 * (second % 3) for second in range(40)]
    rising = [lag + 50 * second for second, lag in enumerate(swinging)]
    assert not grows(slope_of(times_s, swinging), 1_000)
    assert slope_of(times_s, rising) == pytest.approx(slope_of(times_s, swinging) + 50)
    assert grows(slope_of(times_s, rising), 1_000)
    with pytest.raises(ValueError, match="at least 3"):
        slope_of([0.0, 1.0], [0.0, 9.0])


def test_what_an_event_costs_is_taken_between_two_readings() -> None:
    """What was used up before the first reading counts for nothing, and no events are an error."""
    before = Reading(1_000, {"scorer": 9.0, "broker": 4.0})
    after = Reading(51_000, {"scorer": 11.0, "broker": 4.5})
    assert cpu_us_per_event(before, after) == pytest.approx({"scorer": 40.0, "broker": 10.0})
    assert medians([{"scorer": 1.0}, {"scorer": 9.0}, {"scorer": 2.0}]) == {"scorer": 2.0}
    with pytest.raises(ValueError, match="no event"):
        cpu_us_per_event(before, before)


def test_backlogs_are_cut_into_whole_minutes_and_equal_parts() -> None:
    """At a million rooms' pace a second holds 16,667 events."""
    assert minutes_for(1_000_000, 60) == 1
    assert minutes_for(10_000, 60) == 100
    assert minutes_for(1_000_000, 1) == 1
    assert parts(100, 400, 3) == [100, 200, 300, 400]


@pytest.mark.parametrize("code", [_WORK, _PARENT], ids=["its own", "its child's"])
def test_cpu_time_is_counted_as_it_is_used_children_included(code: str) -> None:
    """A process that has worked for 0.3 s of CPU has used at least that much."""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        used_s, memory = cpu_seconds(process.pid), resident_bytes(process.pid)
        process.communicate(b"\n")
    assert 0.29 <= used_s < 60
    assert memory > 1_000_000


def test_the_load_is_valid_and_tells_rooms_and_minutes_apart() -> None:
    """Each record passes the scorer's decoder with its own room and minute, and the values change."""
    payloads = Payloads(2)
    found = [payloads.minute(step, 29_000_000 + step)(room) for room in (0, 7, 519, 1_999_999) for step in (0, 1)]
    records = [decode_minute(value) for _, value in found]
    assert [record.room_id.encode() for record in records] == [key for key, _ in found]
    assert [room_number(key) for key, _ in found[::2]] == [0, 7, 519, 1_999_999]
    assert {record.minute.encode() for record in records} == {minute_text(29_000_000), minute_text(29_000_001)}
    assert len({record.metrics for record in records}) > len(records) / 2


def test_delays_count_from_when_an_event_was_due() -> None:
    """Room and minute of a forecast give its place in the load; each window has the events that were due in it."""
    start_s = 1_800_000_030.0
    pace = Pace(60, start_s)
    for step in (0, 1):
        value = b'{"room_id":"%s","minute":"%s"' % (room_key(3), minute_text(30_000_000 + step))
        message = SimpleNamespace(error=lambda: None, key=lambda: room_key(3), value=lambda value=value: value)
        pace.see([message], start_s + 60 * step + 3 + 0.5 * (step + 1))
    first, second, both = pace.windows([0.0, 60.0, 120.0])
    assert [first["seen"], second["seen"], both["seen"]] == [1, 1, 2]
    assert [first["p50_s"], second["max_s"], both["max_s"]] == [0.5, 1.0, 1.0]


def test_a_report_is_a_table_rows_for_the_page_and_json_and_a_failed_check_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The last line is JSON with the names that scripts rely on; a fault is said, and ends with exit code 1."""
    report = Report("title", ("rooms", "ratio"), [("1,000", "0.99")], 16_000.0, {"scorer": 40.123}, 0.99)
    assert deliver(report, as_json=True, as_markdown=False) == 0
    output = capsys.readouterr().out
    assert "1,000" in output
    found = json.loads(output.splitlines()[-1])
    assert found["events_per_s"] == 16_000
    assert found["cpu_us_per_event"] == {"scorer": 40.12}
    assert found.keys() >= {"lag_growing", "delay_p99_s", "ratio", "machine"}
    wrong = Report("title", ("rooms",), [("1",)], 1.0, {}, None, faults=["one forecast is missing"])
    assert deliver(wrong, as_json=False, as_markdown=True) == 1
    told = capsys.readouterr()
    assert told.out == "| 1 |\n"
    assert "one forecast is missing" in told.err


@pytest.mark.parametrize("bench", [rooms, floor, peer, growth])
def test_every_bench_has_the_shared_options(bench: object, capsys: pytest.CaptureFixture[str]) -> None:
    """--help names them, and a fleet of no rooms is a usage error."""
    with pytest.raises(SystemExit) as ended:
        bench.main(["--help"])  # type: ignore[attr-defined]
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert all(name in said for name in ("--client", "--rooms", "--repeat", "--seconds", "--json", "--markdown"))
    with pytest.raises(SystemExit) as refused:
        bench.main(["--rooms", "0"])  # type: ignore[attr-defined]
    assert refused.value.code == 2


def test_a_small_backtest_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """bench.backtest has the names of the others; what the files hold is what was scored."""
    assert backtest.main(["--rooms", "20", "--minutes", "6", "--repeat", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["faults"] == []
    assert 100 < found["room_minutes"] <= 120
    assert found["events_per_s"] * found["cpu_us_per_event"]["backtest"] == pytest.approx(1e6, rel=1e-3)
    assert found["ratio"] == pytest.approx(found["events_per_s"] / 40_000, abs=1e-3)


def test_a_small_fleet_is_held_and_every_event_is_answered_once(capsys: pytest.CaptureFixture[str]) -> None:
    """bench.rooms on real servers: what was sent was scored, and the committed forecasts were counted."""
    require("Java 17", shutil.which("java") is not None, "apt-get install openjdk-17-jre-headless")
    require("Maven", shutil.which("mvn") is not None, "apt-get install maven")
    begun_s = time.monotonic()
    small = ["--rooms", "1200", "--partitions", "2", "--warm-up", "2", "--seconds", "6", "--repeat", "1", "--json"]
    assert rooms.main(small) == 0
    assert time.monotonic() > begun_s + 8
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["faults"] == []
    assert found["events"] == 160
    assert found["events_per_s"] > 0
    assert found["cpu_us_per_event"].keys() >= {"scorer", "broker", "redis", "generator"}
    assert found["delay_p99_s"] > 0
