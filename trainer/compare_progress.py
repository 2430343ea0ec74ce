"""What a person sees while a comparison runs: a bar with the time left, or a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_EVERY_S = 20.0

Done = Callable[[str, float], None]
"""Told what is being done and how much of the whole work that was."""


@contextmanager
def comparison_bar(total: float) -> Iterator[Done]:
    """Gives the function that is told of every epoch; a bar on a terminal, plain lines elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("left"), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("comparing", total=total)
    started = shown = time.monotonic()
    so_far = 0.0

    def done(text: str, work: float) -> None:
        nonlocal shown, so_far
        so_far = min(total, so_far + work)
        bar.update(task, completed=so_far, description=text)
        now = time.monotonic()
        if bar.disable and now - shown >= _LINE_EVERY_S:
            shown = now
            left = (now - started) / so_far * (total - so_far)
            print(f"comparing, {text}, about {left:.0f} s left", file=sys.stderr, flush=True)

    with bar:
        yield done
