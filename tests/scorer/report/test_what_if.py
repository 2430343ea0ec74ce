"""`--against` and `--sweep`: what a run would have told otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from roompulse.cli import main
from roompulse.errors import UsageError
from roompulse.minutes import format_minute
from roompulse.records import Alert
from scorer.against import changes
from scorer.report.alerts import Episode, episodes, read_alerts
from scorer.sweep import SWEPT, Swept, parse_sweep


def episode(room: str, opened: int, minutes: int = 5, kind: str = "surge") -> Episode:
    """An alert that is over."""
    at = format_minute(opened, 480)
    alert = Alert(
        f"{room}-{kind}-{opened}", "open", kind, "info", room, at, at, 9.0, 3.0, 1.0, 5.0, 0.01, 200.0, [], "Up.", "m"
    )  # fmt: skip
    return Episode(alert, opened, opened + minutes, "info", "recovered")


def told(now: list[Episode], then: list[Episode]) -> list[tuple[str, str, int | None]]:
    """Change, room and minutes of each."""
    return [(change.change, change.room_id, change.minutes) for change in changes(now, then)]


def test_alerts_are_new_gone_earlier_later_or_the_same() -> None:
    """By room and kind; another kind of the same room is another alert."""
    now = [episode("a", 100), episode("b", 97), episode("c", 104), episode("d", 100), episode("e", 100, kind="slump")]
    then = [episode("a", 100), episode("b", 100), episode("c", 100), episode("e", 100)]
    assert told(now, then) == [
        ("earlier", "b", -3), ("same", "a", 0), ("new", "d", None), ("new", "e", None), ("gone", "e", None),
        ("later", "c", 4),
    ]  # fmt: skip


def test_alerts_belong_together_by_overlap_or_by_ten_minutes_and_each_once() -> None:
    """Of two that fit, the nearer one; one that never ended overlaps with all that come later."""
    assert told([episode("a", 111, 2)], [episode("a", 100, 2)]) == [("gone", "a", None), ("new", "a", None)]
    assert told([episode("a", 110, 2)], [episode("a", 100, 2)]) == [("later", "a", 10)]
    assert told([episode("a", 130)], [episode("a", 100, 40)]) == [("later", "a", 30)]
    assert told([episode("a", 130)], [replace(episode("a", 100), ended=None)]) == [("later", "a", 30)]
    assert told([episode("a", 103), episode("a", 101, 1)], [episode("a", 102)]) == [
        ("earlier", "a", -1),
        ("new", "a", None),
    ]


def test_what_was_retracted_is_no_alert() -> None:
    """And an alert's records are put together: its worst severity, its end."""
    first = episode("a", 100).alert
    records = [
        msgspec.structs.replace(first, event=event, severity=severity, minute=format_minute(minute, 480))
        for event, severity, minute in (("open", "info", 100), ("update", "critical", 103), ("resolve", "info", 109))
    ]
    found = episodes(records)
    assert [(one.severity, one.opened, one.ended) for one in found] == [("critical", 100, 109)]
    assert episodes([*records, msgspec.structs.replace(first, event="retract")]) == []


def test_a_run_against_itself_changes_nothing(plain: Path) -> None:
    """Every alert is the same."""
    alerts = read_alerts(plain)
    assert alerts
    assert {change.change for change in changes(alerts, alerts)} == {"same"}


def test_compare_jsonl_holds_every_alert_of_either_run(looked_at: Path, plain: Path) -> None:
    """Each once: those of this run have an id, those of the other one too."""
    lines = [json.loads(line) for line in (looked_at / "compare.jsonl").read_text().splitlines()]
    assert sorted(filter(None, (line["alert_id"] for line in lines))) == sorted(
        one.alert.alert_id for one in read_alerts(looked_at)
    )
    assert len(list(filter(None, (line["alert_id_then"] for line in lines)))) == len(read_alerts(plain))
    assert {"new"} <= {line["change"] for line in lines}


def test_a_value_of_a_sweep_gives_what_a_run_with_it_gives(looked_at: Path, plain: Path) -> None:
    """The same bytes; and the figures are those of its summary."""
    swept = looked_at / "sweep" / "surge_budget=1"
    assert (swept / "alerts.jsonl").read_bytes() == (plain / "alerts.jsonl").read_bytes()
    rows = json.loads((looked_at / "sweep.json").read_text())["rows"]
    summary = json.loads((plain / "summary.json").read_text())
    assert [(row["value"], row["as_run"]) for row in rows] == [(1.0, False), (8.0, True)]
    assert (rows[0]["recall"], rows[0]["precision"]) == (summary["recall"], summary["precision"])
    assert rows[0]["alerts"] < rows[1]["alerts"]
    assert rows[0]["alerts_per_room_day"] == pytest.approx(rows[0]["alerts"] / (summary["forecasts_out"] / 1440))
    assert not (swept / "forecasts.jsonl").exists()


@pytest.mark.parametrize(
    "text", ["foo=1", "kinds=surge", "surge_budget", "surge_budget=", "surge_budget=1,-2", "surge_budget=x"]
)
def test_a_sweep_that_cannot_be_says_what_there_is(text: str) -> None:
    """The names, or the value that does not fit."""
    with pytest.raises(UsageError, match="surge_budget"):
        parse_sweep(text)


def test_every_setting_that_is_a_number_can_be_swept() -> None:
    """By its name with underscores or hyphens; a value that comes twice counts once."""
    assert {parse_sweep(f"{name}=1,2,1").values for name in SWEPT} == {(1.0, 2.0)}
    assert parse_sweep("surge-budget=0.5") == Swept("surge_budget", (0.5,))


def test_what_cannot_be_compared_is_said_before_anything_is_scored(
    history: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder without alerts, and one with a broken line; no folder is made."""
    out = tmp_path / "out"
    assert main(["backtest", str(history[0]), f"--out={out}", f"--against={tmp_path}"]) == 1
    (tmp_path / "alerts.jsonl").write_text('{"alert_id": 3}\n')
    assert main(["backtest", str(history[0]), f"--out={out}", f"--against={tmp_path}"]) == 1
    assert "alerts.jsonl, line 1" in capsys.readouterr().err
    assert not out.exists()
