"""A load at its own pace, held or not: what bench.rooms measures, step by step."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bench.scale.arithmetic import Reading
from bench.scale.backlog import read_costs
from bench.scale.probe import GroupProbe
from bench.scale.processes import available_bytes, resident_bytes
from bench.scale.rig import Rig
from bench.scale.worker import Worker
from roompulse.topics import Topics

GROUP = "bench-rooms"
LEAD_S = 5.0
"""Until the generator has its records ready."""
LOOK_EVERY_S = 1.0
DRAIN_S = 120.0
WATCHED_SHARE = 4
"""One in so many partitions is watched for delays."""


@dataclass(frozen=True, slots=True)
class Load:
    """Rooms with an event a minute each; `repeat` windows of `seconds` each after `warm_up_s`."""

    rooms: int
    scorers: int
    warm_up_s: float
    seconds: float
    repeat: int

    @property
    def rate_per_s(self) -> float:
        """Events offered a second."""
        return self.rooms / 60

    @property
    def edges_s(self) -> list[float]:
        """Where the windows begin and end, in seconds since the first event."""
        return [self.warm_up_s + number * self.seconds for number in range(self.repeat + 1)]


@dataclass(frozen=True, slots=True)
class Held:
    """`readings` with their times at the edges, (time, lag) samples between them, delays by window and over all."""

    readings: Sequence[tuple[float, Reading]]
    lags: Sequence[tuple[float, int]]
    delays: Sequence[Mapping[str, Any]]
    sent: int
    late_s: float
    committed: int
    forecasts: int
    summaries: Sequence[Mapping[str, Any]]
    scorer_bytes: int
    redis_bytes: int
    least_free_bytes: int


def hold(rig: Rig, load: Load) -> Held:
    """Run the whole load. Raises RoomPulseError where a process fails or does not come up."""
    topics = rig.make_topics("")
    with rig.probe(GROUP, topics) as probe, ExitStack() as running:
        scorers = [running.enter_context(rig.scorer("", GROUP, number + 1)) for number in range(load.scorers)]
        probe.wait_for_members(load.scorers)
        scorer_bytes, redis_bytes = _resident(scorers), rig.redis_bytes()
        start_s = time.time() + LEAD_S
        generator = running.enter_context(_generator(rig, topics, load, start_s))
        watcher = running.enter_context(_watcher(rig, topics, load, start_s))
        pids = {"scorer": [one.pid for one in scorers], **rig.pids, "generator": [generator.pid]}
        pids["watcher"] = [watcher.pid]
        workers = [*scorers, generator, watcher]
        readings: list[tuple[float, Reading]] = []
        lags: list[tuple[float, int]] = []
        least_free = available_bytes()
        for edge_s in load.edges_s:
            while (left_s := start_s + edge_s - time.time()) > 0:
                time.sleep(min(LOOK_EVERY_S, left_s))
                for worker in workers[: -2 if edge_s == load.edges_s[-1] else None]:
                    worker.check()
                least_free = min(least_free, available_bytes())
                if readings:
                    lags.append((time.time() - start_s, probe.end() - probe.committed()))
            readings.append((time.time() - start_s, Reading(probe.committed(), read_costs(pids))))
            lags.append((readings[-1][0], probe.end() - readings[-1][1].events))
        scorer_bytes, redis_bytes = _resident(scorers) - scorer_bytes, rig.redis_bytes() - redis_bytes
        sent = generator.finish(DRAIN_S)
        _drain(probe, scorers, sent["sent"])
        delays = watcher.stop()["windows"]
        summaries = [scorer.stop() for scorer in scorers]
        committed = probe.committed()
        forecasts = rig.count(topics.forecasts)
    return Held(
        readings, lags, delays, sent["sent"], sent["late_s"], committed, forecasts, summaries, scorer_bytes,
        redis_bytes, least_free,
    )  # fmt: skip


def _generator(rig: Rig, topics: Topics, load: Load, start_s: float) -> Worker:
    return rig.generator(topics, load.rooms, "--seconds", str(load.edges_s[-1]), "--start", repr(start_s))


def _watcher(rig: Rig, topics: Topics, load: Load, start_s: float) -> Worker:
    watched = map(str, range(0, rig.partitions, WATCHED_SHARE))
    edges = map(str, load.edges_s)
    where = ("--bootstrap-servers", rig.kafka.address, "--topic", topics.forecasts, "--rooms", str(load.rooms))
    which = ("--start", repr(start_s), "--partitions", *watched, "--edges", *edges)
    return Worker("watcher", ["-m", "bench.scale.watch_delays", *where, *which])


def _drain(probe: GroupProbe, scorers: Sequence[Worker], sent: int) -> None:
    """Wait until everything is scored; a load that was too much is given up after a while."""
    deadline = time.monotonic() + DRAIN_S
    while probe.committed() < sent and time.monotonic() < deadline:
        for scorer in scorers:
            scorer.check()
        time.sleep(0.2)


def _resident(workers: Sequence[Worker]) -> int:
    return sum(resident_bytes(worker.pid) for worker in workers)
