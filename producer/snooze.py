"""`roompulse snooze ROOM`: no alert opens in a room before a minute."""

from __future__ import annotations

import argparse
import re
import time

from producer.saying import add_saying_options, say
from roompulse.errors import UsageError
from roompulse.minutes import ZULU, format_minute, parse_minute
from roompulse.words import Snooze

_UNITS_MINUTES = {"m": 1, "h": 60, "d": 1440}

EXAMPLES = """\
examples:
  roompulse snooze room-17 --for 2h
  roompulse snooze room-17 --until 2024-05-01T22:00:00+08:00 --note concert"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    parser.add_argument("room", metavar="ROOM", help="the room's id")
    until = parser.add_mutually_exclusive_group(required=True)
    until.add_argument(
        "--until",
        metavar="MINUTE",
        help="first minute in which an alert may open again, in event time: RFC 3339 with an offset; a minute that is "
        "over ends a snooze",
    )
    until.add_argument("--for", dest="duration", metavar="TIME", help="from now on: 30m, 2h, 1d")
    add_saying_options(parser)


def run(args: argparse.Namespace) -> int:
    """Send the snooze. Returns 0. Raises RoomPulseError."""
    until = args.until if args.duration is None else minute_after(args.duration, time.time())
    try:
        parse_minute(until)
    except ValueError as error:
        raise UsageError(f"--until: got {until!r}: {error}") from None
    return say(args, Snooze(args.room, until, args.note))


def minute_after(duration: str, now_s: float) -> str:
    """The whole minute that lies `duration` (30m, 2h, 1d) after `now_s`, seconds since 1970. Raises UsageError."""
    found = re.fullmatch(r"([1-9]\d{0,5})([mhd])", duration, re.ASCII)
    if found is None:
        raise UsageError(f"--for: got {duration!r}: expected a whole number and m, h or d, such as 30m, 2h or 1d")
    return format_minute(-int(-now_s // 60) + int(found[1]) * _UNITS_MINUTES[found[2]], ZULU)
