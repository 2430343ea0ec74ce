"""What the steps of the fold hand to each other: a partition's state, the context, what a batch made of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from roompulse.channels import Channels
from roompulse.overrides import Overrides
from roompulse.rules import Rules
from scorer.pipeline.contest import Contest
from scorer.pipeline.fleet import Fleet
from scorer.pipeline.follow import Follows
from scorer.pipeline.hotlist import Hot
from scorer.pipeline.wave import JUDGED_HORIZONS, STATUSES
from scorer.pipeline.write import Line, Writer
from scorer.ports import Forecaster


class Head(Struct, frozen=True):
    """A partition's own state, beside that of its rooms.

    `watermark` is the highest accepted minute (None: nothing yet), `offset` that of the record that moved it;
    `tally` the hottest rooms of that minute so far, `counted` how many records it has had, `listed` the hotlist of the
    minute before; `fleet` how its rooms move
    together; `follows` its models and settings, `contest` how the network does; `born` the first watermark; `clocked`
    whether a clock record moved the watermark last.
    """

    watermark: int | None = None
    offset: int = 0
    tally: tuple[Hot, ...] = ()
    counted: int = 0
    listed: tuple[Hot, ...] = ()
    fleet: Fleet = Fleet()
    follows: Follows = Follows()
    contest: Contest = Contest()
    born: int | None = None
    clocked: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """A model as the fold needs it: the network, the rules and how records are written.

    `model` is the bundle's hash, `dtype` the layout of a room under its network. `settings` are those that a partition
    begins with; later ones come as control records. With `demote` the fold itself asks for the plain mean where the
    network loses over a day. Control records that name a model whose hash begins with one of `ignored` are passed over.
    Minutes of new rooms are refused while the partition holds `max_rooms`.
    """

    model: str
    forecaster: Forecaster
    rules: Rules
    channels: Channels
    writer: Writer
    dtype: np.dtype[np.void]
    settings: Overrides
    partition_of: Callable[[bytes], int] | None = None
    demote: bool = False
    ignored: tuple[str, ...] = ()
    max_rooms: int = 1_000_000


@dataclass(slots=True)
class Tally:
    """What happened in a batch, for metrics and summaries."""

    events: int = 0
    clocks: int = 0
    controls: dict[tuple[str, str], int] = field(default_factory=dict)
    """Control records by what they are about and whether they were `applied` or left it `unchanged`."""
    status: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    dead: dict[str, int] = field(default_factory=dict)
    blanks: int = 0
    gated: int = 0
    """Forecasts served from the plain mean."""
    sessions: int = 0
    alerts: dict[tuple[str, str, str], int] = field(default_factory=dict)
    words: dict[tuple[str, str], int] = field(default_factory=dict)
    """What people said of rooms: `feedback` or `snooze`, and what came of it."""
    fleet: dict[tuple[str, str], int] = field(default_factory=dict)
    """Fleet records by direction and event."""
    judged: NDArray[np.float64] = field(default_factory=lambda: np.zeros((len(JUDGED_HORIZONS), 3)))
    """By horizon +1, +5, +10: forecasts judged, sum of absolute errors, sum of the naive forecast's."""
    errors: dict[tuple[int, str], NDArray[np.float64]] = field(default_factory=dict)
    """By partition and category, empty for none: what `judged` has at +1."""
    contest: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    """Room-minutes judged, absolute errors of network and plain mean a minute ahead, whichever was served."""
    covered: tuple[int, int] = (0, 0)
    """Measured minutes that had a forecast, and those inside its 10-90 % interval."""

    def add(self, other: Tally) -> None:
        """Count another batch in."""
        self.events += other.events
        self.clocks += other.clocks
        self.blanks += other.blanks
        self.gated += other.gated
        self.sessions += other.sessions
        for mine, others in ((self.status, other.status), (self.dead, other.dead)):
            for name, count in others.items():
                mine[name] = mine.get(name, 0) + count
        for label, count in other.alerts.items():
            self.alerts[label] = self.alerts.get(label, 0) + count
        for control, count in other.controls.items():
            self.controls[control] = self.controls.get(control, 0) + count
        for word, count in other.words.items():
            self.words[word] = self.words.get(word, 0) + count
        for change, count in other.fleet.items():
            self.fleet[change] = self.fleet.get(change, 0) + count
        for segment, sums in other.errors.items():
            self.errors[segment] = self.errors.get(segment, 0.0) + sums
        self.judged += other.judged
        self.contest += other.contest
        self.covered = (self.covered[0] + other.covered[0], self.covered[1] + other.covered[1])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch makes of a partition: the records to write and the state to apply once they are committed."""

    lines: list[Line]
    head: Head
    rooms: list[str]
    rows: NDArray[np.void]
    forgotten: list[str]
    tally: Tally
