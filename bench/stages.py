"""CPU time by stage: named functions of the running program are wrapped, each counts what it does not hand on."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from operator import attrgetter
from typing import Any


class Stages:
    """CPU seconds of this thread by stage while `measuring`."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = {}
        self._stage = ""
        self._since = 0.0

    @contextmanager
    def measuring(self, stage: str) -> Iterator[None]:
        """What is done in here counts for `stage`, but for what other stages within it take."""
        before = self._enter(stage)
        try:
            yield
        finally:
            self._enter(before)

    def _enter(self, stage: str) -> str:
        now, before = time.thread_time(), self._stage
        if before:
            self.cpu_s[before] = self.cpu_s.get(before, 0.0) + now - self._since
        self._stage, self._since = stage, now
        return before

    @contextmanager
    def wrapped(self, functions: Mapping[str, Sequence[str]]) -> Iterator[None]:
        """Within this, the functions of each stage, as `module:name` or `module:Class.name`, count for it."""
        places = [(stage, *_found(path)) for stage, paths in functions.items() for path in paths]
        try:
            for stage, owner, name, function in places:
                setattr(owner, name, self._counted(stage, function))
            yield
        finally:
            for _, owner, name, function in places:
                setattr(owner, name, function)

    def _counted(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            if not self._stage:  # nothing is measured now
                return function(*args, **kwargs)
            with self.measuring(stage):
                return function(*args, **kwargs)

        return counted


def _found(path: str) -> tuple[Any, str, Callable[..., Any]]:
    """The module or class that holds a function, its name there, and the function."""
    module, _, dotted = path.partition(":")
    where, _, name = dotted.rpartition(".")
    holder: Any = import_module(module)
    owner = attrgetter(where)(holder) if where else holder
    return owner, name, vars(owner)[name]
