"""`roompulse watch alerts|forecasts|hotlist|fleet`: follows a topic in the terminal, or hands it on to a pipe."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec
from rich.console import Console
from rich.text import Text

from roompulse.errors import RecordError, UsageError
from roompulse.history import say_on_stderr
from roompulse.records import Alert, FleetEvent, Forecast, Hotlist, decode_with
from roompulse.settings import KAFKA, add_settings, load_settings
from roompulse.topics import Topics
from watch.feed import ALERTS, FLEET, FORECASTS, HOTLIST, Feed, Seen
from watch.glyphs import Glyphs, glyphs_for
from watch.kafka_feed import KafkaFeed, parse_since
from watch.lines import HotlistMerger, alert_line, fleet_line, forecast_line, hotlist_lines

POLL_S = 0.5
HOTLIST_ROWS = 15
_INDENT = 7  # of a sentence's further lines: below the sign, so that times stand out

EXAMPLES = """\
examples:
  roompulse watch alerts --since 10m
  roompulse watch alerts --kind surge --kind slump --json | jq .text
  roompulse watch forecasts --room room-00001
  roompulse watch hotlist --since earliest --no-follow"""

_alert = msgspec.json.Decoder(Alert)
_forecast = msgspec.json.Decoder(Forecast)
_hotlist = msgspec.json.Decoder(Hotlist)
_fleet = msgspec.json.Decoder(FleetEvent)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    parser.add_argument("what", choices=(ALERTS, FORECASTS, HOTLIST, FLEET), help="which records")
    parser.add_argument("--room", action="append", default=[], metavar="ID", help="only this room; may be repeated")
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        choices=("surge", "slump", "hotspot"),
        help="only alerts of this kind; may be repeated",
    )
    parser.add_argument(
        "--since",
        metavar="WHEN",
        help="begin with what was written then: earliest, latest, an RFC 3339 time, or so long ago (90s, 10m, 2h, 1d); "
        "default: latest, with --no-follow earliest",
    )
    parser.add_argument(
        "--follow",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="wait for more; --no-follow ends at the end (default: follow)",
    )
    parser.add_argument("--json", action="store_true", help="print the records' values as they are, one a line")
    add_settings(parser, *KAFKA, "topic_prefix", "connect_timeout_s")


def run(args: argparse.Namespace) -> int:
    """Print what is there and what comes. Returns 0 at the end, 130 at Ctrl-C. Raises RoomPulseError."""
    if args.kind and args.what != ALERTS:
        raise UsageError(f"--kind is for alerts, and {args.what} have none")
    if args.room and args.what == FLEET:
        raise UsageError("--room is for what names a room, and fleet events name a partition")
    settings = load_settings(args)
    since = parse_since(args.since or ("latest" if args.follow else "earliest"))
    topics = Topics(settings.topic_prefix)
    names = {ALERTS: topics.alerts, FORECASTS: topics.forecasts, HOTLIST: topics.hotlist, FLEET: topics.fleet}
    topic = names[args.what]
    wanted = Wanted(frozenset(args.room), frozenset(args.kind))
    feed = KafkaFeed(settings, {args.what: topic}, since)
    try:
        if args.json:
            follow(feed, JsonLines(wanted, _write_bytes), forever=args.follow)
        else:
            console = Console(highlight=False, soft_wrap=False)
            follow(feed, ReadableLines(wanted, console), forever=args.follow)
    finally:
        feed.close()
    return 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records are wanted; an empty set wants all."""

    rooms: frozenset[str]
    kinds: frozenset[str]

    def alert(self, alert: Alert) -> bool:
        """Whether this alert is."""
        return self.room(alert.room_id) and (not self.kinds or alert.kind in self.kinds)

    def room(self, room_id: str) -> bool:
        """Whether this room is."""
        return not self.rooms or room_id in self.rooms


class JsonLines:
    """Hands values on as they are."""

    def __init__(self, wanted: Wanted, write: Callable[[bytes], None]) -> None:
        self._wanted, self._write = wanted, write

    def take(self, records: Iterable[Seen]) -> None:
        """Write those that are wanted."""
        lines = []
        for seen in records:
            try:
                if self._is_wanted(seen):
                    lines.append(seen.value + b"\n")
            except RecordError as error:
                _say_unreadable(seen, error)
        if lines:
            self._write(b"".join(lines))

    def end(self) -> None:
        """Nothing is held back."""

    def _is_wanted(self, seen: Seen) -> bool:
        wanted = self._wanted
        if not wanted.rooms and not wanted.kinds:
            return True
        if seen.kind == ALERTS:
            return wanted.alert(decode_with(_alert, seen.value))
        if seen.kind == FORECASTS:
            return wanted.room(decode_with(_forecast, seen.value).room_id)
        return any(wanted.room(room.room_id) for room in decode_with(_hotlist, seen.value).rooms)


class ReadableLines:
    """Prints a line a record, cut to the terminal's width where it is not to be wrapped."""

    def __init__(self, wanted: Wanted, console: Console) -> None:
        self._wanted, self._console = wanted, console
        self._glyphs: Glyphs = glyphs_for(console.encoding)
        self._hotlists = HotlistMerger(HOTLIST_ROWS if not wanted.rooms else sys.maxsize)

    def take(self, records: Iterable[Seen]) -> None:
        """Print those that are wanted."""
        for seen in records:
            try:
                for line in self._lines(seen):
                    self._print(line)
            except RecordError as error:
                _say_unreadable(seen, error)

    def end(self) -> None:
        """Print what was held back."""
        for minute, rooms in self._hotlists.rest():
            for line in self._hot(Hotlist(minute, 0, rooms)):
                self._print(line)

    def _lines(self, seen: Seen) -> Iterator[Text]:
        if seen.kind == ALERTS:
            alert = decode_with(_alert, seen.value)
            if self._wanted.alert(alert):
                yield alert_line(alert, self._glyphs)
        elif seen.kind == FORECASTS:
            forecast = decode_with(_forecast, seen.value)
            if self._wanted.room(forecast.room_id):
                yield forecast_line(forecast, self._glyphs)
        elif seen.kind == FLEET:
            yield fleet_line(decode_with(_fleet, seen.value), self._glyphs)
        else:
            for minute, rooms in self._hotlists.add(decode_with(_hotlist, seen.value)):
                yield from self._hot(Hotlist(minute, 0, rooms))

    def _hot(self, hotlist: Hotlist) -> Iterator[Text]:
        rooms = [room for room in hotlist.rooms if self._wanted.room(room.room_id)]
        if rooms:
            yield from hotlist_lines(hotlist.minute, rooms, self._glyphs)

    def _print(self, line: Text) -> None:
        if not self._console.is_terminal:
            # A pipe has no width: whatever reads it gets whole lines.
            self._console.print(line, soft_wrap=True)
            return
        first, *more = line.wrap(self._console, max(self._console.width - _INDENT, _INDENT))
        self._console.print(first, no_wrap=True, overflow="crop")
        for part in more:
            self._console.print(Text(" " * _INDENT) + part, no_wrap=True, overflow="crop")


def follow(feed: Feed, lines: JsonLines | ReadableLines, *, forever: bool) -> None:
    """Read on and on, or to the end."""
    while True:
        records = feed.poll(POLL_S)
        lines.take(records)
        if not forever and not records and feed.at_end():
            lines.end()
            return


def _say_unreadable(seen: Seen, error: RecordError) -> None:
    """Anybody may write to a topic: what follows is read all the same."""
    say_on_stderr(f"left out of {seen.kind}: a record that RoomPulse did not write: {error}")


def _write_bytes(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
