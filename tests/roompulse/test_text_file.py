"""Files of results: whole or not there, and in nobody's place."""

from __future__ import annotations

from pathlib import Path

import pytest

from roompulse.errors import RoomPulseError
from roompulse.text_file import new_text_file, refuse_unwritable


@pytest.mark.parametrize("kind", ["file", "folder", "link to nothing"])
def test_nothing_is_replaced(tmp_path: Path, kind: str) -> None:
    """Neither a file nor a folder nor what a link stands for; what is there stays as it was."""
    path = tmp_path / "a.csv"
    if kind == "file":
        path.write_text("mine")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("elsewhere")
    with (
        pytest.raises(RoomPulseError, match=r"a\.csv: exists already; results are never overwritten"),
        new_text_file(path),
    ):
        pytest.fail("it was opened")
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]
    assert path.is_symlink() or path.is_dir() or path.read_text() == "mine"


def test_a_device_is_not_replaced_either() -> None:
    """Renaming a file onto /dev/null, as root, would take it from the whole machine."""
    with pytest.raises(RoomPulseError, match="exists already"), new_text_file(Path("/dev/null")):
        pytest.fail("it was opened")
    assert Path("/dev/null").is_char_device()


def test_a_place_that_can_be_written_to_is_left_as_it_was(tmp_path: Path) -> None:
    """Folders that are not there yet are not made."""
    refuse_unwritable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["file/a", "file/a/b", "/proc/a"])
def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path, place: str) -> None:
    """A file in the way, or a file system that takes nothing, for root either."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):  # noqa: PT011 - which one is the system's
        refuse_unwritable(tmp_path / place)
