"""Told to stop: cleanly, at once where nothing is to be finished, and by force at the second time."""

from __future__ import annotations

import subprocess
import sys

import pytest

START = """
import os, signal
from roompulse.stop_signal import Stopped, StopSignal
stopping = StopSignal()
def stop(): os.kill(os.getpid(), signal.SIGTERM)
"""

CASES = {
    "asked for, and done later": ("stop(); print(stopping.asked)", "True\n", 0),
    "twice": ("stop(); stop(); print('never')", "", 143),
    "while connecting": (
        "try:\n with stopping.at_once():\n  stop(); print('never')\nexcept Stopped: print('stopped')",
        "stopped\n",
        0,
    ),
    "before connecting": (
        "stop()\ntry:\n with stopping.at_once(): print('never')\nexcept Stopped: print('stopped')",
        "stopped\n",
        0,
    ),
    "after connecting": ("with stopping.at_once(): pass\nstop(); print(stopping.asked)", "True\n", 0),
    "swallowed while connecting": (
        "try:\n with stopping.at_once():\n  try: stop()\n  except Stopped: pass\nexcept Stopped: print('stopped')",
        "stopped\n",
        0,
    ),
    "an error while connecting": (
        "try:\n with stopping.at_once(): raise ValueError\nexcept ValueError: stop(); print(stopping.asked)",
        "True\n",
        0,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_stop_is_heard_when_it_comes(case: str) -> None:
    """Each in a process of its own: signals belong to a process."""
    code, said, exit_code = CASES[case]
    ran = subprocess.run([sys.executable, "-c", START + code], capture_output=True, text=True)
    assert (ran.stdout, ran.returncode) == (said, exit_code), ran.stderr
