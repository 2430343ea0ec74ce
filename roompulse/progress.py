"""How far a replay or backtest is, on standard error: a bar on a terminal, otherwise a plain line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from roompulse.minutes import Minute, format_minute

_LINE_EVERY_S = 10.0
_BAR_EVERY_S = 0.1
_RATE_OVER_S = 3.0


class ReplayProgress:
    """Shows events, events a second and event time. Use as a context manager."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bar: Progress | None = None
        if console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self._bar = Progress(*columns, console=console, transient=True)
            self._task = self._bar.add_task("reading history", total=None)
        self._started = self._since = self._shown = time.monotonic()
        self._events_then = 0
        self._rate = 0.0

    def __enter__(self) -> ReplayProgress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, events: int, minute: Minute | None) -> None:
        """Say where the replay is, if it is time to."""
        now = time.monotonic()
        if now - self._shown < (_BAR_EVERY_S if self._bar is not None else _LINE_EVERY_S):
            return
        self._shown = now
        if now - self._since >= _RATE_OVER_S or not self._rate:
            self._rate = (events - self._events_then) / max(now - self._since, 1e-9)
            self._since, self._events_then = now, events
        at = format_minute(*minute) if minute is not None else "-"
        text = f"{events:,} events, {self._rate:,.0f} events/s, event time {at}"
        if self._bar is not None:
            self._bar.update(self._task, description=text)
        else:
            print(text, file=sys.stderr, flush=True)
