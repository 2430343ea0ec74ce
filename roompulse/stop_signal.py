"""How a process that runs for ever is told to end."""

from __future__ import annotations

import signal
import sys


class StopSignal:
    """SIGTERM and Ctrl-C ask for a clean stop; a second one ends the process at once."""

    def __init__(self) -> None:
        self.asked = False
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._ask)

    def _ask(self, number: int, frame: object) -> None:
        if self.asked:
            sys.exit(128 + number)
        self.asked = True
