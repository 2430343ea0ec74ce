"""Commands called wrongly, or with files and folders that do not do: one clear message, the documented exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from roompulse.bundle import default_bundle
from roompulse.cli import main
from tests.journeys.good_rooms import ROOMS, write_history

HEADER = b"room_id,minute,watch_ucnt,natural\n"
GOOD = b"a,2024-05-01 10:00,5,\n"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], str]:
    """Exit code, the lines that name the program on standard error, and all of standard error."""
    try:
        code = main(arguments)
    except SystemExit as end:  # the parser's way to say that the command was called wrongly
        code = int(end.code or 0)
    said = capsys.readouterr().err
    return code, [line for line in said.splitlines() if line.startswith("roompulse")], said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("scor",), "roompulse: error: no command 'scor'; there are: demo, produce,"),
        (("score", "--fast"), "roompulse score: error: unrecognized arguments: --fast"),
        (("--fast",), "roompulse: error: unrecognized arguments: --fast"),
        (("backtest", "x.csv"), "roompulse backtest: error: the following arguments are required: --out"),
        (("score", "--max-batch", "0"), "--max-batch: got '0': expected a whole number from 1 up"),
        (("score", "--session-timeout-s", "nan"), "--session-timeout-s: got 'nan': expected a number above 0"),
        (("score", "--metrics-port", "99999"), "--metrics-port: got '99999': expected a port from 0"),
        (("score", "--client", "pulsar"), "--client: got 'pulsar': expected one of auto, kafka-python, confluent"),
        (("score", "--topic-prefix", "a b"), "--topic-prefix: got 'a b': expected letters, digits, dot"),
        (("topics", "--bootstrap-servers", "kafka:port"), "got 'kafka:port': expected host:port"),
        (("topics", "--bootstrap-servers", "kafka:99999"), "got 'kafka:99999': expected host:port"),
        (("topics", "--bootstrap-servers", ","), "--bootstrap-servers is empty: expected host:port"),
        (("produce", "x.csv", "--speed", "fast"), "argument --speed: got 'fast', expected 'max' or a number"),
        (("backtest", "x.csv", "--speed", "-1"), "argument --speed: got '-1', expected 'max' or a number above 0"),
        (("produce", "x.csv", "--timezone", "Mars/Olympus"), "--timezone: got 'Mars/Olympus', expected a zone such as"),
        (("produce", "x.csv", "--columns", "minute"), "--columns: got 'minute', expected NAME=VALUE"),
        (("produce", "x.csv", "--columns", "viewers=a"), "--columns: no field 'viewers'; write FIELD=COLUMN"),
        (("backtest", "x.csv", "--out", "o", "--partitions", "0"), "--partitions: got 0, expected a number from 1"),
    ],
)
def test_wrong_usage_ends_with_2(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str) -> None:
    """The message names the flag, what was got and what was expected."""
    code, lines, said = run(capsys, *arguments)
    assert (code, len(lines)) == (2, 1), said
    assert message in lines[0]


@pytest.mark.parametrize(
    "url",
    [
        "redis://ops:s3cr/tw0rd@redis:6379/0",
        "redis://ops:s3cr#tw0rd@redis:6379/0",
        "redis://:s3cr@tw0rd@redis:port/0",
        "ops:s3crtw0rd@redis:6379",
        "https://ops:s3crtw0rd@redis:6379",
        "redis://ops:s3crtw0rd@redis?timeout=5",
        "redis://redis/0?password=s3crtw0rd&db=x",
        "redis://:s3crtw0rd@redis/first",
    ],
)
def test_a_redis_url_that_does_not_do_is_said_without_its_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Exit code 2 and the form that was expected; no piece of the password."""
    monkeypatch.setattr("scorer.score.log_to_stderr", lambda *_: None)
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    code, lines, said = run(capsys, "score", "--redis-url", url)
    assert (code, len(lines)) == (2, 1), said
    assert "***" in lines[0]
    assert "expected redis://user:password@host:port/database" in lines[0]
    assert not any(piece in said for piece in ("s3cr", "tw0rd"))


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("MAX_BATCH", "many", "a whole number from 1 up"),
        ("CONNECT_TIMEOUT_S", "-1", "a number above 0 and below a million"),
        ("CREATE_TOPICS", "perhaps", "true or false"),
        ("METRICS_PORT", "http", "a port from 0 (any free one) to 65535"),
        ("LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("BOOTSTRAP_SERVERS", "kafka:9092:9093", "host:port, separated by commas"),
    ],
)
def test_a_wrong_variable_ends_with_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    """The message names the variable, what it holds and what was expected."""
    monkeypatch.setenv(f"ROOMPULSE_{variable}", value)
    code, lines, said = run(capsys, "score")
    assert code == 2, said
    assert lines == [f"roompulse score: ROOMPULSE_{variable}: got {value!r}: expected {expected}"]


@pytest.mark.parametrize("command", ["backtest", "produce"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "h.csv: "),
        ("folder", "h.csv: "),
        (b"", "h.csv, line 1: expected a header with the names of the columns"),
        (b"room_id,watch_ucnt\na,5\n", "h.csv, line 1, column minute: no column for minute; the header has: room_id,"),
        (b"room_id,minute\na,2024-05-01 10:00\n", "h.csv, line 1, column watch_ucnt: no column for watch_ucnt"),
        (b"\x1f\x8b\x08 not gzip", "h.csv"),
    ],
)
def test_a_file_that_cannot_be_used_ends_with_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str, content: bytes | str | None, message: str
) -> None:
    """Told with file, line and column before anything is written, and before Kafka is asked for anything."""
    path = tmp_path / "h.csv"
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    out = ("--out", str(tmp_path / "out")) if command == "backtest" else ("--bootstrap-servers", "127.0.0.1:1")
    code, lines, said = run(capsys, command, str(path), *out)
    assert (code, len(lines)) == (1, 1), said
    assert message in lines[0]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"a,2024-05-01 10:0", "h.csv, line 3: got 2 cells, expected 4"),
        (b"a,2024-05-01 10:01,7,\"{'x': 1", "h.csv, line 3: got a quote that is not closed"),
        (
            b"a,2024-05-01 10:01,7,{'x': os}\n",
            "h.csv, line 3, column natural: got \"{'x': os}\", expected a JSON object",
        ),
        ("直播,2024-05-01 10:01,7,\n".encode("gb18030"), "h.csv, line 3, column room_id: got bytes"),
        (b"a,2024-05-01 10:01,-7,\n", "h.csv, line 3, column watch_ucnt: got '-7', expected a number from 0 to 1e12"),
    ],
)
def test_a_bad_row_is_told_and_stops_only_a_strict_reading(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, row: bytes, message: str
) -> None:
    """A torn last line, a bad dict literal, mixed encodings: file, line and column; 0 as it is, 1 with --strict."""
    path = tmp_path / "h.csv"
    path.write_bytes(HEADER + GOOD + row)
    code, _, said = run(capsys, "backtest", str(path), "--out", str(tmp_path / "out"))
    assert code == 0, said
    assert len([line for line in said.splitlines() if message in line]) == 1, said
    assert len((tmp_path / "out" / "forecasts.jsonl").read_bytes().splitlines()) == 1
    code, lines, said = run(capsys, "backtest", str(path), "--out", str(tmp_path / "strict"), "--strict")
    assert (code, len(lines)) == (1, 1), said
    assert message in lines[0]


def test_a_file_without_rows_ends_with_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Nothing to score is not a success."""
    path = tmp_path / "h.csv"
    path.write_bytes(HEADER)
    code, lines, _ = run(capsys, "backtest", str(path), "--out", str(tmp_path / "out"))
    assert (code, lines) == (1, ["roompulse backtest: no row to score"])


@pytest.mark.parametrize(
    "damage", ["missing", "file", "not a bundle", "damaged", "truncated", "manifest", "no network"]
)
def test_a_model_folder_that_is_none_ends_with_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, damage: str
) -> None:
    """The message names the folder or the file in it."""
    history, bundle = tmp_path / "h.csv", tmp_path / "bundle"
    history.write_bytes(HEADER + GOOD)
    expected = {
        "missing": f"{bundle}: there is no such folder",
        "file": f"{bundle}: there is no such folder",
        "not a bundle": f"{bundle}: not a model bundle: it has no bundle.json",
        "damaged": f"{bundle / 'model.onnx'}: changed since the bundle was written",
        "truncated": f"{bundle / 'golden.npz'}: changed since the bundle was written",
        "manifest": f"{bundle / 'bundle.json'}: not JSON",
        "no network": f"{bundle / 'model.onnx'}: cannot be read: No such file",
    }[damage]
    if damage == "file":
        bundle.write_bytes(b"")
    elif damage == "not a bundle":
        bundle.mkdir()
    elif damage != "missing":
        shutil.copytree(default_bundle(), bundle)
        model, golden, manifest = bundle / "model.onnx", bundle / "golden.npz", bundle / "bundle.json"
        if damage == "damaged":
            model.write_bytes(model.read_bytes().replace(b"LSTM", b"GRUU"))
        elif damage == "truncated":
            golden.write_bytes(golden.read_bytes()[:-1000])
        elif damage == "manifest":
            manifest.write_bytes(manifest.read_bytes()[:-20])
        else:
            model.unlink()
    arguments = (str(history), "--out", str(tmp_path / "out"), "--model", str(bundle))
    code, lines, said = run(capsys, "backtest", *arguments)
    assert (code, len(lines)) == (1, 1), said
    assert expected in lines[0]


def test_results_are_never_overwritten(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """An --out that holds something, or is a file, is refused and left as it is."""
    history = tmp_path / "h.csv"
    history.write_bytes(HEADER + GOOD)
    code, lines, _ = run(capsys, "backtest", str(history), "--out", str(tmp_path))
    assert (code, lines) == (
        1,
        [f"roompulse backtest: {tmp_path} is not empty: --out takes a new folder, results are never overwritten"],
    )
    code, lines, _ = run(capsys, "backtest", str(history), "--out", str(history))
    assert (code, len(lines)) == (1, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h.csv"]


@pytest.mark.parametrize(
    ("flag", "content", "message"),
    [
        ("--settings", None, "given: cannot be read: No such file"),
        ("--settings", "[rules]\nbars = 3\n", "given, line 2: [rules] bars: no such setting; there are surge_budget, "),
        ("--labels", None, "given: cannot be read: No such file"),
        ("--labels", "room_id\na\n", "given, line 1: expected the columns room_id, kind, opened, verdict or "),
    ],
)
def test_settings_and_labels_that_cannot_be_used_end_with_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, flag: str, content: str | None, message: str
) -> None:
    """Told with file, line and key before anything is written."""
    history, given = tmp_path / "h.csv", tmp_path / "given"
    history.write_bytes(HEADER + GOOD)
    if content is not None:
        given.write_text(content)
    code, lines, said = run(capsys, "backtest", str(history), "--out", str(tmp_path / "out"), flag, str(given))
    assert (code, len(lines)) == (1, 1), said
    assert message in lines[0]
    assert not (tmp_path / "out").exists()


def test_what_a_file_says_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A room's name with an escape in it, and one that turns the writing round, are said with the signs written out."""
    history, given = tmp_path / "h.csv", tmp_path / "given.toml"
    history.write_bytes(HEADER + GOOD)
    given.write_text('[room."a\\u001b[31m\\u202e"]\nbad = 1\n')
    code, _, said = run(capsys, "backtest", str(history), "--out", str(tmp_path / "out"), "--settings", str(given))
    assert code == 1
    assert r'[room."a\x1b[31m\u202e"] bad: no such setting' in said


def test_settings_are_those_of_the_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a backtest opens without a settings file it does not with one, given by flag or variable."""
    history, given = tmp_path / "h.csv", tmp_path / "given.toml"
    write_history(history)
    given.write_text('[room."c-3"]\nkinds = []\n[rules]\nminimum_surge_percent = 1000\n')
    opened = []
    for number, arguments in enumerate(([], ["--settings", str(given)], [])):
        if number == 2:
            monkeypatch.setenv("ROOMPULSE_SETTINGS", str(given))
        assert run(capsys, "backtest", str(history), "--out", str(tmp_path / str(number)), *arguments)[0] == 0
        alerts = (tmp_path / str(number) / "alerts.jsonl").read_bytes().splitlines()
        opened.append({(alert["room_id"], alert["kind"]) for alert in map(json.loads, alerts)})
    assert {(ROOMS[1], "surge"), ("c-3", "slump")} <= opened[0]
    assert not {(ROOMS[1], "surge"), ("c-3", "slump")} & opened[1]
    assert opened[2] == opened[1]
