"""What became of a history file's rows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from roompulse.errors import InputError

SHOWN_BAD_ROWS = 20


def say_on_stderr(text: str) -> None:
    """Show one line to the person who runs the command."""
    print(text, file=sys.stderr, flush=True)


@dataclass(slots=True)
class HistoryReport:
    """Counts kept while history is read; `say` is told of the first bad rows."""

    rows: int = 0
    """Rows handed on."""
    bad_rows: int = 0
    left_out: int = 0
    """Good rows outside --start, --end or --where."""
    say: Callable[[str], None] | None = None

    @property
    def rows_read(self) -> int:
        """All rows seen, the bad ones and those left out included."""
        return self.rows + self.bad_rows + self.left_out

    def bad(self, error: InputError, *, strict: bool = False) -> None:
        """Count a bad row, and show it while they are few. Raises it when strict."""
        self.bad_rows += 1
        if strict:
            raise error
        if self.say is None or self.bad_rows > SHOWN_BAD_ROWS + 1:
            return
        self.say(f"bad row: {error}" if self.bad_rows <= SHOWN_BAD_ROWS else "further bad rows are counted only")
