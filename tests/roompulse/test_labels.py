"""Labels files: both kinds are read, and what is wrong with one is said with its place."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from roompulse.errors import InputError, RoomPulseError
from roompulse.labels import FLEET, VERDICT_HEADER, Labelled, Labels, guarded, read_labels
from roompulse.minutes import parse_minute
from roompulse.text_file import text_file

NOON = parse_minute("2024-05-01T12:00:00+08:00").epoch
VERDICTS = "room_id,kind,opened,verdict,note,alert_id\n"
SPANS = "room_id,kind,first_minute,last_minute,magnitude\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "labels.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_verdicts_are_labels_of_one_minute(tmp_path: Path) -> None:
    """Useful is real, noise is not; nothing is known of what nobody judged."""
    text = VERDICTS + 'a,surge,2024-05-01T12:00:00+08:00,useful,"so, well",0\nb,slump,2024-05-01T04:01:00Z,noise,,1\n'
    assert read_labels(written(tmp_path, text)) == Labels(
        (Labelled("a", "surge", NOON, NOON, True), Labelled("b", "slump", NOON + 1, NOON + 1, False)), False
    )


def test_a_simulations_labels_are_all_there_is(tmp_path: Path) -> None:
    """Each is a stretch of minutes."""
    text = SPANS + "a,surge,2024-05-01T12:00:00+08:00,2024-05-01T12:09:00+08:00,3.5\n"
    labels = read_labels(written(tmp_path, text))
    assert labels == Labels((Labelled("a", "surge", NOON, NOON + 9, True),), True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected the columns room_id, kind, opened, verdict or room_id, kind, first_minute, last_minute"),
        ("room_id,kind\n", "line 1: expected the columns"),
        (VERDICTS + "a,surge,noon,useful,,\n", "line 2, column opened: got 'noon': expected RFC 3339"),
        (VERDICTS + "a,surge,2024-05-01T12:00:00Z,great,,\n", "line 2, column verdict: got 'great': expected one of"),
        (VERDICTS + "a,calm,2024-05-01T12:00:00Z,noise,,\n", "line 2, column kind: got 'calm': expected one of surge"),
        (VERDICTS + "a,surge\n", "line 2, column opened: got ''"),
        (SPANS + ",surge,2024-05-01T12:00:00Z,2024-05-01T12:00:00Z,2\n", "line 2, column room_id: expected a room id"),
        (
            SPANS + "a,surge,2024-05-01T12:05:00Z,2024-05-01T12:00:00Z,2\n",
            "line 2, column last_minute: got '2024-05-01T",
        ),
        (SPANS + 'a,"sur"ge,x,y,z\n', "expected a CSV file in UTF-8"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    """File, line and column, what was got and what was expected."""
    with pytest.raises(InputError) as error:
        read_labels(written(tmp_path, text))
    assert str(error.value).startswith(str(tmp_path / "labels.csv"))
    assert message in str(error.value)


def test_a_move_of_all_rooms_names_none(tmp_path: Path) -> None:
    """As `roompulse simulate --fleet-move` labels it."""
    text = SPANS + ",fleet,2024-05-01T12:00:00+08:00,2024-05-01T12:09:00+08:00,0.3\n"
    assert read_labels(written(tmp_path, text)).labelled == (Labelled("", FLEET, NOON, NOON + 9, True),)


def test_a_packed_file_is_read(tmp_path: Path) -> None:
    """As `roompulse labels --out labels.csv.gz` writes it; one that is cut off is said to be, with its name."""
    file, torn = tmp_path / "labels.csv.gz", tmp_path / "torn.csv.gz"
    with text_file(file) as text:
        text.write(VERDICTS + "a,surge,2024-05-01T12:00:00+08:00,useful,,0\n")
    assert read_labels(file).labelled == (Labelled("a", "surge", NOON, NOON, True),)
    torn.write_bytes(file.read_bytes()[:-12])
    with pytest.raises(InputError, match=r"torn\.csv\.gz: cannot be unpacked"):
        read_labels(torn)


@pytest.mark.parametrize("name", [".", "", "/", "/dev/null/labels.csv", "n" * 300])
def test_a_file_that_cannot_be_there_is_said(name: str) -> None:
    """No name, a file for a folder, a name that is too long: one message, no traceback."""
    with pytest.raises(RoomPulseError, match="cannot be written"), text_file(Path(name)):
        pass


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """One message, no traceback."""
    with pytest.raises(InputError, match=r"none\.csv: cannot be read: No such file"):
        read_labels(tmp_path / "none.csv")


@pytest.mark.parametrize("room", ["=1+1", "+86", "-1", "@name", "'quoted", "'=x", "''", "'", "r=1", "房间"])
def test_a_room_of_any_name_comes_back_as_it_was(tmp_path: Path, room: str) -> None:
    """No cell begins as a formula does, and what is read is the room that was written."""
    cell = guarded(room)
    assert not cell.startswith(("=", "+", "-", "@"))
    path = tmp_path / "labels.csv"
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(VERDICT_HEADER)
        lines.writerow([guarded(text) for text in (room, "surge", "2024-05-01T20:15:00Z", "noise", "", "0" * 16)])
    (labelled,) = read_labels(path).labelled
    assert labelled.room == room


def test_a_note_steers_no_terminal_and_runs_in_no_spreadsheet() -> None:
    """Escape sequences and line ends become spaces, also in front of a formula."""
    assert guarded("\x1b[2Jgone\r\nnext\x9b") == " [2Jgone next "
    assert guarded('=HYPERLINK("http://x")') == '\'=HYPERLINK("http://x")'
    assert guarded("\t=1") == " =1"
    assert guarded("a raffle") == "a raffle"
