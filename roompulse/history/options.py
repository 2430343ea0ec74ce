"""What a person can say about history files: the flags that produce, train and backtest share."""

from __future__ import annotations

import argparse
import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from roompulse.errors import UsageError
from roompulse.history.columns import FIELDS
from roompulse.history.times import MinuteReader
from roompulse.minutes import epoch_of

DEFAULT_TIMEZONE = "Asia/Shanghai"


def zone_named(name: str) -> tzinfo:
    """A zone from its name (`Asia/Shanghai`) or a fixed offset (`+08:00`). Raises UsageError."""
    fixed = re.fullmatch(r"([+-])(\d\d):(\d\d)", name, re.ASCII)
    if fixed and int(fixed[2]) < 24 and int(fixed[3]) < 60:
        offset = timedelta(hours=int(fixed[2]), minutes=int(fixed[3]))
        return timezone(-offset if fixed[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"--timezone: got {name!r}, expected a zone such as {DEFAULT_TIMEZONE} or an offset such as +08:00 "
            "(a machine without a zone database needs the package tzdata)"
        ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryOptions:
    """How to read history files.

    `columns` maps field names to column names; an empty column name leaves a field out. `start` and `end` are epoch
    minutes, the end exclusive. `where` holds (column, text) pairs that a row must match. `order` is `time`, or `file`
    to keep the rows as they lie in the files.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    room: str | None = None
    zone: tzinfo = field(default_factory=lambda: zone_named(DEFAULT_TIMEZONE))
    encoding: str = "utf-8"
    strict: bool = False
    start: int | None = None
    end: int | None = None
    where: tuple[tuple[str, str], ...] = ()
    order: str = "time"


def add_history_options(parser: argparse.ArgumentParser) -> None:
    """Give a command the history files and the flags that say how to read them."""
    group = parser.add_argument_group("history")
    group.add_argument("files", nargs="+", metavar="FILE", help="CSV history, plain or gzip, merged in time order")
    group.add_argument(
        "--columns",
        action="append",
        default=[],
        metavar="FIELD=COLUMN,...",
        help=f"which column holds a field, for tables with other names; fields: {', '.join(FIELDS)}",
    )
    group.add_argument("--room", metavar="ID", help="room id of files without a room column (default: the file's name)")
    group.add_argument(
        "--timezone",
        default=DEFAULT_TIMEZONE,
        metavar="ZONE",
        help="zone of minutes that name none; in a gap of summer time the offset before it counts, of an hour that "
        "comes twice the first one is meant (default %(default)s)",
    )
    group.add_argument("--encoding", default="utf-8", help="text encoding, such as gb18030 (default %(default)s)")
    group.add_argument("--strict", action="store_true", help="stop at the first bad row instead of counting it")
    group.add_argument("--start", metavar="TIME", help="leave out what is earlier, such as '2019-12-02 08:12'")
    group.add_argument("--end", metavar="TIME", help="leave out this minute and what is later")
    group.add_argument(
        "--where", action="append", default=[], metavar="COLUMN=TEXT", help="only rows whose column holds this text"
    )
    group.add_argument(
        "--order",
        choices=("time", "file"),
        default="time",
        help="time: sorted by minute, rows of a minute as they lie; file: all as they lie (default %(default)s)",
    )


def history_options(args: argparse.Namespace) -> HistoryOptions:
    """The options from parsed flags. Raises UsageError naming the flag that does not fit."""
    zone = zone_named(args.timezone)
    start, end = (_bound(flag, text, zone) for flag, text in (("--start", args.start), ("--end", args.end)))
    if start is not None and end is not None and start >= end:
        raise UsageError("--start must be earlier than --end")
    return HistoryOptions(
        columns=_columns(args.columns),
        room=args.room,
        zone=zone,
        encoding=_encoding(args.encoding),
        strict=args.strict,
        start=start,
        end=end,
        where=tuple(_pair("--where", text) for text in args.where),
        order=args.order,
    )


def _pair(flag: str, text: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not equals or not left.strip():
        raise UsageError(f"{flag}: got {text!r}, expected NAME=VALUE")
    return left.strip(), right.strip()


def _columns(texts: list[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for part in ",".join(texts).split(","):
        if not part.strip():
            continue
        name, column = _pair("--columns", part)
        if name not in FIELDS:
            raise UsageError(f"--columns: no field {name!r}; write FIELD=COLUMN with one of {', '.join(FIELDS)}")
        if name in columns:
            raise UsageError(f"--columns: field {name!r} is given twice")
        columns[name] = column
    return columns


def _encoding(name: str) -> str:
    try:
        codecs.lookup(name)
        # Lines are cut before they are decoded, so commas, quotes and line ends must be what they are in ASCII.
        if '\n,"'.encode(name) == b'\n,"':
            return name
    except (LookupError, UnicodeError, TypeError, ValueError):
        pass
    raise UsageError(f"--encoding: got {name!r}, expected an encoding that contains ASCII, such as utf-8 or gb18030")


def _bound(flag: str, text: str | None, zone: tzinfo) -> int | None:
    if text is None:
        return None
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            return epoch_of(datetime.fromisoformat(text).replace(tzinfo=zone))
        return MinuteReader(zone)(text)[0].epoch
    except ValueError as error:
        raise UsageError(f"{flag}: got {text!r}: {error}") from None
