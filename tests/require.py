"""What a test needs from the machine, and what happens where it is missing.

    from tests.require import require, shared_data

    require("Java 17", shutil.which("java") is not None, "apt-get install openjdk-17-jre-headless")
    history = shared_data("douyin_predict", "predict.csv")

A laptop without Java skips the test with one line. Where `ROOMPULSE_REQUIRE_ALL=1` is set, as in `.ci/run`, the same
test fails; tests/conftest.py turns any other skip into a failure too.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
"""The repository's root folder."""


def require_all() -> bool:
    """Whether this run must have everything, so that no test may be skipped."""
    return os.environ.get("ROOMPULSE_REQUIRE_ALL", "") not in {"", "0"}


def require(what: str, found: bool, how_to_install: str) -> None:
    """Go on if `found`; otherwise skip the test, or fail it where everything is required.

    `what` starts the line that says so ("Java 17 is not installed: ..."), `how_to_install` ends it.
    """
    if found:
        return
    line = f"{what} is not installed: {how_to_install}"
    if require_all():
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


def shared_data(*parts: str) -> Path:
    """The path of one file or folder of the real-world histories, which lie beside the repository, not in it.

    `ROOMPULSE_SHARED_DATA` names another folder. Skips (or fails) as `require` does where the path is missing.
    """
    folder = os.environ.get("ROOMPULSE_SHARED_DATA")
    base = Path(folder) if folder else ROOT.parent / "shared" / "data"
    path = base.joinpath(*parts)
    what = f"shared data {'/'.join(parts)}".rstrip()
    require(what, path.exists(), "set ROOMPULSE_SHARED_DATA to the folder that holds it")
    return path
