"""Commands that run beside us."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from roompulse.errors import RoomPulseError
from watch.child import Child, GuardedFolder

DEADLINE_S = 60.0


def wait_for_end(child: Child) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not child.ended:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_command_that_fails_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    """So that whoever ran the demo sees why."""
    with (
        Child(tmp_path, "backtest", "no-such-file.csv", f"--out={tmp_path / 'out'}") as child,
        pytest.raises(RoomPulseError, match=r"(?s)roompulse backtest ended with exit code 1.*\| .*no-such-file\.csv"),
    ):
        wait_for_end(child)


def test_what_the_environment_says_of_other_installations_is_not_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither brokers nor topic prefixes."""
    monkeypatch.setenv("ROOMPULSE_TOPIC_PREFIX", "not a prefix!")
    with Child(tmp_path, "simulate", "--rooms=1", "--minutes=1", f"--out={tmp_path / 'x.csv'}", "--json") as child:
        wait_for_end(child)
        assert "rows_written" in child.summary()


def test_a_command_without_a_summary_is_an_error(tmp_path: Path) -> None:
    """Instead of a number that nobody counted."""
    with Child(tmp_path, "simulate", "--rooms=1", "--minutes=1", f"--out={tmp_path / 'x.csv'}") as child:
        wait_for_end(child)
        with pytest.raises(RoomPulseError, match="without a summary"):
            child.summary()


def test_leaving_ends_the_command(tmp_path: Path) -> None:
    """Whatever it was doing."""
    flags = ("--rooms=1", "--minutes=1000000", f"--out={tmp_path / 'x.csv'}")
    with Child(tmp_path, "simulate", *flags) as child:
        pid = child.pid
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("keep", [False, True])
def test_a_guarded_folder_goes_unless_it_is_to_be_kept(tmp_path: Path, *, keep: bool) -> None:
    """With all that is in it."""
    folder = tmp_path / "demo"
    folder.mkdir()
    with GuardedFolder(folder, keep=keep) as path:
        (path / "labels.csv").touch()
    assert folder.exists() == keep
