"""What scoring costs against a peer: the scorer's CPU an event over that of Quix Streams with a smoothed z-score only.

    python -m bench.peer --client confluent                        # the goal is at most 0.6
    python -m bench.peer --client kafka-python                     # at most 1.2
    python -m bench.peer --rooms 2000 --seconds 10 --repeat 1      # small, to see it work

Both read the same topic exactly once and write one record for each event; Quix Streams keeps its own state (RocksDB and
a changelog topic), the scorer its own (memory and Redis). They work off the same backlog, in turn, on the same servers;
the start, and the first minute, in which every room is new, are not measured. Quix Streams is installed into
build/peer, an environment of its own, at the first run. It always runs on confluent-kafka, its only client.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.scale.backlog import minutes_for
from bench.scale.contest import Way, compare, faults_of, report_of
from bench.scale.options import add_options
from bench.scale.peer_environment import peer_python
from bench.scale.report import Report, deliver
from bench.scale.rig import Rig, first_minute_of, running_rig
from bench.scale.worker import Worker
from roompulse.errors import RoomPulseError

GOALS = {"confluent": 0.6, "kafka-python": 1.2}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code: 1 where a process failed or a check of the counts did."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add_options(parser, client="confluent", rooms=50_000, seconds=15)
    args = parser.parse_args(argv)
    try:
        python = peer_python()
        with running_rig(args.client, args.partitions, args.max_batch) as rig, tempfile.TemporaryDirectory() as state:
            report = measure(rig, args.rooms, args.seconds, args.repeat, python, Path(state))
    except RoomPulseError as error:
        print(f"bench.peer: {error}", file=sys.stderr)
        return 1
    return deliver(report, as_json=args.json, as_markdown=args.markdown)


def measure(rig: Rig, rooms: int, seconds: float, repeat: int, python: str, state: Path) -> Report:
    """Scorer and peer in turn. Raises RoomPulseError."""
    minutes = 1 + minutes_for(rooms, seconds)
    topics, theirs = rig.make_topics(""), rig.make_topics("peer.")
    loaded = rig.load(topics, rooms, minutes, first_minute=first_minute_of(minutes))

    def peer(group: str) -> list[Worker]:
        arguments = {
            "--bootstrap-servers": rig.kafka.address, "--group": group, "--topic": topics.minutes,
            "--output": theirs.forecasts, "--state": str(state / group),
        }  # fmt: skip
        flat = [part for pair in arguments.items() for part in pair]
        return [Worker("Quix Streams", [str(_SCRIPT), *flat], python=python)]

    ways = (
        Way("scorer", lambda group: [rig.scorer("", group)], topics.forecasts),
        Way("Quix Streams", peer, theirs.forecasts),
    )
    found = compare(rig, topics, ways, repeat=repeat, warm=rooms, events=loaded.sent)
    faults = faults_of(rig, ways, repeat * loaded.sent)
    title = f"Scorer and Quix Streams, {loaded.sent:,} events of {rooms:,} rooms, exactly once"
    return report_of(title, rig.client, rooms, found, loaded, GOALS, faults)


_SCRIPT = Path(__file__).resolve().parent / "scale" / "peer_quix.py"

if __name__ == "__main__":
    sys.exit(main())
