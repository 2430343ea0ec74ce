"""Named steps of the loop at which a scorer can be made to stop: proxies in front of its two ports.

A file in the scorer's folder arms one of them: the step, how often it passes first, and what happens then. Every
method of a port that is not named here goes through untouched.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

LOG_STEPS = ("poll", "start", "begin", "send", "send_positions", "commit", "abort")
CHECKPOINT_STEPS = ("claim", "save")
WITHIN_SEND = "within send"
POINTS = (
    *(f"{side} {step}" for step in (*LOG_STEPS, *CHECKPOINT_STEPS) if step != "abort" for side in ("before", "after")),
    WITHIN_SEND,
)
"""Where a trial may strike; nothing is aborted in an undisturbed loop, so that nobody can wait for it there."""

ON_ITS_WAY_S = 0.1
"""Longer than a producer lingers: what was sent before has reached the broker."""


class Wire:
    """Counts the passes of the armed step and stops this process at the chosen one."""

    def __init__(self, folder: Path) -> None:
        self._armed, self._struck = folder / "armed", folder / "struck"
        self._passes = 0
        self._lock = threading.Lock()  # a checkpoint may be saved from another thread

    def passes(self, point: str) -> None:
        """Note that a step passes."""
        with self._lock:
            try:
                wanted = json.loads(self._armed.read_text())
            except FileNotFoundError:
                self._passes = 0
                return
            if wanted["point"] != point:
                return
            self._passes += 1
            if self._passes < wanted["passes"]:
                return
            if point == WITHIN_SEND:
                time.sleep(ON_ITS_WAY_S)
            with contextlib.suppress(FileNotFoundError):  # disarmed just now
                self._armed.rename(self._struck)
                os.kill(os.getpid(), signal.SIGKILL if wanted["action"] == "kill" else signal.SIGSTOP)


class Wired:
    """A port with wires before and after some of its methods."""

    def __init__(self, port: Any, steps: Iterable[str], wire: Wire) -> None:
        self._port, self._steps, self._wire = port, frozenset(steps), wire

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        return self._between(name, method) if name in self._steps else method

    def _between(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if name == "send":
                arguments = (self._counted(*arguments),)
            self._wire.passes(f"before {name}")
            result = method(*arguments)
            self._wire.passes(f"after {name}")
            return result

        return call

    def _counted(self, outputs: Iterable[Any]) -> Iterator[Any]:
        for output in outputs:
            yield output
            self._wire.passes(WITHIN_SEND)


def arm(folder: Path, point: str, passes: int, action: str) -> None:
    """Let the process whose folder this is be killed (`kill`) or stopped (`stop`) when `point` passes for the n-th
    time from now on.
    """
    (folder / "struck").unlink(missing_ok=True)
    new = folder / "arming"
    new.write_text(json.dumps({"point": point, "passes": passes, "action": action}))
    new.rename(folder / "armed")


def disarm(folder: Path) -> bool:
    """Take the wire away; False where it has struck already."""
    try:
        (folder / "armed").unlink()
    except FileNotFoundError:
        return False
    return True


def has_struck(folder: Path) -> bool:
    """Whether the armed step has stopped the process."""
    return (folder / "struck").exists()
