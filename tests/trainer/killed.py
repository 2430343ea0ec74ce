"""`roompulse train` as a process of its own that gets SIGKILL once it has saved something."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from roompulse.bundle import load_bundle
from tests.require import ROOT

WAIT_S = 300


def train(arguments: Sequence[str], out: Path) -> str:
    """Run to the end; the bundle's hash."""
    ended = subprocess.run(_command(arguments, out), env=_environment(), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return load_bundle(out).hash


def kill_once_saved(arguments: Sequence[str], out: Path, saved: str) -> None:
    """Start it and kill it as soon as the file `saved` of its saved training is there."""
    process = subprocess.Popen(
        _command(arguments, out), env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    file = out.with_name(f".{out.name}.training") / saved
    until = time.monotonic() + WAIT_S
    while not file.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    _, error = process.communicate()
    assert process.returncode == -signal.SIGKILL, error.decode()
    assert file.exists()
    assert not out.exists()


def _command(arguments: Sequence[str], out: Path) -> list[str]:
    return [sys.executable, "-m", "roompulse", "train", *arguments, "--out", str(out), "--json"]


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}
