"""Which column of a history file holds which field of the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roompulse.errors import InputError
from roompulse.records import METRICS, TARGET

FIELDS = ("room_id", "minute", *METRICS, "natural", "paid", "category", "ended")
"""What a history file can say about a room-minute; `minute` and the target are required."""

PLATFORM_NAMES = {
    "date_time": "minute",
    "natural_flow_trend_index": "natural",
    "pay_flow_trend_index": "paid",
}
"""Names in the platform's own export that differ from the fields by more than upper case."""

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Columns:
    """A file's header: all names, where each field lies, and what a row must hold at which place to be taken."""

    names: tuple[str, ...]
    places: Mapping[str, int]
    where: tuple[tuple[int, str], ...] = ()

    def name(self, field: str) -> str:
        """The header's name of a field, for messages."""
        return self.names[self.places[field]]


def find_columns(
    header: Sequence[str], file: str, chosen: Mapping[str, str], where: Sequence[tuple[str, str]] = ()
) -> Columns:
    """Match a header with the fields: `chosen` first, then the fields' own names and the platform's, in any case.

    Raises InputError naming the file, line 1 and the column that is missing or there twice, and what is there.
    """
    names = tuple(name.strip() for name in header)
    places: dict[str, int] = {}
    for field, column in chosen.items():
        if column:
            places[field] = _place(names, column, file)
    lowered = [name.lower() for name in names]
    wanted = [(field, field) for field in FIELDS] + [(field, name) for name, field in PLATFORM_NAMES.items()]
    for field, name in wanted:
        if field not in places and field not in chosen and name in lowered:
            places[field] = _place(lowered, name, file)
    for field in ("minute", TARGET):
        if field not in places:
            raise _missing(names, file, field, f"no column for {field}", f"--columns {field}=COLUMN")
    return Columns(names, places, tuple((_place(names, column, file), text) for column, text in where))


def _place(names: Sequence[str], column: str, file: str) -> int:
    found = [place for place, name in enumerate(names) if name == column]
    if not found:
        raise _missing(names, file, column, "no such column", "--columns FIELD=COLUMN or --where COLUMN=TEXT")
    if len(found) > 1:
        raise InputError("the header has this column twice", file=file, line=1, column=column)
    return found[0]


def _missing(names: Sequence[str], file: str, column: str, problem: str, flag: str) -> InputError:
    shown = ", ".join(name[:40] for name in names[:_SHOWN] if name) + (", ..." if len(names) > _SHOWN else "")
    hint = "; expected cells separated by commas" if len(names) == 1 else ""
    return InputError(f"{problem}; the header has: {shown}{hint} (see {flag})", file=file, line=1, column=column)
