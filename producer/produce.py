"""`roompulse produce FILE...`: replays CSV history onto the topic of room-minutes."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

from producer.publisher import kafka_publisher
from producer.replay import replay
from producer.shifting import shift_rows
from roompulse.history import (
    HistoryReport,
    HistoryRow,
    add_clone_option,
    add_history_options,
    clone_rooms,
    history_options,
    read_history,
    say_on_stderr,
)
from roompulse.history.departures import departures
from roompulse.pacing import Pace, speed
from roompulse.progress import ReplayProgress
from roompulse.settings import KAFKA, add_settings, load_settings
from roompulse.summary import add_json, print_summary

KAFKA_SETTINGS = (
    *KAFKA,
    "topic_prefix",
    "create_topics",
    "partitions",
    "replication_factor",
    "connect_timeout_s",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_history_options(parser)
    group = parser.add_argument_group("replay")
    add_replay_options(group)
    group.add_argument("--shift-to-now", action="store_true", help="move history so that it begins in this minute")
    group.add_argument("--loop", action="store_true", help="start again at the end, later by the length of the history")
    add_clone_option(parser)
    add_settings(parser, *KAFKA_SETTINGS)
    add_json(parser)


def add_replay_options(group: argparse._ArgumentGroup) -> None:
    """The flags that replay and simulation share."""
    group.add_argument(
        "--speed", type=speed, default=60.0, help="times real time, or max for as fast as possible (default 60)"
    )
    group.add_argument("--spread", action="store_true", help="spread the rows of a minute over that minute")
    group.add_argument(
        "--head-start", type=_minutes, default=0, metavar="MINUTES",
        help="the first MINUTES leave at once; where the replay is to begin now, they are the minutes before now "
        "(default 0)",
    )  # fmt: skip
    group.add_argument(
        "--no-clock", action="store_true", help="do not end with the clock records that end open sessions"
    )


def _minutes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number of minutes from 0 to 99999")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Replay. Returns 0, 1 when there was nothing to replay, 130 or 143 when stopped. Raises RoomPulseError."""
    settings = load_settings(args)
    options = history_options(args)
    report = HistoryReport(say=say_on_stderr)
    # The headers are checked here: a wrong file is told before Kafka is asked for anything.
    first_pass = clone_rooms(read_history(args.files, options, report), args.rooms)

    def passes(number: int) -> Iterator[HistoryRow]:
        # Bad rows are reported and counted once, not in every pass.
        return first_pass if number == 0 else clone_rooms(read_history(args.files, options), args.rooms)

    with kafka_publisher(settings) as publisher, ReplayProgress() as progress:
        now = int(time.time() // 60) - args.head_start if args.shift_to_now else None
        rows = shift_rows(passes, first_epoch=now, loop=args.loop)
        pace = Pace(args.speed, head_start_minutes=args.head_start)
        done = replay(departures(rows), publisher, pace, progress, spread=args.spread, clocks=not args.no_clock)
    counts = {"rows_read": report.rows_read, "bad_rows": report.bad_rows, "left_out": report.left_out}
    print_summary(counts | done.summary(), as_json=args.json)
    if not done.events and not done.exit_code:
        say_on_stderr("roompulse produce: no row to replay")
        return 1
    return done.exit_code
