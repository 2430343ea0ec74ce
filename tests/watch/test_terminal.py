"""`roompulse watch`: what it prints, and what it leaves out."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from rich.console import Console

from roompulse.cli import main
from roompulse.errors import UsageError
from tests.require import ROOT
from tests.watch.records import ListFeed, alert_record, fleet_event, forecast, hotlist
from watch.feed import Seen
from watch.kafka_feed import EARLIEST, LATEST, Since, parse_since
from watch.terminal import JsonLines, ReadableLines, Wanted, follow

EVERYTHING = Wanted(frozenset(), frozenset())


def readable(*records: Seen, wanted: Wanted = EVERYTHING, width: int = 120, terminal: bool = False) -> str:
    """What a person sees of these records, read to the end."""
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=terminal, color_system=None, legacy_windows=False)
    follow(ListFeed([records]), ReadableLines(wanted, console), forever=False)
    return file.getvalue()


def as_json(*records: Seen, wanted: Wanted = EVERYTHING) -> list[bytes]:
    """What a pipe gets."""
    written: list[bytes] = []
    follow(ListFeed([records]), JsonLines(wanted, written.append), forever=False)
    return b"".join(written).splitlines()


def test_an_alert_is_a_line_with_time_kind_event_severity_and_sentence() -> None:
    """Signs and words say what the colours say."""
    assert readable(alert_record("a", "surge", 5)) == "18:05  ▲ surge   open    warning  Room a surges.\n"


def test_a_forecast_shows_the_next_minute_and_the_tenth_with_their_intervals() -> None:
    """And the ten medians as a sparkline."""
    text = readable(forecast("room-00001", 5, 1200.0))
    assert text.startswith("18:05  room-00001    ▅▅▅▅▅▅▅▅▅▅")
    assert "+1 min 1,200 (600 to 2,400)" in text
    assert "+10 min 1,200 (600 to 2,400)" in text


def test_hotlists_of_all_partitions_are_merged_by_minute() -> None:
    """A minute is printed once it cannot grow any more; at the end, what is left."""
    lines = readable(
        hotlist(1, 0, [("a", 50.0)]), hotlist(1, 1, [("b", 70.0)]), hotlist(2, 0, [("a", 20.0)])
    ).splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["18:01", "furthest"],
        ["1", "b"],
        ["2", "a"],
        ["18:02", "furthest"],
        ["1", "a"],
    ]


def test_a_fleet_event_is_a_line_with_time_direction_event_and_sentence() -> None:
    """The signs are those of surges and slumps; a pipe gets the value as it is."""
    record = fleet_event(5, "down", "67 of 78 rooms on partition 2 fell together.")
    assert readable(record) == "18:05  ▼ down  open    67 of 78 rooms on partition 2 fell together.\n"
    assert as_json(record) == [record.value]


@pytest.mark.parametrize("kind", ["alerts", "forecasts", "hotlist", "fleet"])
def test_what_cannot_be_read_is_left_out_and_said(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Anybody may write to a topic: one line on standard error, and what follows is shown."""
    good = alert_record("a", "surge", 5)
    bad = [Seen(kind, value) for value in (b"not JSON", b"{}", b'{"minute": "\\u001b[31m"}', b"[" * 100_000)]
    assert readable(*bad, good).count("\n") == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.startswith(f"left out of {kind}: a record") for line in said] == [True] * len(bad)
    if kind != "fleet":
        assert as_json(*bad, good, wanted=Wanted(frozenset({"a"}), frozenset())) == [good.value]


def test_a_room_cannot_be_asked_for_where_none_is_named() -> None:
    """Fleet events are of partitions."""
    assert main(["watch", "fleet", "--room", "a"]) == 2


def test_json_lines_are_the_values_as_they_are() -> None:
    """Byte for byte, one a line."""
    records = [alert_record("a", "surge", 1), forecast("b", 2), hotlist(3, 0, [("c", 1.0)])]
    assert as_json(*records) == [seen.value for seen in records]


def test_rooms_and_kinds_can_be_chosen() -> None:
    """As lines and as JSON alike."""
    records = [alert_record("a", "surge", 1), alert_record("b", "surge", 1), alert_record("a", "slump", 2)]
    wanted = Wanted(frozenset({"a"}), frozenset({"surge"}))
    assert as_json(*records, wanted=wanted) == [records[0].value]
    assert readable(*records, wanted=wanted).count("\n") == 1
    only_a = Wanted(frozenset({"a"}), frozenset())
    hot = hotlist(1, 0, [("a", 5.0), ("b", 9.0)])
    assert as_json(forecast("b", 1), hot, hotlist(2, 0, [("b", 9.0)]), wanted=only_a) == [hot.value]
    assert "b" not in readable(hot, wanted=only_a).splitlines()[-1].split()


def test_narrow_terminals_wrap_between_words_and_pipes_get_whole_lines() -> None:
    """A pipe has no width."""
    sentence = "Room a surges: " + "many people entered " * 10
    lines = readable(alert_record("a", "surge", 1, text=sentence.strip()), width=40, terminal=True).splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 40
    assert readable(alert_record("a", "surge", 1, text=sentence.strip()), width=40).count("\n") == 1


def test_other_peoples_text_is_neither_markup_nor_terminal_control() -> None:
    """In every view."""
    hostile = "[bold]x[/] \x1b]0;owned\x07\x9b2J\u202e"
    text = readable(
        alert_record(hostile, "surge", 1, text=hostile), forecast(hostile, 1), hotlist(1, 0, [(hostile, 5.0)])
    )
    assert text.count("[bold]x[/]") == 3
    assert not set("\x1b\x07\x9b\u202e") & set(text)


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR takes the colours away and leaves signs and words."""
    monkeypatch.setenv("NO_COLOR", "1")
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True, color_system="truecolor", legacy_windows=False)
    follow(ListFeed([[alert_record("a", "surge", 1)]]), ReadableLines(EVERYTHING, console), forever=False)
    assert "▲ surge" in file.getvalue()
    assert "38;" not in file.getvalue()


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("earliest", EARLIEST),
        ("latest", LATEST),
        ("90s", Since(910_000)),
        ("10m", Since(400_000)),
        ("2h", Since(0)),
        ("1970-01-01T08:10:00+08:00", Since(600_000)),
    ],
)
def test_since_takes_names_ages_and_times(text: str, since: Since) -> None:
    """Ages are counted back from now."""
    assert parse_since(text, now_s=1000.0) == since


@pytest.mark.parametrize("text", ["", "soon", "-5m", "10", "m", "2026-01-05T18:00:00", "٣m"])
def test_any_other_since_says_what_is_expected(text: str) -> None:
    """And ends with exit code 2."""
    with pytest.raises(UsageError, match="--since"):
        parse_since(text)


def test_kind_is_for_alerts_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """A filter that would do nothing is wrong usage."""
    assert main(["watch", "forecasts", "--kind", "surge"]) == 2
    assert "--kind is for alerts" in capsys.readouterr().err


def test_values_stay_readable_for_scripts() -> None:
    """What is written is JSON with the fields of the record."""
    assert json.loads(as_json(alert_record("a", "surge", 1))[0])["kind"] == "surge"


def test_narrow_terminals_get_short_lines_that_say_the_same() -> None:
    """At 40 columns no line is longer, no number is cut, and intervals and bars are left out."""
    records = (
        alert_record("room-00001", "surge", 5, text="Surge in room room-00001: 300 came, 3 times the 100 expected."),
        forecast("room-00001", 5, 1200.0),
        hotlist(1, 0, [("room-00001", 5000.0), ("b", 70.0)]),
    )  # fmt: skip
    lines = readable(*records, width=40, terminal=True).splitlines()
    assert max(map(len, lines)) <= 40
    assert any("+1 1,200" in line for line in lines)
    assert any("room-00001" in line and line.rstrip().endswith("5,100 +5,000 %") for line in lines)
    assert "the 100 expected" in " ".join(" ".join(line.split()) for line in lines)


def test_a_reader_that_has_gone_is_no_failure() -> None:
    """`watch alerts | head`: exit code 0, nothing on standard error, for lines and for JSON alike."""
    code = (
        "import sys, time\n"
        "from roompulse import cli\n"
        "from tests.watch.records import ListFeed, alert_record\n"
        "from watch import terminal\n"
        "terminal.KafkaFeed = lambda *of: ListFeed([[alert_record('a', 'surge', 5)]] * 20_000)\n"
        "sys.exit(cli.main(['watch', 'alerts', *sys.argv[1:]]))"
    )
    for arguments in ([], ["--json"]):
        watching = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert watching.stdout is not None
        assert watching.stdout.readline()
        watching.stdout.close()
        assert watching.wait(120) == 0
        assert watching.stderr is not None
        assert watching.stderr.read() == b""
