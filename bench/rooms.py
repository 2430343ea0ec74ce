"""How many rooms, one event a minute each, this machine holds: exactly once, with real Kafka, Redis, scorer and load.

    python -m bench.rooms                                          # 1,000,000 rooms, kafka-python
    python -m bench.rooms --client confluent --rooms 2000000
    python -m bench.rooms --rooms 2000 --seconds 10 --repeat 1     # small, to see it work

Generator, scorers, broker and Redis are processes of their own and share the machine. The load never waits for the
scorer; the first minute (`--warm-up`), in which every room is new, is not measured. Then come `--repeat` windows of
`--seconds`, without a pause. At the end everything is scored, and the committed forecasts are counted.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence

from bench.scale.arithmetic import cpu_us_per_event, grows, medians, slope_of
from bench.scale.options import add_options
from bench.scale.paced import Held, Load, hold
from bench.scale.report import PROCESSES, Report, costs, deliver
from bench.scale.rig import running_rig
from roompulse.errors import RoomPulseError

COLUMNS = (
    "rooms", "client", "events/s held", "lag grows", "delay, s: p50 / p99 / max",
    f"CPU us an event: {' / '.join(PROCESSES)}", "cores, all", "bytes a room: scorer / Redis",
)  # fmt: skip

NOT_SCORED = ("late", "duplicate", "dead_letters", "unaccounted")
"""Counts of the scorer's summary that have to be 0: nothing of the kind is in the load."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code: 1 where a process failed or a check of the counts did."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add_options(parser, client="kafka-python", rooms=1_000_000, seconds=40)
    parser.add_argument("--scorers", type=int, default=1, help="processes that share the partitions")
    parser.add_argument("--warm-up", type=float, default=120.0, help="seconds before the first measurement")
    args = parser.parse_args(argv)
    load = Load(args.rooms, args.scorers, args.warm_up, args.seconds, args.repeat)
    try:
        with running_rig(args.client, args.partitions, args.max_batch) as rig:
            held = hold(rig, load)
        report = report_of(args.client, load, held)
    except (RoomPulseError, ValueError) as error:
        print(f"bench.rooms: {error}", file=sys.stderr)
        return 1
    return deliver(report, as_json=args.json, as_markdown=args.markdown)


def report_of(client: str, load: Load, held: Held) -> Report:
    """What was held, as one row. Raises ValueError where too little was seen to say so."""
    windows = list(zip(held.readings, held.readings[1:], strict=False))
    cost = medians([cpu_us_per_event(before, after) for (_, before), (_, after) in windows])
    rates = [(after.events - before.events) / (end - begin) for (begin, before), (end, after) in windows]
    held_per_s = statistics.median(rates)
    slope = slope_of([at for at, _ in held.lags], [lag for _, lag in held.lags])
    growing = grows(slope, load.rate_per_s)
    lag = statistics.median(lag for _, lag in held.lags[-5:])
    (begin, first), (end, last) = held.readings[0], held.readings[-1]
    cores = sum(last.cpu_s[name] - first.cpu_s[name] for name in first.cpu_s) / (end - begin)
    *runs, overall = held.delays
    delay = [overall[name] for name in ("p50_s", "p99_s", "max_s")]
    seen = min(load.rooms, held.sent)
    by_room = [held.scorer_bytes / seen, held.redis_bytes / seen]
    row = (
        f"{load.rooms:,}",
        client if load.scorers == 1 else f"{client}, {load.scorers} scorers",
        f"{held_per_s:,.0f} ({held_per_s / load.rate_per_s:.1%})",
        f"{'yes' if growing else 'no'}: {lag:,.0f} events, {slope:+.0f} a second",
        " / ".join("-" if one is None else f"{one:.2f}" for one in delay),
        costs(cost),
        f"{cores:.2f}",
        " / ".join(f"{size:,.0f}" for size in by_room),
    )
    more = {
        "rooms": load.rooms,
        "client": client,
        "scorers": load.scorers,
        "offered_per_s": round(load.rate_per_s, 1),
        "lag_events": lag,
        "lag_slope_per_s": round(slope, 2),
        "delay_p50_s": delay[0],
        "delay_max_s": delay[2],
        "cores": round(cores, 3),
        "bytes_per_room": {"scorer": round(by_room[0]), "redis": round(by_room[1])},
        "least_free_gib": round(held.least_free_bytes / 2**30, 2),
        "generator_late_s": held.late_s,
        "runs": [{"events_per_s": round(rate, 1), **run} for rate, run in zip(rates, runs, strict=True)],
        "events": held.sent,
    }
    return Report(
        f"{load.rooms:,} rooms, one event a minute each, {load.repeat} windows of {load.seconds:g} s",
        COLUMNS, [row], held_per_s, cost, held_per_s / load.rate_per_s, growing, delay[1], more,
        faults_of(held),
    )  # fmt: skip


def faults_of(held: Held) -> list[str]:
    """What must be so whatever the speed: each event that was scored gave one forecast, and all were scored."""
    faults = []
    if held.forecasts != held.committed:
        faults.append(f"{held.committed:,} events were scored, and there are {held.forecasts:,} committed forecasts")
    if held.committed != held.sent:
        faults.append(f"{held.sent:,} events were sent, and {held.committed:,} were scored in time")
    counts = {name: sum(summary[name] for summary in held.summaries) for name in NOT_SCORED}
    faults += [f"{count:,} events are counted as {name}" for name, count in counts.items() if count]
    if not held.delays[-1]["seen"]:
        faults.append("no forecast was seen within the windows")
    return faults


if __name__ == "__main__":
    sys.exit(main())
