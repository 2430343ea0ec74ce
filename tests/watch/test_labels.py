"""What people said of alerts, joined with the alerts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from roompulse.cli import main
from roompulse.records import Alert, encode
from roompulse.words import Feedback
from tests.watch.records import alert, at
from watch import labels
from watch.labels import Verdicts

HEADERS: dict[str, bytes | None] = {"schema": b"live.room.feedback/1"}


def known(room: str, kind: str, minute: int, alert_id: str) -> Alert:
    """An alert of this id."""
    return replace(alert(room, kind, minute), alert_id=alert_id)


def said(found: Verdicts, room: str, alert_id: str, verdict: str, note: str | None = None) -> None:
    """A verdict comes on the input topic."""
    found.take_input(room.encode(), encode(Feedback(room, alert_id, verdict, note)), HEADERS)


def test_the_newest_verdict_of_an_alert_wins() -> None:
    """With the alert's kind and opening, from whichever of its records is still there."""
    first, second = known("b", "surge", 5, "1" * 16), known("a", "slump", 7, "2" * 16)
    found = Verdicts()
    said(found, "b", first.alert_id, "noise", "no idea")
    said(found, "a", second.alert_id, "useful")
    said(found, "b", first.alert_id, "useful", "oh, the lottery")
    for record in (first, second, alert("a", "hotspot", 9)):
        found.take_alert(encode(record))
    found.take_alert(None)
    assert found.rows() == [
        ("a", "slump", at(7), "useful", "", second.alert_id),
        ("b", "surge", at(5), "useful", "oh, the lottery", first.alert_id),
    ]


def test_a_verdict_on_an_alert_that_is_not_there_is_left_out() -> None:
    """Or on another room's alert: there is nothing to say what it was."""
    other = known("a", "surge", 5, "1" * 16)
    found = Verdicts()
    said(found, "b", other.alert_id, "noise")
    said(found, "a", "0" * 16, "noise")
    found.take_alert(encode(other))
    assert (found.rows(), len(found.newest)) == ([], 2)


def test_what_is_no_alert_is_counted() -> None:
    """Anybody may write to a topic: the alerts around it are found all the same."""
    first = known("b", "surge", 5, "1" * 16)
    found = Verdicts()
    said(found, "b", first.alert_id, "noise")
    for value in (b"not JSON", b"{}", b"[" * 100_000, encode(first)):
        found.take_alert(value)
    assert (len(found.rows()), found.unreadable) == (1, 3)


def test_what_the_scorer_refuses_is_no_verdict() -> None:
    """Other records of the topic, verdicts under a wrong key, and what cannot be read."""
    value = encode(Feedback("a", "0" * 16, "noise"))
    found = Verdicts()
    found.take_input(b"b", value, HEADERS)
    found.take_input(b"a", value, {})
    found.take_input(b"a", b"{}", HEADERS)
    found.take_input(b"a", None, HEADERS)
    assert found.newest == {}


@pytest.mark.parametrize(("name", "said"), [("mine.csv", "exists already"), ("mine.csv/x", "cannot be written")])
def test_a_file_that_cannot_be_written_is_told_before_the_topics_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    """What is there stays as it was."""
    monkeypatch.setattr(labels, "records_up_to_now", lambda *given: pytest.fail("the topics were read"))
    (tmp_path / "mine.csv").write_text("mine")
    assert main(["labels", "--out", str(tmp_path / name)]) == 1
    assert said in capsys.readouterr().err
    assert (tmp_path / "mine.csv").read_text() == "mine"


def test_what_senders_wrote_runs_in_no_spreadsheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's cells are guarded: a room named like a formula, a note with an escape sequence."""
    place = "=1+1", "0" * 16
    verdict = Feedback(*place, "noise", "\x1b[2J@now")
    opened = replace(alert(place[0], "surge", 3), alert_id=place[1])
    said = SimpleNamespace(key=place[0].encode(), value=encode(verdict), headers=list(HEADERS.items()))
    records = {"live.room.minutes": [said], "live.room.alerts": [SimpleNamespace(value=encode(opened))]}

    def read(settings: object, topic: str) -> list[SimpleNamespace]:
        return records[topic]

    monkeypatch.setattr(labels, "records_up_to_now", read)
    assert main(["labels", "--out", str(tmp_path / "labels.csv")]) == 0
    _, row = (tmp_path / "labels.csv").read_text().splitlines()
    assert row.startswith("'=1+1,surge,")
    assert row.endswith(f", [2J@now,{'0' * 16}")
