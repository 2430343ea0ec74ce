"""History at another time: its first minute is now, and every further pass goes on where the last one ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count

import msgspec

from roompulse.history import HistoryRow
from roompulse.minutes import QUIET_MINUTES, Minute, format_minute


def shifted(row: HistoryRow, minutes: int, texts: dict[Minute, str]) -> HistoryRow:
    """The row, later by `minutes`; `texts` remembers the last minute's text, which many rows share."""
    minute = Minute(row.minute.epoch + minutes, row.minute.offset)
    text = texts.get(minute)
    if text is None:
        texts.clear()
        text = texts[minute] = format_minute(*minute)
    return HistoryRow(minute, msgspec.structs.replace(row.record, minute=text))


def shift_rows(
    passes: Callable[[int], Iterable[HistoryRow]], *, first_epoch: int | None, loop: bool
) -> Iterator[HistoryRow]:
    """The rows of pass 0, and with `loop` of every further pass, moved so that the first row's minute is `first_epoch`.

    Without `first_epoch` the first pass stays where it is. Between passes lies the quiet time that ends a session, so
    that no room's history runs on into its own beginning. Ends when a pass has no rows.
    """
    shift = None if first_epoch is not None else 0
    texts: dict[Minute, str] = {}
    latest = -1
    for number in count() if loop else range(1):
        empty = True
        for row in passes(number):
            if empty and (number or shift is None):
                shift = ((first_epoch or 0) if not number else latest + QUIET_MINUTES) - row.minute.epoch
            empty = False
            moved = shifted(row, shift, texts) if shift else row
            latest = max(latest, moved.minute.epoch)
            yield moved
        if empty:
            return
