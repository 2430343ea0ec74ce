"""What a person sees while a comparison runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from trainer.work_bar import work_bar

Done = Callable[[str, float], None]
"""Told what is being done and how much of the whole work that was."""


@contextmanager
def comparison_bar(total: float) -> Iterator[Done]:
    """Gives the function that is told of every epoch."""
    so_far = 0.0
    with work_bar("comparing", total) as moved:

        def done(text: str, work: float) -> None:
            nonlocal so_far
            so_far = min(total, so_far + work)
            moved(text, so_far, 0.0)

        yield done
