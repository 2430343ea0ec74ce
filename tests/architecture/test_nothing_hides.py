"""A skipped test shows in one line on a laptop and fails where everything is required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.require import ROOT

MODULES = {
    "test_required.py": """
from tests.require import require
def test_needs_a_broker():
    require("Apache Kafka", False, "apt-get install openjdk-17-jre-headless maven")
""",
    "test_data.py": """
from tests.require import shared_data
def test_needs_data():
    shared_data("no_such_data", "none.csv")
""",
    "test_marked.py": """
import pytest
@pytest.mark.skip(reason="not today")
def test_is_put_off():
    pass
""",
    "test_fixture.py": """
import pytest
@pytest.fixture
def redis():
    pytest.skip("no server")
def test_uses_the_fixture(redis):
    pass
""",
    "test_whole_module.py": """
import pytest
pytest.importorskip("no_such_library")
def test_is_never_seen():
    pass
""",
    "test_expected_failure.py": """
import pytest
@pytest.mark.xfail(reason="known")
def test_fails_as_expected():
    assert False
""",
}
MISSING = "Apache Kafka is not installed: apt-get install openjdk-17-jre-headless maven"


IN_PROCESSES = pytest.mark.parametrize("processes", ["0", "2"])


def pytest_run(folder: Path, require_all: str, processes: str) -> str:
    """Run MODULES in a folder of their own, with the project's conftest as a plugin. Returns what was printed."""
    for name, code in MODULES.items():
        (folder / name).write_text(code, encoding="utf-8")
    options = [
        "-q",
        "-rs",
        "-n",
        processes,
        "-p",
        "tests.conftest",
        "--rootdir",
        str(folder),
        "--continue-on-collection-errors",
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "ROOMPULSE_REQUIRE_ALL": require_all},
        capture_output=True,
        text=True,
    ).stdout


@IN_PROCESSES
def test_a_skip_shows_in_one_line(tmp_path: Path, processes: str) -> None:
    """On a laptop what is missing is skipped, with what it is and how to get it."""
    printed = pytest_run(tmp_path, require_all="", processes=processes)
    assert "5 skipped, 1 xfailed in" in printed
    assert len([line for line in printed.splitlines() if MISSING in line]) == 1


@IN_PROCESSES
def test_a_skip_fails_where_everything_is_required(tmp_path: Path, processes: str) -> None:
    """Whatever way a test skips itself it is red under ROOMPULSE_REQUIRE_ALL=1. An expected failure is no skip."""
    printed = pytest_run(tmp_path, require_all="1", processes=processes)
    assert "2 failed, 1 xfailed, 3 errors in" in printed, "a skip before the test itself counts as an error"
    assert MISSING in printed
