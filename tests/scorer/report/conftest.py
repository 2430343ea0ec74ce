"""One run with a report, a comparison and a sweep, shared by the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from roompulse.cli import main
from tests.scorer.report.runs import write_history


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A history and its labels."""
    return write_history(tmp_path_factory.mktemp("history"))


@pytest.fixture(scope="session")
def plain(history: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of it with nothing asked for."""
    folder = tmp_path_factory.mktemp("plain") / "out"
    assert main(["backtest", str(history[0]), f"--labels={history[1]}", f"--out={folder}"]) == 0
    return folder


@pytest.fixture(scope="session")
def looked_at(history: tuple[Path, Path], plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with another budget, and everything that can be asked for."""
    folder = tmp_path_factory.mktemp("looked_at") / "out"
    options = ["--report", f"--against={plain}", "--sweep=surge_budget=1,8", "--surge-budget=8", "--json"]
    assert main(["backtest", str(history[0]), f"--labels={history[1]}", f"--out={folder}", *options]) == 0
    return folder
