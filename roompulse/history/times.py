"""The minutes of history files: ISO text with or without a zone, or epoch seconds or milliseconds."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo

from roompulse.minutes import ZULU, Minute, format_minute

_ISO = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[Tt ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?"
    r"\s*(?:([Zz])|([+-])(\d{2}):?(\d{2}))?",
    re.ASCII,
)
_EPOCH = re.compile(r"\d{9,13}(?:\.\d*)?", re.ASCII)
_MILLISECONDS_FROM = 10**11
"""Read as seconds this is the year 5138, read as milliseconds it is 1973."""
_EPOCH_START = datetime(1970, 1, 1)  # noqa: DTZ001  # wall time, the zone comes after
_CACHE_SIZE = 65_536
_EXPECTED = "expected a minute like 2019-12-02 08:12, 2019-12-02T08:12:00+08:00 or epoch seconds"


class MinuteReader:
    """Reads the text of a minute; what comes again is answered from memory.

    A time that is not on a whole minute is floored to its minute. In a gap of summer time the offset before the gap
    counts (02:30 becomes 03:30); of an hour that comes twice the first is meant.
    """

    __slots__ = ("_known", "_zone")

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._known: dict[str, tuple[Minute, str]] = {}

    def __call__(self, text: str) -> tuple[Minute, str]:
        """The minute and its RFC 3339 form. Raises ValueError with what was expected."""
        known = self._known.get(text)
        if known is None:
            minute = self._read(text.strip())
            if len(self._known) >= _CACHE_SIZE:
                self._known.clear()
            known = self._known[text] = (minute, format_minute(*minute))
        return known

    def _read(self, text: str) -> Minute:
        match = _ISO.fullmatch(text)
        if match is None:
            if _EPOCH.fullmatch(text):
                return self._read_epoch(int(text.partition(".")[0]))
            raise ValueError(_EXPECTED)
        year, month, day, hour, minute, second, zulu, sign, offset_hours, offset_minutes = match.groups()
        if not 1970 <= int(year) <= 2999 or int(second or 0) > 60:
            raise ValueError(_EXPECTED)
        try:
            moment = datetime(int(year), int(month), int(day), int(hour), int(minute))  # noqa: DTZ001
        except ValueError:
            raise ValueError("expected a day of the calendar and a time of day") from None
        if zulu or sign:
            offset = 0 if zulu else int(offset_hours) * 60 + int(offset_minutes)
            if offset > 1439 or (sign and int(offset_minutes) > 59):
                raise ValueError("expected an offset within +-23:59")
            offset = -offset if sign == "-" else offset
            return _in_range((moment - _EPOCH_START) // timedelta(minutes=1) - offset, ZULU if zulu else offset)
        shift = moment.replace(tzinfo=self._zone).utcoffset() or timedelta(0)
        return self._at((moment - _EPOCH_START - shift) // timedelta(seconds=1))

    def _read_epoch(self, number: int) -> Minute:
        seconds = number // 1000 if number >= _MILLISECONDS_FROM else number
        if seconds >= 32_472_144_000:
            raise ValueError("expected a year from 1970 to 2999")
        return self._at(seconds)

    def _at(self, seconds: int) -> Minute:
        """The minute in which a second lies, with the zone's offset at that instant."""
        local = datetime.fromtimestamp(seconds, timezone.utc).astimezone(self._zone)  # noqa: UP017
        offset = (local.utcoffset() or timedelta(0)) // timedelta(minutes=1)
        return _in_range(seconds // 60, offset)


def _in_range(epoch: int, offset: int) -> Minute:
    if epoch < 0:
        raise ValueError("expected a year from 1970 to 2999")
    return Minute(epoch, offset)
