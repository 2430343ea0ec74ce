"""What scoring costs over the bare minimum: the scorer's CPU an event over that of a loop that computes nothing.

    python -m bench.floor                                          # confluent
    python -m bench.floor --client kafka-python
    python -m bench.floor --rooms 2000 --seconds 10 --repeat 1     # small, to see it work

The bare loop (`bench/scale/bare.py`) consumes, decodes, encodes and produces the same records in transactions, straight
on the same client with the same settings. Both work off the same backlog, in turn, on the same servers; the start, and
the first minute, in which every room is new, are not measured. The goal is at most 2.2 with confluent.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from bench.scale.backlog import minutes_for
from bench.scale.contest import Way, compare, faults_of, report_of
from bench.scale.options import add_options
from bench.scale.report import Report, deliver
from bench.scale.rig import Rig, first_minute_of, running_rig
from bench.scale.worker import Worker
from roompulse.errors import RoomPulseError
from roompulse.topics import Topics

GOALS = {"confluent": 2.2}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code: 1 where a process failed or a check of the counts did."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add_options(parser, client="confluent", rooms=50_000, seconds=15)
    args = parser.parse_args(argv)
    try:
        with running_rig(args.client, args.partitions, args.max_batch) as rig:
            report = measure(rig, args.rooms, args.seconds, args.repeat)
    except RoomPulseError as error:
        print(f"bench.floor: {error}", file=sys.stderr)
        return 1
    return deliver(report, as_json=args.json, as_markdown=args.markdown)


def measure(rig: Rig, rooms: int, seconds: float, repeat: int) -> Report:
    """Scorer and bare loop in turn. Raises RoomPulseError."""
    minutes = 1 + minutes_for(rooms, seconds)
    topics, bare = rig.make_topics(""), rig.make_topics("bare.")
    loaded = rig.load(topics, rooms, minutes, first_minute=first_minute_of(minutes))
    # The scorer comes first: the bare loop takes the numbers that it writes from those forecasts.
    ways = (
        Way("scorer", lambda group: [rig.scorer("", group)], topics.forecasts),
        Way("bare loop", lambda group: [_bare_loop(rig, topics, bare, group)], bare.forecasts),
    )
    found = compare(rig, topics, ways, repeat=repeat, warm=rooms, events=loaded.sent)
    faults = faults_of(rig, ways, repeat * loaded.sent)
    title = f"Scorer and bare loop, {loaded.sent:,} events of {rooms:,} rooms, exactly once"
    return report_of(title, rig.client, rooms, found, loaded, GOALS, faults)


def _bare_loop(rig: Rig, topics: Topics, bare: Topics, group: str) -> Worker:
    arguments = {
        "--client": rig.client, "--bootstrap-servers": rig.kafka.address, "--topic": topics.minutes,
        "--output": bare.forecasts, "--like": topics.forecasts, "--group": group, "--max-batch": str(rig.max_batch),
    }  # fmt: skip
    flat = [part for pair in arguments.items() for part in pair]
    return Worker("bare loop", ["-m", "bench.scale.bare", *flat])


if __name__ == "__main__":
    sys.exit(main())
