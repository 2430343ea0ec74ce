"""`roompulse simulate`: realistic rooms with labelled surges and slumps, to a CSV file or onto the topic."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

from producer.labelled_csv import LabelWriter, RowWriter
from producer.produce import KAFKA_SETTINGS, add_replay_options
from producer.publisher import kafka_publisher
from producer.replay import replay
from roompulse.errors import UsageError
from roompulse.history import zone_named
from roompulse.history.departures import Departure
from roompulse.history.options import DEFAULT_TIMEZONE
from roompulse.history.times import MinuteReader
from roompulse.minutes import Minute, format_minute
from roompulse.pacing import Pace
from roompulse.progress import ReplayProgress
from roompulse.settings import add_settings, load_settings
from roompulse.simulation import DEFAULT_START, Delivery, FleetMove, SimulationSettings, simulate
from roompulse.summary import add_json, print_summary
from roompulse.text_file import new_text_file

_HELP = {
    "rooms": "how many rooms",
    "minutes": "how many minutes; 0 goes on for ever (only when streaming)",
    "seed": "the same seed and options give the same rooms, bit for bit",
    "typical_size": "median over the rooms of the people entering in a minute",
    "burstiness": "scales the bursts that no label names",
    "surges_per_room_hour": "labelled surges, 2 to 5 times the normal for 4 to 20 minutes",
    "slumps_per_room_hour": "labelled slumps, 0.1 to 0.5 times the normal",
    "longest_ramp_minutes": "a surge or slump comes and goes over at most so many minutes",
    "missing_rate": "chance of a room-minute to begin a run of 1 to 8 minutes that never come",
    "null_rate": "share of room-minutes whose target was not measured",
    "late_rate": "share of records that come 1 to 5 minutes late",
    "duplicate_rate": "share of records that come twice",
    "silent_share": "share of sessions that stop without an ended record",
}

EXAMPLES = """\
examples:
  roompulse simulate --out rooms.csv --labels labels.csv --seed 7
  roompulse simulate --rooms 200 --start now --minutes 0 --speed 1"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    group = parser.add_argument_group("simulation")
    defaults = SimulationSettings()
    for name, text in _HELP.items():
        default = getattr(defaults, name)
        group.add_argument(
            "--" + name.replace("_", "-"), type=type(default), default=default, metavar="N",
            help=f"{text} (default %(default)s)",
        )  # fmt: skip
    group.add_argument("--continuous", action="store_true", help="rooms run all the time instead of in sessions")
    group.add_argument(
        "--fleet-move", metavar="MINUTE:MINUTES:FACTOR",
        help="labelled move of all rooms together, as 60:15:0.4: from the simulation's minute 60, for 15 minutes, to "
        "0.4 times the normal (an outage; above 1 a promotion)",
    )  # fmt: skip
    group.add_argument(
        "--start", default=DEFAULT_START, metavar="TIME", help="first minute, or 'now' (default %(default)s)"
    )
    group.add_argument(
        "--out", type=Path, metavar="FILE", help="write a new CSV file (.gz packs it) instead of streaming"
    )
    group.add_argument(
        "--labels", type=Path, metavar="FILE", help="write the labelled surges and slumps as a new CSV file"
    )
    add_replay_options(parser.add_argument_group("streaming"))
    add_settings(parser, *KAFKA_SETTINGS)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Simulate. Returns 0, or 130 or 143 when stopped. Raises RoomPulseError."""
    chosen = simulation_settings(args)
    settings = load_settings(args)
    with ExitStack() as stack:
        labels = None
        if args.labels is not None:
            labels = LabelWriter(stack.enter_context(new_text_file(args.labels)), chosen.start.offset)
        counted = _Labelled(simulate(chosen), labels)
        if args.out is None:
            publisher = stack.enter_context(kafka_publisher(settings))
            progress = stack.enter_context(ReplayProgress())
            leaving = (Departure(delivery.minute, delivery.rows) for delivery in counted)
            pace = Pace(args.speed, head_start_minutes=args.head_start)
            done = replay(leaving, publisher, pace, progress, spread=args.spread, clocks=not args.no_clock)
            summary, exit_code = done.summary(), done.exit_code
        else:
            writer = RowWriter(stack.enter_context(new_text_file(args.out)))
            summary, exit_code = _write(counted, writer, chosen.start), 0
    print_summary(summary | {"surges": counted.surges, "slumps": counted.slumps}, as_json=args.json)
    return exit_code


def simulation_settings(args: argparse.Namespace) -> SimulationSettings:
    """The settings from parsed flags. Raises UsageError."""
    values = {item.name: getattr(args, item.name) for item in fields(SimulationSettings)}
    values["minutes"] = args.minutes or None
    values["fleet_move"] = None if args.fleet_move is None else _fleet_move(args.fleet_move)
    if values["minutes"] is None and args.out is not None:
        raise UsageError("--minutes 0 goes on for ever, which no file can hold: leave out --out or give a number")
    if args.start == "now":
        values["start"] = Minute(int(time.time() // 60) - args.head_start, 480)
    else:
        try:
            values["start"] = MinuteReader(zone_named(DEFAULT_TIMEZONE))(args.start)[0]
        except ValueError as error:
            raise UsageError(f"--start: got {args.start!r}: {error}, or 'now'") from None
    return SimulationSettings(**values)


def _fleet_move(text: str) -> FleetMove:
    """Read MINUTE:MINUTES:FACTOR. Raises UsageError."""
    try:
        first, minutes, factor = text.split(":")
        return FleetMove(int(first), int(minutes), float(factor))
    except ValueError:
        raise UsageError(
            f"--fleet-move: got {text!r}, expected MINUTE:MINUTES:FACTOR with two whole numbers, such as 60:15:0.4"
        ) from None


class _Labelled:
    """Deliveries on their way; the labels are written and counted as they pass."""

    def __init__(self, deliveries: Iterator[Delivery], writer: LabelWriter | None) -> None:
        self._deliveries, self._writer = deliveries, writer
        self.surges = self.slumps = 0

    def __iter__(self) -> Iterator[Delivery]:
        for delivery in self._deliveries:
            self.surges += sum(label.kind == "surge" for label in delivery.labels)
            self.slumps += sum(label.kind == "slump" for label in delivery.labels)
            if self._writer is not None:
                self._writer.write(delivery.labels)
            yield delivery


def _write(deliveries: _Labelled, writer: RowWriter, start: Minute) -> dict[str, object]:
    started, rows, last = time.monotonic(), 0, start
    for delivery in deliveries:
        writer.write(delivery.rows)
        rows += len(delivery.rows)
        last = delivery.minute
    seconds = time.monotonic() - started
    return {
        "rows_written": rows,
        "first_minute": format_minute(*start),
        "last_minute": format_minute(*last),
        "seconds": round(seconds, 3),
    }
