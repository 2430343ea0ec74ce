"""What the loop tells about itself: frozen records, which metrics, log lines and summaries are made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scorer.pipeline.hotlist import Hot
from scorer.pipeline.partition import Outcome, Tally


@dataclass(frozen=True, slots=True)
class Committed:
    """A batch is committed: counts, seconds by stage, and each message's delay from its timestamp to now.

    `outcomes` by partition and the `positions` read up to are what came of it, to be looked at and not to be kept.
    """

    tally: Tally
    messages: int
    stage_s: Mapping[str, float]
    delay_s: NDArray[np.float64]
    outcomes: Mapping[int, Outcome] = field(default_factory=dict)
    positions: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Aborted:
    """A transaction was given up; its messages are read again."""

    reason: str


@dataclass(frozen=True, slots=True)
class BrokerAway:
    """Kafka did not answer; the loop tries again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """A partition is ours, with the state at `applied`; messages up to `live_from` are re-read without output.

    `rebuilt` says that the checkpoint was of no use, `exact` whether the topic still held all that the state needs,
    `unheeded` that this process was given settings of alerts other than those that the partition goes on with.
    """

    partition: int
    applied: int
    live_from: int
    rooms: int
    rebuilt: bool
    exact: bool
    unheeded: bool = False


@dataclass(frozen=True, slots=True)
class RecoveryDelayed:
    """A partition could not be recovered yet; it is tried again. `away` names the server that did not answer: `kafka`,
    `redis`, or none.
    """

    partition: int
    reason: str
    away: str = ""


@dataclass(frozen=True, slots=True)
class Halted:
    """A partition stands still because it lacks a model; `reason` is empty when it goes on."""

    partition: int
    reason: str


@dataclass(frozen=True, slots=True)
class Shadowed:
    """Champion and challenger have scored the sampled rooms of a batch; what each did, by role."""

    tallies: Mapping[str, Tally]


@dataclass(frozen=True, slots=True)
class ShadowMissing:
    """The challenger of a partition cannot be tried, for its bundle is not here or cannot be used."""

    partition: int
    reason: str


@dataclass(frozen=True, slots=True)
class Live:
    """A partition has been re-read up to its committed offset; from here on it writes."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A partition has gone to another scorer; its state is released."""

    partition: int


@dataclass(frozen=True, slots=True)
class Saved:
    """The checkpoint of a partition moved on; `waiting` rows of all partitions are not saved yet."""

    partition: int
    rooms: int
    seconds: float
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class SaveDelayed:
    """Redis is away; this many changed rooms wait in memory."""

    reason: str
    waiting: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Reading paused because too many changed rooms wait for Redis, or goes on again."""

    paused: bool


@dataclass(frozen=True, slots=True)
class Following:
    """What a partition follows: labels of champion and challenger (empty: none), the epoch minute since when (None: not
    known yet), and whether the plain mean is served in the network's place.
    """

    champion: str
    challenger: str
    since: int | None
    plain: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the partitions stand, told every few seconds: messages behind, rooms live, watermark in epoch minutes,
    whether a fleet event is open, what is followed and whether the checkpoint lacks something; those that wait to be
    taken over.

    `alerts` are all that are open, by kind and severity; `hot` the hottest rooms, hottest first.
    """

    behind: Mapping[int, int]
    rooms: Mapping[int, int]
    watermarks: Mapping[int, int]
    fleet: Mapping[int, bool]
    follows: Mapping[int, Following]
    unsaved: Mapping[int, bool]
    waiting: frozenset[int]
    alerts: Mapping[tuple[str, str], int]
    hot: tuple[Hot, ...]


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages that wait to be read, and the seconds until none does: 0 when caught up, infinite where they do not get
    fewer, NaN where that is not known.
    """

    messages: int
    remaining_s: float


@dataclass(frozen=True, slots=True)
class Drifted:
    """A segment's error relative to the naive forecast's was measured again; `drifted` where it changed for good."""

    partition: int
    category: str
    drifted: bool
    before: float
    now: float


Happening = (
    Committed
    | Aborted
    | BrokerAway
    | Recovered
    | RecoveryDelayed
    | Halted
    | Shadowed
    | ShadowMissing
    | Live
    | Lost
    | Saved
    | SaveDelayed
    | Reading
    | Standing
    | Backlog
    | Drifted
)
Report = Callable[[Happening], None]
