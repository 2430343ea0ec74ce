"""Runs the commands of a page's `console` blocks and puts what they print below them.

    python -m deploy.docs.transcript     # docs/tutorial.md anew

All blocks of a page are one session in one empty folder. Lines that tell how long something took are left out.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TUTORIAL = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMINGS = re.compile(r"^(seconds|events per second) .*\n", re.MULTILINE)


def retold(page: str) -> str:
    """The page with the output of every `$ command` in its `console` blocks as it is now.

    Raises CalledProcessError where a command fails, with what it said on standard error.
    """
    with tempfile.TemporaryDirectory() as folder:
        return BLOCK.sub(lambda block: _block(block[1], Path(folder)), page)


def _block(shown: str, folder: Path) -> str:
    commands = [line.removeprefix("$ ") for line in shown.splitlines() if line.startswith("$ ")]
    return "```console\n" + "".join(f"$ {command}\n{_output(command, folder)}" for command in commands) + "```"


def _output(command: str, folder: Path) -> str:
    script = f'roompulse() {{ "{sys.executable}" -m roompulse "$@"; }}\n{command}'
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "LC_ALL": "C.UTF-8"}
        | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return TIMINGS.sub("", done.stdout)


if __name__ == "__main__":
    TUTORIAL.write_text(retold(TUTORIAL.read_text(encoding="utf-8")), encoding="utf-8")
