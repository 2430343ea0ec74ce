"""How far a long piece of work is, on standard error: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

_LINE_EVERY_S = 20.0

Moved = Callable[[str, float, float], None]
"""Told what is being done, how much of the whole is done, and how much of that was done before this run."""


@contextmanager
def work_bar(title: str, total: float) -> Iterator[Moved]:
    """Gives the function that is told of progress, in the units of `total`."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("left"))
    bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task(title, total=total)
    started = shown = time.monotonic()

    def moved(text: str, done: float, before: float) -> None:
        nonlocal shown
        bar.update(task, completed=done, description=f"{title}, {text}")
        now = time.monotonic()
        if bar.disable and now - shown >= _LINE_EVERY_S:
            shown = now
            left = (now - started) / (done - before) * (total - done)
            print(f"{title}, {text}, {left:.0f} s left", file=sys.stderr, flush=True)

    with bar:
        yield moved
