"""How a process that runs for ever is told to end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Stopped(BaseException):
    """The process was told to stop while it had nothing to finish. No Exception: nothing on the way may swallow it."""


class StopSignal:
    """SIGTERM and Ctrl-C ask for a clean stop; a second one ends the process at once."""

    def __init__(self) -> None:
        self.asked = False
        self._at_once = False
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._ask)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Raise Stopped where a stop is asked for, however long what is done here would wait: it leaves no work behind.

        For what connects: a server that accepts and never answers is waited for for many seconds.
        """
        self._at_once = True
        try:
            self._stop_if_asked()
            yield
        finally:
            self._at_once = False
        self._stop_if_asked()  # asked for where an exception is swallowed: a library's clean-up

    def _stop_if_asked(self) -> None:
        if self.asked:
            raise Stopped

    def _ask(self, number: int, frame: object) -> None:
        if self.asked:
            sys.exit(128 + number)
        self.asked = True
        if self._at_once:
            raise Stopped
