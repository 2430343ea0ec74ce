"""Two ways over the same backlog, in turn, within one run: what an event costs each of them."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench.scale.arithmetic import cpu_us_per_event, medians
from bench.scale.backlog import follow
from bench.scale.report import PROCESSES, Report, costs, goal
from bench.scale.rig import Loaded, Rig
from bench.scale.worker import Worker
from roompulse.topics import Topics

SERVED = PROCESSES[:3]


@dataclass(frozen=True, slots=True)
class Way:
    """How to start the processes of a way, for a group of their own, and the topic that answers every event once."""

    name: str
    start: Callable[[str], Sequence[Worker]]
    output: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """CPU microseconds an event by process, and events a second, of one run of one way."""

    cost: Mapping[str, float]
    events_per_s: float


def compare(
    rig: Rig, topics: Topics, ways: Sequence[Way], *, repeat: int, warm: int, events: int
) -> dict[str, list[Outcome]]:
    """Run every way `repeat` times over the topic's events, of which the first `warm` are not measured.

    The order changes from round to round. Raises RoomPulseError.
    """
    found: dict[str, list[Outcome]] = {way.name: [] for way in ways}
    for number in range(repeat):
        for way in ways if number % 2 == 0 else ways[::-1]:
            outcome = _run(rig, topics, way, f"{way.name.replace(' ', '-')}-{number}", warm, events)
            found[way.name].append(outcome)
            print(f"{way.name}: {outcome.cost['scorer']:.1f} us an event", file=sys.stderr, flush=True)
            rig.empty_redis()
    return found


def faults_of(rig: Rig, ways: Sequence[Way], expected: int) -> list[str]:
    """What must be so whatever the speed: every way answered every event of every run exactly once."""
    counts = {way.name: rig.count(way.output) for way in ways}
    return [
        f"{name}: {expected:,} events were worked off, and there are {count:,} committed answers"
        for name, count in counts.items()
        if count != expected
    ]


def report_of(
    title: str,
    client: str,
    rooms: int,
    found: Mapping[str, Sequence[Outcome]],
    loaded: Loaded,
    limits: Mapping[str, float],
    faults: Sequence[str],
) -> Report:
    """The first way against the second: one row each. The ratio is that of the medians; its limit is the client's."""
    median = {name: medians([run.cost for run in runs]) for name, runs in found.items()}
    first, second = median
    ratio = median[first]["scorer"] / median[second]["scorer"]
    verdict = goal(ratio, limits[client]) if client in limits else f"{ratio:.2f}"
    rows = [
        (
            name,
            client,
            f"{rooms:,}",
            costs(median[name], SERVED),
            " ".join(f"{run.cost['scorer']:.1f}" for run in runs),
            verdict if name == first else "",
        )
        for name, runs in found.items()
    ]
    columns = ("", "client", "rooms", f"CPU us an event: itself / {' / '.join(SERVED[1:])}", "runs", "ratio")
    more = {
        "rooms": rooms,
        "client": client,
        "events": loaded.sent,
        "against": second,
        "against_cpu_us_per_event": {name: round(cost, 2) for name, cost in median[second].items()},
        "runs": {name: [round(run.cost["scorer"], 2) for run in runs] for name, runs in found.items()},
    }
    held_per_s = statistics.median(run.events_per_s for run in found[first])
    cost = median[first] | {"generator": loaded.cost_us}
    return Report(title, columns, rows, held_per_s, cost, ratio, more=more, faults=faults)


def _run(rig: Rig, topics: Topics, way: Way, group: str, warm: int, events: int) -> Outcome:
    with rig.probe(group, topics) as probe, ExitStack() as running:
        workers = [running.enter_context(worker) for worker in way.start(group)]
        (begin_s, before), (end_s, after) = follow(probe, workers, rig.pids, (warm, events))
        for worker in workers:
            worker.stop()
    return Outcome(cpu_us_per_event(before, after), (after.events - before.events) / (end_s - begin_s))
