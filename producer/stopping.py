"""Ctrl-C and SIGTERM: a replay ends after the record it is sending, not in the middle of it."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any


class Stopped(KeyboardInterrupt):
    """The person or the machine wants the command to end; not caught, it ends it as Ctrl-C ends any command."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.exit_code = 128 + signal_number


class StopSignals:
    """Within this context SIGINT and SIGTERM raise Stopped, inside `hold` only at its end. A second one is not held."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._holding = False
        self._waiting = self._asked = 0

    def __enter__(self) -> StopSignals:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def hold(self) -> None:
        """From here on a signal waits for `release`."""
        self._holding = True

    def release(self) -> None:
        """Raises Stopped if a signal came in the meantime."""
        self._holding = False
        if self._waiting:
            raise Stopped(self._waiting)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked += 1
        if not self._holding or self._asked > 1:
            raise Stopped(number)
        self._waiting = number
