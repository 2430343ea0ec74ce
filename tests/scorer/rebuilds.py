"""How close a state comes that is rebuilt from the last hours alone: simulated rooms, Redis emptied, history gone.

python -m tests.scorer.rebuilds     # the table of docs/checkpoint.md
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

import numpy as np

from roompulse.history import encode_row
from roompulse.minutes import parse_minute
from roompulse.simulation.delivery import simulate
from roompulse.simulation.settings import SimulationSettings
from scorer import happenings as told
from scorer.adapters.memory_checkpoint import MemoryCheckpoint
from scorer.adapters.memory_log import MemoryLog, MemoryTopic
from scorer.loop import LoopOptions, ScoringLoop
from scorer.pipeline.partition import Context
from scorer.ports import Message, Output
from tests.properties.test_shipped_model import context
from tests.scorer.fakes import TOPICS

AFTER_MINUTES = 60
"""So long the output is compared, from the moment on at which the state was lost."""


NEAR_MINUTES = 2
"""An alert that opens so much earlier or later is the same."""


@dataclass(frozen=True, slots=True)
class Closeness:
    """Of the forecasts after the loss: how many, which share differs in any byte, and how far their medians a minute
    ahead are apart, in widths of the 10-90 % interval: half of them by less than `median`. Of the alert openings: how
    many, and which share only one of both runs has.
    """

    forecasts: int
    forecasts_differing: float
    median: float
    p99: float
    alerts: int
    alerts_differing: float


@cache
def _history(rooms: int, minutes: int, seed: int) -> tuple[list[Message], list[int]]:
    """The log of one partition, and where each minute begins in it."""
    settings = SimulationSettings(
        rooms=rooms, minutes=minutes + AFTER_MINUTES, seed=seed, continuous=True, surges_per_room_hour=0.5,
        slumps_per_room_hour=0.2,
    )  # fmt: skip
    log: list[Message] = []
    begins: list[int] = []
    for delivery in simulate(settings):
        begins.append(len(log))
        for row in delivery.rows:
            log.append(Message(len(log), delivery.minute.epoch * 60_000, *encode_row(row), ()))
    return log, begins


def _score(topic: MemoryTopic, until: int) -> list[told.Recovered]:
    """A new process with an empty store reads to an offset."""
    happenings: list[told.Happening] = []

    def model(wanted: str | None) -> Context:
        return context()

    def stop() -> bool:
        return topic.committed.get(0, 0) >= until

    log = MemoryLog(topic)
    options = LoopOptions(2000, max_dirty_rooms=1 << 62, rebuild_hours=24.0 * 365 * 200)
    ScoringLoop(log, MemoryCheckpoint(), model, options, happenings.append, stop).run()
    log.close()
    return [happening for happening in happenings if isinstance(happening, told.Recovered)]


@cache
def _undisturbed(rooms: int, minutes: int, seed: int) -> tuple[list[Output], list[Output]]:
    """Forecasts and alerts after the moment of the loss, of a scorer that lost nothing."""
    log, begins = _history(rooms, minutes, seed)
    topic = MemoryTopic(1)
    topic.messages[0] = log[: begins[minutes]]
    _score(topic, begins[minutes])
    topic.outputs.clear()
    # The same process would go on; a rebuild from the whole topic is exact, which other tests show.
    topic.messages[0] = log
    _score(topic, len(log))
    return topic.outputs[TOPICS.forecasts, 0], topic.outputs[TOPICS.alerts, 0]


def closeness(kept_minutes: int, *, rooms: int = 40, minutes: int = 300, seed: int = 3) -> Closeness:
    """Lose the state after so many minutes, with so many of them still on the topic, and compare what comes then."""
    log, begins = _history(rooms, minutes, seed)
    topic = MemoryTopic(1)
    topic.messages[0] = list(log)
    topic.committed[0] = begins[minutes]
    topic.forget(0, begins[max(minutes - kept_minutes, 0)])
    (recovered,) = _score(topic, len(log))
    assert recovered.rebuilt
    forecasts, alerts = _undisturbed(rooms, minutes, seed)
    found = topic.outputs[TOPICS.forecasts, 0]
    away = _away(forecasts, found)
    return Closeness(
        len(away),
        float(np.mean([one.value != two.value for one, two in zip(forecasts, found, strict=True)])),
        float(np.median(away)),
        float(np.quantile(away, 0.99)),
        len(_openings(alerts)),
        _differing(alerts, topic.outputs[TOPICS.alerts, 0]),
    )


def _away(forecasts: list[Output], found: list[Output]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How far the medians a minute ahead are apart, in widths of the undisturbed interval."""
    away = []
    for one, two in zip(forecasts, found, strict=True):
        right, other = (json.loads(output.value or b"")["quantiles"] for output in (one, two))
        width = max(right["0.9"][0] - right["0.1"][0], 1e-9)
        away.append(abs(right["0.5"][0] - other["0.5"][0]) / width)
    return np.array(away, np.float64)


def _openings(alerts: list[Output]) -> list[tuple[str, str, int]]:
    """Room, kind and minute of each opening."""
    records = [json.loads(output.value or b"") for output in alerts]
    return [(r["room_id"], r["kind"], parse_minute(r["minute"]).epoch) for r in records if r["event"] == "open"]


def _differing(alerts: list[Output], found: list[Output]) -> float:
    """The share of openings that only one of both has, give or take NEAR_MINUTES."""
    one, two = _openings(alerts), _openings(found)
    lonely = sum(not any(_are_near(each, other) for other in two) for each in one)
    lonely += sum(not any(_are_near(each, other) for other in one) for each in two)
    return lonely / max(len(one) + len(two), 1)


def _are_near(one: tuple[str, str, int], two: tuple[str, str, int]) -> bool:
    return one[:2] == two[:2] and abs(one[2] - two[2]) <= NEAR_MINUTES


def main() -> None:
    """Print the table."""
    sums: dict[int, list[Closeness]] = defaultdict(list)
    for kept in (30, 60, 120, 240):
        for seed in (3,):
            sums[kept].append(closeness(kept, seed=seed))
    print("| minutes read again | forecasts that differ | median | 99 % | alert openings that differ |")
    print("|---|---|---|---|---|")
    for kept, seeds in sums.items():
        mean = {
            name: float(np.mean([getattr(one, name) for one in seeds]))
            for name in ("forecasts_differing", "median", "p99", "alerts_differing")
        }
        print(
            f"| {kept} | {mean['forecasts_differing']:.1%} | {mean['median']:.4f} | {mean['p99']:.3f} "
            f"| {mean['alerts_differing']:.1%} of {sum(one.alerts for one in seeds)} |"
        )


if __name__ == "__main__":
    main()
