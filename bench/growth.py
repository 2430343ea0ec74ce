"""What grows with the fleet: CPU an event by number of rooms, the restart with all of them, two scorers against one.

    python -m bench.growth --client confluent                      # up to 1,000,000 rooms
    python -m bench.growth --rooms 20000 --seconds 3 --repeat 1    # small, to see it work

1. A backlog of a hundredth of `--rooms`, a tenth, and all: CPU an event in `--repeat` parts of `--seconds` each, once
   every room is known. The goal is within 1.3 times.
2. With all of them in Redis and events flowing, SIGKILL; then the time from the start of the next process to its first
   commit, under the same static name. The goal is below 15 s.
3. A tenth of the rooms with one scorer and with two that share the partitions, in turn. The goal is within 1.15 times.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence

from bench.scale.arithmetic import medians
from bench.scale.contest import SERVED, Outcome
from bench.scale.options import add_options
from bench.scale.report import Report, costs, deliver, goal
from bench.scale.rig import running_rig
from bench.scale.sizes import Size, measure_shared, measure_size
from roompulse.errors import RoomPulseError

ROOMS_GOAL, RESTART_GOAL_S, SHARED_GOAL = 1.3, 15.0, 1.15
SHARES = (100, 10, 1)
COLUMNS = ("", "client", "rooms", f"CPU us an event: {' / '.join(SERVED)}", "runs", "ratio, or seconds")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code: 1 where a process failed or a check of the counts did."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add_options(parser, client="confluent", rooms=1_000_000, seconds=20)
    args = parser.parse_args(argv)
    try:
        with running_rig(args.client, args.partitions, args.max_batch) as rig:
            fleets = [max(1, args.rooms // share) for share in SHARES]
            sizes = [
                measure_size(rig, rooms, args.seconds, args.repeat, restart=rooms == fleets[-1]) for rooms in fleets
            ]
            shared, faults = measure_shared(rig, fleets[1], args.seconds, args.repeat)
    except RoomPulseError as error:
        print(f"bench.growth: {error}", file=sys.stderr)
        return 1
    return deliver(report_of(args.client, sizes, shared, faults), as_json=args.json, as_markdown=args.markdown)


def report_of(
    client: str, sizes: Sequence[Size], shared: Mapping[int, Sequence[Outcome]], faults: Sequence[str]
) -> Report:
    """All three parts. The ratio is that of the largest fleet over the cheapest."""
    by_size = {size.rooms: medians([run.cost for run in size.outcomes]) for size in sizes}
    by_scorers = {scorers: medians([run.cost for run in runs]) for scorers, runs in shared.items()}
    scorer_costs = [cost["scorer"] for cost in by_size.values()]
    ratio = max(scorer_costs) / min(scorer_costs)
    sharing = by_scorers[2]["scorer"] / by_scorers[1]["scorer"]
    largest = sizes[-1]
    restart_s = statistics.median(largest.restarts_s)
    rows = [
        ("CPU by rooms", client, f"{size.rooms:,}", costs(by_size[size.rooms], SERVED), _runs(size.outcomes), "")
        for size in sizes
    ]
    rows[-1] = (*rows[-1][:-1], goal(ratio, ROOMS_GOAL))
    told = " ".join(f"{took_s:.1f}" for took_s in largest.restarts_s)
    rows.append(
        ("restart to first commit, s", client, f"{largest.rooms:,}", "-", told, goal(restart_s, RESTART_GOAL_S))
    )
    rows += [
        (f"scorers: {scorers}", client, f"{sizes[1].rooms:,}", costs(by_scorers[scorers], SERVED), _runs(runs), "")
        for scorers, runs in shared.items()
    ]
    rows[-1] = (*rows[-1][:-1], goal(sharing, SHARED_GOAL))
    more = {
        "client": client,
        "by_rooms": {str(rooms): {name: round(us, 2) for name, us in cost.items()} for rooms, cost in by_size.items()},
        "restart_s": round(restart_s, 2),
        "restarts_s": [round(took_s, 2) for took_s in largest.restarts_s],
        "by_scorers": {str(n): {name: round(us, 2) for name, us in cost.items()} for n, cost in by_scorers.items()},
        "scorers_ratio": round(sharing, 3),
    }
    return Report(
        f"CPU by rooms, restart, sharing; up to {largest.rooms:,} rooms, exactly once", COLUMNS, rows,
        statistics.median(run.events_per_s for run in largest.outcomes),
        by_size[largest.rooms] | {"generator": largest.loaded.cost_us}, ratio, more=more,
        faults=[*(fault for size in sizes for fault in size.faults), *faults],
    )  # fmt: skip


def _runs(outcomes: Sequence[Outcome]) -> str:
    return " ".join(f"{run.cost['scorer']:.1f}" for run in outcomes)


if __name__ == "__main__":
    sys.exit(main())
