"""The board beside the demo: a process of its own, which the demo can do without."""

from __future__ import annotations

import importlib.util
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from roompulse.errors import RoomPulseError
from roompulse.local_server import LOOPBACK
from watch.child import Child

USUAL_PORT = 9180
READY_TIMEOUT_S = 30.0
_ANSWER_TIMEOUT_S = 2.0


class DemoBoard:
    """`roompulse board` on a port of this machine; `stack` ends it."""

    def __init__(self, stack: ExitStack, folder: Path, bootstrap: str, port: int, say: Callable[[str], None]) -> None:
        self._say = say
        self._child: Child | None = None
        self._address = f"http://{LOOPBACK}:{port}/"
        if not port:
            return
        if importlib.util.find_spec("nicegui") is None:
            say("no board: NiceGUI is not installed (pip install 'roompulse[board]')")
            return
        self._child = stack.enter_context(
            Child(folder, "board", f"--bootstrap-servers={bootstrap}", f"--port={port}", "--history=1d")
        )

    def wait(self, insist: Callable[[], None]) -> str | None:
        """Its address once it answers; None where there is none, which is said in a line."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        try:
            while self._child is not None and not self._child.ended and time.monotonic() < deadline:
                insist()
                if self._answers():
                    return self._address
                time.sleep(0.05)
        except RoomPulseError as error:
            # The rooms are scored and shown in the terminal all the same.
            self._say(f"no board: {error}")
            return None
        if self._child is not None:
            self._say(f"no board: it did not answer within {READY_TIMEOUT_S:g} s")
        return None

    def ended(self) -> bool:
        """Whether it has ended since it answered; the first time that is said, with why."""
        if self._child is None:
            return True
        why = ""
        try:
            if not self._child.ended:
                return False
        except RoomPulseError as error:
            why = f": {error}"
        self._child = None
        self._say(f"the board has ended, the demo goes on{why}")
        return True

    def _answers(self) -> bool:
        try:
            # The address is our own, on this machine.
            with urllib.request.urlopen(f"{self._address}healthz", timeout=_ANSWER_TIMEOUT_S):  # nosec B310
                return True
        except OSError:
            return False
