"""The board beside the demo, which goes on without it."""

from __future__ import annotations

import importlib.util
import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from roompulse.local_server import free_port
from watch.demo_board import DemoBoard


def no_stop() -> None:
    """Nobody asks for an end."""


def test_where_nicegui_is_missing_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And there is no address."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    said: list[str] = []
    with ExitStack() as stack:
        assert DemoBoard(stack, tmp_path, "127.0.0.1:1", free_port(), said.append).wait(no_stop) is None
    assert said == ["no board: NiceGUI is not installed (pip install 'roompulse[board]')"]


def test_a_board_that_fails_is_said_with_the_end_of_its_log(tmp_path: Path) -> None:
    """Here because there is no broker; nothing is raised."""
    said: list[str] = []
    with ExitStack() as stack:
        assert DemoBoard(stack, tmp_path, "127.0.0.1:1", free_port(), said.append).wait(no_stop) is None
    (line,) = said
    assert line.startswith("no board: roompulse board ended with exit code 1")
    assert "cannot reach Kafka" in line


def test_a_board_that_dies_later_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed, it is gone: one line, with the signal, and no more lines afterwards."""
    said: list[str] = []
    with ExitStack() as stack:
        board = DemoBoard(stack, tmp_path, "127.0.0.1:1", free_port(), said.append)
        monkeypatch.setattr(board, "_answers", lambda: True)
        assert board.wait(no_stop) is not None
        assert not board.ended()
        assert board._child is not None
        os.kill(board._child.pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while not board.ended() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert board.ended()
    (line,) = said
    assert line.startswith("the board has ended, the demo goes on: roompulse board was killed by signal 9")


def test_port_0_is_no_board_and_nothing_is_said(tmp_path: Path) -> None:
    """It was not asked for."""
    said: list[str] = []
    with ExitStack() as stack:
        assert DemoBoard(stack, tmp_path, "127.0.0.1:1", 0, said.append).wait(no_stop) is None
    assert said == []
