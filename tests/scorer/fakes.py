"""A forecaster that can be worked out by hand, records in one line, and one partition's fold to send them to."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roompulse.channels import Channels
from roompulse.minutes import format_minute, parse_minute
from roompulse.overrides import Overrides
from roompulse.rooms import room_dtype
from roompulse.rules import BUDGET_KNOTS, SIZES, Rules
from roompulse.topics import (
    CLOCK_HEADER,
    CLOCK_SCHEMA,
    CONTROL_SCHEMA,
    FEEDBACK_SCHEMA,
    SCHEMA_HEADER,
    SNOOZE_SCHEMA,
    Topics,
)
from scorer.pipeline.fold import Fold
from scorer.pipeline.partition import Context, Outcome, Tally
from scorer.pipeline.write import Writer
from scorer.ports import Headers, Message, Output

START = parse_minute("2024-05-01T12:00:00+08:00").epoch
"""Minute 0 of the tests' rooms."""
EAST = 480
UNITS = 2
TOPICS = Topics()
CHANNELS = Channels((("natural", "search"), ("natural", "feed"), ("paid", "ads")))
HALF = float(np.log(1.25))
"""Half of the fake's interval in log1p space: from (1 + level) / 1.25 to (1 + level) * 1.25, less 1."""


def one_bar(bar: float) -> dict[str, Any]:
    """The same bar whatever the budget, the size of the room and its own alerts."""
    flat = ((bar,) * len(BUDGET_KNOTS),) * SIZES
    return {"surge_bars": flat, "slump_bars": flat, "own_step": 0.0}


RULES = Rules(
    tail_z=(0.0, 1.0, 2.0, 4.0, 8.0),
    tail_up=(0.3, 0.8, 1.6, 3.3, 6.0),
    tail_down=(0.3, 0.8, 1.6, 3.3, 6.0),
    surprise_limit=9.0,
    drift=1.0,
    **one_bar(3.0),
    settled_minutes=0,
    hotspot_settled_minutes=0,
    regime_bar=99.0,
    warm_up=3.0,
    warning_evidence=4.0,
    critical_evidence=5.5,
    cool_down=2.0,
    minimum_excess=5.0,
    minimum_surge_percent=30.0,
    minimum_slump_percent=30.0,
    minimum_slump_expected=5.0,
    back_minutes=3,
    level_minutes=30,
    update_minutes=5,
    update_growth=1.25,
    hotspot_percent=10.0,
    hotspot_minutes=8,
    hotspot_noise=3.0,
    hotlist_size=3,
)
"""Thresholds of the tests' own: what a bundle brings may be tuned without a word to them."""


class LevelForecaster:
    """Expects the running level to stay, give or take `HALF`; h sums up the first input and c counts the minutes.

    With `memory` the forecast leans on h as well, so that state which is lost or mixed up shows in the records.
    """

    def __init__(self, memory: float = 0.0, units: int = UNITS) -> None:
        self.memory = memory
        self._units = units
        self.blanks_seen = 0
        self.calls: list[int] = []

    @property
    def units(self) -> int:
        return self._units

    def step(
        self, inputs: NDArray[np.float32], h: NDArray[np.float32], c: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        self.calls.append(len(inputs))
        self.blanks_seen += int(inputs[:, 5].sum())
        h = (h * np.float32(0.5) + inputs[:, :1]).astype(np.float32)
        c = c + np.float32(1)
        outputs = np.empty((len(inputs), 3, 10), np.float32)
        for quantile, away in enumerate((-HALF, 0.0, HALF)):
            outputs[:, quantile] = np.float32(away) + np.float32(self.memory) * h[:, :1]
        return outputs, h, c


@dataclass(frozen=True, slots=True)
class Event:
    """A message that has no offset yet."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int = -1

    def at(self, offset: int) -> Message:
        """The message that it becomes at this offset."""
        return Message(offset, self.timestamp_ms, self.key, self.value, self.headers)


def text(minute: int, offset: int = EAST) -> str:
    """Minute `minute` of the tests as records carry it."""
    return format_minute(START + minute, offset)


def event(room: str, minute: int, value: float | None, /, *, offset: int = EAST, **more: Any) -> Event:
    """A room-minute; `more` are further fields of the record, or metrics in `metrics`."""
    metrics = {"watch_ucnt": value} | more.pop("metrics", {})
    record = {"room_id": room, "minute": text(minute, offset), "metrics": metrics} | more
    return Event(room.encode(), json.dumps(record, ensure_ascii=False).encode())


def clock(minute: int, offset: int = EAST) -> Event:
    """A clock record."""
    value = json.dumps({"minute": text(minute, offset)}).encode()
    return Event(None, value, ((SCHEMA_HEADER, CLOCK_SCHEMA.encode()),))


def feedback(room: str, verdict: str, **more: Any) -> Event:
    """A verdict on an alert of this room."""
    return _word(FEEDBACK_SCHEMA, {"room_id": room, "alert_id": "0" * 16, "verdict": verdict} | more)


def snooze(room: str, until: int, **more: Any) -> Event:
    """No alert opens in this room before minute `until`."""
    return _word(SNOOZE_SCHEMA, {"room_id": room, "until": text(until)} | more)


def _word(schema: str, record: dict[str, Any]) -> Event:
    value = json.dumps(record, ensure_ascii=False).encode()
    return Event(record["room_id"].encode(), value, ((SCHEMA_HEADER, schema.encode()),))


def control(about: str, **fields: Any) -> Event:
    """A control record."""
    return Event(None, json.dumps({"control": about} | fields).encode(), ((SCHEMA_HEADER, CONTROL_SCHEMA.encode()),))


def promotion(model: str, **fields: Any) -> Event:
    """The control record that makes a partition follow a model."""
    return control("model", **({"hash": model, "label": model[:8], "spread_minutes": 1} | fields))


def stamped(given: Event, minute: int, *, header: bool = False) -> Event:
    """The same at this minute of its own clock: the broker's timestamp, or the header of a replay."""
    if not header:
        return Event(given.key, given.value, given.headers, (START + minute) * 60_000)
    headers = [*given.headers, (CLOCK_HEADER, text(minute).encode())]
    return Event(given.key, given.value, headers, given.timestamp_ms)


def steady(room: str, minutes: range, value: float = 99) -> list[Event]:
    """A room that does the same in every minute."""
    return [event(room, minute, value) for minute in minutes]


def context_of(
    memory: float = 0.0,
    rules: Rules = RULES,
    partition_of: Callable[[bytes], int] | None = None,
    max_message_bytes: int = 1_000_000,
    overrides: Overrides | None = None,
    *,
    model: str = "fake",
    units: int = UNITS,
    window: int = 60,
    demote: bool = False,
) -> Context:
    """The tests' context: the fake forecaster, the tests' rules, an hour's ring."""
    writer = Writer(TOPICS, f"{model[:8]}-1", CHANNELS, max_message_bytes)
    dtype = room_dtype(units, window)
    settings = overrides or Overrides()
    forecaster = LevelForecaster(memory, units)
    return Context(model, forecaster, rules, CHANNELS, writer, dtype, settings, partition_of, demote)


@dataclass(slots=True)
class Seen:
    """Output records, decoded, by what they are."""

    outputs: list[Output]
    by_topic: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for output in self.outputs:
            letter = output.topic == TOPICS.dead_letters
            self.by_topic[output.topic].append(
                output if letter else None if output.value is None else json.loads(output.value)
            )

    @property
    def forecasts(self) -> list[Any]:
        return self.by_topic[TOPICS.forecasts]

    @property
    def alerts(self) -> list[Any]:
        return self.by_topic[TOPICS.alerts]

    @property
    def hotlists(self) -> list[Any]:
        return self.by_topic[TOPICS.hotlist]

    @property
    def dead(self) -> list[Output]:
        return self.by_topic[TOPICS.dead_letters]

    def told(self, *names: str) -> list[tuple[Any, ...]]:
        """The alerts as tuples of these fields."""
        return [tuple(alert.get(name) for name in names) for alert in self.alerts]


class Lab:
    """One partition, fed batch by batch; `total` adds up what happened, `all` is everything that was written."""

    def __init__(self, context: Context | None = None, partition: int = 0) -> None:
        self.context = context or context_of()
        self.fold = Fold(partition, self.context)
        self.total = Tally()
        self.all: list[Output] = []
        self.last: Outcome | None = None
        self._offset = 0

    def send(self, *events: Event | Sequence[Event]) -> Seen:
        """Fold these as one batch and take it over; returns what it wrote."""
        flat = [one for some in events for one in ([some] if isinstance(some, Event) else some)]
        messages = [given.at(self._offset + number) for number, given in enumerate(flat)]
        self._offset += len(messages)
        self.last = self.fold.step(messages)
        self.fold.apply(self.last)
        self.total.add(self.last.tally)
        written = [line.output for line in self.last.lines]
        self.all += written
        return Seen(written)

    def room(self, room: str) -> NDArray[np.void]:
        """A room's state."""
        return self.fold.rows_of([room])

    @property
    def status(self) -> Mapping[str, int]:
        """How many records had each status so far."""
        return self.total.status


def state_of(fold: Fold) -> tuple[Any, dict[str, bytes]]:
    """Everything that a fold remembers, in a form that can be compared."""
    rooms = sorted(fold.rooms())
    return fold.head, {room: fold.rows_of([room]).tobytes() for room in rooms}
