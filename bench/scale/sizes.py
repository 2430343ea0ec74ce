"""The steps of bench.growth: fleets of several sizes, a crash with all rooms, and scorers that share the partitions."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise

from bench.scale.arithmetic import cpu_us_per_event
from bench.scale.backlog import STUCK_S, follow, minutes_for, parts
from bench.scale.contest import Outcome
from bench.scale.probe import GroupProbe
from bench.scale.rig import Loaded, Rig, first_minute_of
from bench.scale.worker import Worker
from roompulse.errors import RoomPulseError
from roompulse.topics import Topics

LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Size:
    """A fleet: the cost of each part of its backlog, seconds from each start after a crash to the first commit."""

    rooms: int
    loaded: Loaded
    outcomes: Sequence[Outcome]
    restarts_s: Sequence[float]
    faults: Sequence[str]


def measure_size(rig: Rig, rooms: int, seconds: float, repeat: int, *, restart: bool) -> Size:
    """One scorer over a backlog of these rooms, the first minute of which is not measured; then crashes.

    Raises RoomPulseError.
    """
    prefix = f"rooms-{rooms}."
    minutes = 1 + minutes_for(rooms, seconds * repeat)
    first_minute = first_minute_of(minutes + 1)
    topics = rig.make_topics(prefix)
    loaded = rig.load(topics, rooms, minutes, first_minute=first_minute)
    with rig.probe(prefix, topics) as probe, ExitStack() as running:
        scorer = running.enter_context(rig.scorer(prefix, prefix))
        found = follow(probe, [scorer], rig.pids, parts(rooms, loaded.sent, repeat))
        outcomes = [
            Outcome(cpu_us_per_event(before, after), (after.events - before.events) / (end_s - begin_s))
            for (begin_s, before), (end_s, after) in pairwise(found)
        ]
        _say(f"{rooms:,} rooms", outcomes)
        restarts_s = []
        if restart:
            rig.load(topics, rooms, 1, first_minute=first_minute, step=minutes)
            for _ in range(repeat):
                scorer, took_s = _crash(rig, prefix, probe, scorer, running)
                restarts_s.append(took_s)
        scorer.stop()
        faults = _faults(rig, topics, probe, f"{rooms:,} rooms")
    rig.empty_redis()
    return Size(rooms, loaded, outcomes, restarts_s, faults)


def measure_shared(
    rig: Rig, rooms: int, seconds: float, repeat: int
) -> tuple[Mapping[int, Sequence[Outcome]], list[str]]:
    """The same load with one scorer and with two, in turn: outcomes by number of scorers, and faults.

    Raises RoomPulseError.
    """
    minutes = 1 + minutes_for(rooms, seconds)
    found: dict[int, list[Outcome]] = {1: [], 2: []}
    faults = []
    for number in range(repeat):
        for scorers in (1, 2) if number % 2 == 0 else (2, 1):
            prefix = f"shared-{number}-{scorers}."
            topics = rig.make_topics(prefix)
            with rig.probe(prefix, topics) as probe, ExitStack() as running:
                workers = [running.enter_context(rig.scorer(prefix, prefix, one + 1)) for one in range(scorers)]
                # Only then the load: a partition that moves is loaded twice, which is no cost of sharing.
                probe.wait_for_members(scorers)
                loaded = rig.load(topics, rooms, minutes, first_minute=first_minute_of(minutes))
                (begin_s, before), (end_s, after) = follow(probe, workers, rig.pids, (rooms, loaded.sent))
                per_s = (after.events - before.events) / (end_s - begin_s)
                found[scorers].append(Outcome(cpu_us_per_event(before, after), per_s))
                for worker in workers:
                    worker.stop()
                faults += _faults(rig, topics, probe, f"{scorers} scorers")
            _say(f"{scorers} scorers", found[scorers][-1:])
            rig.empty_redis()
    return found, faults


def _crash(rig: Rig, prefix: str, probe: GroupProbe, scorer: Worker, running: ExitStack) -> tuple[Worker, float]:
    """Kill a scorer at work; returns its successor and the seconds from its start to its first commit."""
    _wait_for_commit(probe, scorer)
    scorer.kill()
    begin_s = time.monotonic()
    successor = running.enter_context(rig.scorer(prefix, prefix))
    _wait_for_commit(probe, successor)
    took_s = time.monotonic() - begin_s
    print(f"restart: {took_s:.1f} s", file=sys.stderr, flush=True)
    return successor, took_s


def _wait_for_commit(probe: GroupProbe, scorer: Worker) -> None:
    """Until the group has committed more than now. Raises RoomPulseError where nothing comes."""
    before, deadline = probe.committed(), time.monotonic() + STUCK_S
    while probe.committed() <= before:
        scorer.check()
        if time.monotonic() > deadline:
            raise RoomPulseError(f"nothing was committed for {STUCK_S:g} s, at {before:,} events")
        time.sleep(LOOK_EVERY_S)


def _faults(rig: Rig, topics: Topics, probe: GroupProbe, name: str) -> list[str]:
    """Each event that was scored gave one forecast, whatever crashed meanwhile."""
    scored, forecasts = probe.committed(), rig.count(topics.forecasts)
    if scored == forecasts:
        return []
    return [f"{name}: {scored:,} events were scored, and there are {forecasts:,} committed forecasts"]


def _say(name: str, outcomes: Sequence[Outcome]) -> None:
    cost = statistics.median(run.cost["scorer"] for run in outcomes)
    print(f"{name}: {cost:.1f} us an event", file=sys.stderr, flush=True)
