"""What a trial does: drawn from a seed and its number, and from nothing else."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.faults import FAULTS, SLOW
from tests.chaos.feed import FREE

CLIENTS = ("kafka-python", "confluent")
MAX_BATCHES = (40, 150, 5000)


@dataclass(frozen=True, slots=True)
class Plan:
    """`faults` strike when the slices `at` are written. `early`: the input does not wait for the scorer to be there."""

    seed: int
    number: int
    client: str
    faults: tuple[str, ...] = ()
    at: tuple[int, ...] = ()
    scorers: int = 1
    max_batch: int = 150
    static: bool = False
    early: bool = False

    @property
    def name(self) -> str:
        """What gives the same trial again."""
        return f"{self.seed}/{self.number}"

    @property
    def line(self) -> str:
        """All of it in words."""
        what = " + ".join(f"{fault} @{at}" for fault, at in zip(self.faults, self.at, strict=True)) or "undisturbed"
        how = f"{self.scorers} scorer{'s' * (self.scorers > 1)}, batches of {self.max_batch}"
        how += ", static" * self.static + ", early" * self.early
        return f"trial {self.number} of seed {self.seed}, {self.client}: {what} ({how})"

    @property
    def rough_kafka(self) -> bool:
        """Whether the scorers' way to Kafka is the one with weather."""
        return any(FAULTS[fault].rough == "kafka" for fault in self.faults)

    @property
    def rough_redis(self) -> bool:
        """The same of Redis."""
        return any(FAULTS[fault].rough == "redis" for fault in self.faults)


def draw(seed: int, number: int, clients: Sequence[str]) -> Plan:
    """Trial `number` of a run. Every fault comes with every client before one comes again; half get a second fault."""
    deck = [(fault, client) for fault in FAULTS for client in clients]
    turn, place = divmod(number, len(deck))
    random.Random(f"{seed}/deck/{turn}").shuffle(deck)
    fault, client = deck[place]
    chance = random.Random(f"{seed}/second/{number}")
    second = chance.choice([name for name in FAULTS if name not in SLOW])
    return with_faults(seed, number, client, (fault, second) if chance.random() < 0.5 else (fault,))


def with_faults(seed: int, number: int, client: str, faults: Sequence[str]) -> Plan:
    """The plan with these faults, the second not before the first; all else is drawn."""
    chance = random.Random(f"{seed}/{number}")
    at = [chance.randint(1, FREE - 4)]
    at += [chance.randint(at[0], FREE) for _ in faults[1:]]
    return Plan(
        seed, number, client, tuple(faults), tuple(at),
        scorers=chance.choice((1, 1, 2)),
        max_batch=chance.choice(MAX_BATCHES),
        static=chance.random() < 0.3,
        early=chance.random() < 0.2,
    )  # fmt: skip
