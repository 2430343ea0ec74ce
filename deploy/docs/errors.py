"""docs/reference/errors.md: every error that is raised on purpose, with the exit code that a command ends with."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from deploy.docs.markdown import code, page, table
from roompulse.errors import RoomPulseError


def errors_page() -> str:
    """The tree of errors."""
    rows = (
        [
            "&nbsp;" * 4 * depth + code(error.__name__),
            str(error.exit_code),
            inspect.cleandoc(error.__doc__ or "").replace("\n", " "),
        ]
        for depth, error in tree(RoomPulseError)
    )
    return page(
        "Errors",
        "roompulse/errors.py",
        "What a command can fail with. It ends as `roompulse COMMAND: message` on standard error; "
        "[Exit codes](../exit-codes-and-errors.md) says what each code means and what becomes of a record that is "
        "refused. A `RecordError` ends no command: it is written to the dead-letter topic.\n",
        table(["error", "exit code", "means"], rows),
    )


def tree(error: type[RoomPulseError], depth: int = 0) -> Iterator[tuple[int, type[RoomPulseError]]]:
    """An error and those below it, with their depth."""
    yield depth, error
    for below in error.__subclasses__():
        if below.__module__ == error.__module__:  # what a module raises for itself alone is nobody else's business
            yield from tree(below, depth + 1)
