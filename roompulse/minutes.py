"""Event time: RFC 3339 minutes to and from whole minutes since 1970, with the offset they were written in."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, TypeVar

QUIET_MINUTES = 11
"""A session is over once ten minutes in a row were blank: the next minute is this far from the last record."""

ZULU = 1441
"""The offset value that stands for a `Z` in the text; real offsets lie within +-1439 minutes."""

_FORM = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:([Zz])|([+-])(\d{2}):(\d{2}))", re.ASCII
)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_CACHE_SIZE = 65_536
_CACHED_LENGTH = 40  # a fraction may be of any length; what nobody writes is not worth the memory


class Minute(NamedTuple):
    """A point in event time: `epoch` in whole minutes since 1970-01-01T00:00Z, `offset` in minutes east of UTC."""

    epoch: int
    offset: int


Parsed = TypeVar("Parsed")
_cache: dict[str, Minute] = {}
_clocks: dict[str, int] = {}


def parse_minute(text: str) -> Minute:
    """Read an RFC 3339 time with an offset that lies on a whole minute between the years 1970 and 2999.

    Raises ValueError with what was expected. Results are cached by string: a fleet repeats each minute many times.
    """
    known = _cache.get(text)
    if known is not None:
        return known
    minute, seconds = _parse(text)
    if seconds:
        raise ValueError("expected a whole minute (seconds are 00)")
    _remember(_cache, text, minute)
    return minute


def parse_clock(text: str) -> int:
    """Read an RFC 3339 time with an offset; returns milliseconds since 1970. Raises ValueError. Cached likewise."""
    known = _clocks.get(text)
    if known is not None:
        return known
    minute, seconds = _parse(text)
    clock_ms = minute.epoch * 60_000 + int(seconds * 1000)
    _remember(_clocks, text, clock_ms)
    return clock_ms


def _remember(cache: dict[str, Parsed], text: str, parsed: Parsed) -> None:
    if len(text) <= _CACHED_LENGTH:
        if len(cache) >= _CACHE_SIZE:
            cache.clear()
        cache[text] = parsed


def _parse(text: str) -> tuple[Minute, float]:
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError("expected RFC 3339 with an offset, like 2019-12-02T08:12:00+08:00")
    year, month, day, hour, minute, second, fraction, zulu, sign, offset_hours, offset_minutes = match.groups()
    if not 1970 <= int(year) <= 2999:
        raise ValueError("expected a year from 1970 to 2999")
    if int(hour) > 23 or int(minute) > 59 or int(second) > 60:
        raise ValueError("expected a time of day from 00:00:00 to 23:59:59")
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH_DAY
    except ValueError:
        raise ValueError("expected a day of the calendar") from None
    offset = 0
    if not zulu:
        if int(offset_hours) > 23 or int(offset_minutes) > 59:
            raise ValueError("expected an offset within +-23:59")
        offset = int(offset_hours) * 60 + int(offset_minutes)
        if sign == "-":
            offset = -offset
    epoch = days * 1440 + int(hour) * 60 + int(minute) - offset
    seconds = float(second)
    if fraction and fraction.strip("0"):
        seconds += max(float(f"0.{fraction}"), 1e-12)  # however small: it is not nothing, as a float might say
    return Minute(epoch, ZULU if zulu else offset), seconds


def format_minute(epoch: int, offset: int) -> str:
    """Write a minute as RFC 3339 in the given offset: the inverse of `parse_minute`."""
    shift = 0 if offset == ZULU else offset
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=epoch + shift)
    hours, minutes = divmod(abs(offset), 60)
    zone = "Z" if offset == ZULU else f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"
    return f"{moment:%Y-%m-%dT%H:%M}:00{zone}"


def offset_of(moment: datetime) -> int:
    """The offset of an aware datetime in minutes east of UTC, rounded down to whole minutes."""
    delta = moment.utcoffset()
    if delta is None:
        raise ValueError("expected a time with a zone")
    return delta // timedelta(minutes=1)


def epoch_of(moment: datetime) -> int:
    """Whole minutes since 1970 of an aware datetime, rounded down."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(minutes=1)
