"""The peer's own Python environment, made at the first call: its pins are none of RoomPulse's business."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from roompulse.errors import RoomPulseError

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "bench" / "peer-requirements.txt"
FOLDER = ROOT / "build" / "peer"
_INSTALL_S = 600


def peer_python() -> str:
    """The interpreter of an environment that holds what bench/peer-requirements.txt names. Raises RoomPulseError."""
    stamp, python = FOLDER / REQUIREMENTS.name, FOLDER / "bin" / "python"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if not (stamp.exists() and stamp.read_text(encoding="utf-8") == wanted):
        print(f"installing the peer into {FOLDER.relative_to(ROOT)} (once)", file=sys.stderr, flush=True)
        _run([sys.executable, "-m", "venv", "--clear", str(FOLDER)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS)])
        stamp.write_text(wanted, encoding="utf-8")
    return str(python)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
    if done.returncode:
        raise RoomPulseError(f"the peer could not be installed:\n{done.stdout}{done.stderr}")
