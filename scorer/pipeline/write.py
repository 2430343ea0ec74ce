"""Last step: what was found becomes the bytes of output records."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roompulse.channels import Channels
from roompulse.minutes import format_minute
from roompulse.records import METRICS, Alert, Driver, Forecast, Hotlist, HotRoom, Quantiles, encode, number
from roompulse.rooms import HOTSPOT, KINDS, SEVERITIES, SLUMP
from roompulse.topics import ALERT_SCHEMA, FORECAST_SCHEMA, HOTLIST_SCHEMA, SCHEMA_HEADER, Topics
from scorer.pipeline.decode import DeadLetter
from scorer.pipeline.hotlist import Hot
from scorer.pipeline.judge import EVENTS, REASONS, RESOLVE, RETRACT
from scorer.pipeline.tell import Told
from scorer.ports import Headers, Output

MOST_DRIVERS = 5
_LEAST_SHARE = 0.1
_KEY_LIMIT = 4096
_DETAIL_LIMIT = 500
_MINUTE_CACHE = 4096


@dataclass(frozen=True, slots=True)
class Line:
    """One output record and the position in the batch of the input that it answers."""

    position: int
    output: Output


def rounded(value: float) -> float | None:
    """4 significant digits, no negative zero, None for what is not a number."""
    return float(f"{value:.4g}") + 0.0 if math.isfinite(value) else None


class Writer:
    """Writes the records of one model under one topic prefix."""

    def __init__(self, topics: Topics, model: str, channels: Channels, max_message_bytes: int) -> None:
        self._topics = topics
        self._model = model
        self._names = channels.names()
        self._limit = max_message_bytes
        self._minutes: dict[tuple[int, int], str] = {}
        self._forecast_headers = _schema(FORECAST_SCHEMA)
        self._alert_headers = _schema(ALERT_SCHEMA)
        self._hotlist_headers = _schema(HOTLIST_SCHEMA)

    def forecast(
        self, position: int, partition: int, room: str, minute: int, offset: int, quantiles: Sequence[list[float]]
    ) -> Line:
        """One forecast; `quantiles` are three lists of ten numbers, rounded already."""
        record = Forecast(room, self._minute(minute, offset), self._model, Quantiles(*quantiles))
        return Line(
            position, Output(self._topics.forecasts, partition, room.encode(), encode(record), self._forecast_headers)
        )

    def alert(self, position: int, partition: int, room: str, told: Told) -> list[Line]:
        """One alert event, and what it does to the list of open alerts."""
        kind = KINDS[told.kind]
        alert_id = alert_id_of(room, kind, told.opened)
        low, expected, high = told.interval
        drivers = self._drivers(told)
        minute = self._minute(told.minute, told.offset)
        record = Alert(
            alert_id,
            EVENTS[told.event],
            kind,
            SEVERITIES[told.severity],
            room,
            self._minute(told.opened, told.offset),
            minute,
            None if math.isnan(told.actual) else number(told.actual),
            rounded(expected),
            rounded(low),
            rounded(high),
            None if math.isnan(told.actual) else rounded(10.0**-told.surprise),
            _deviation(told.actual, expected),
            drivers,
            _sentence(room, told, minute, drivers),
            self._model,
            REASONS[told.reason],
        )
        value = encode(record)
        ended = told.event in (RESOLVE, RETRACT)
        topics = self._topics
        return [
            Line(position, Output(topics.alerts, partition, room.encode(), value, self._alert_headers)),
            Line(
                position,
                Output(topics.alerts_open, partition, alert_id.encode(), None if ended else value, self._alert_headers),
            ),
        ]

    def hotlist(self, position: int, partition: int, minute: int, offset: int, tally: Sequence[Hot]) -> Line:
        """The hotlist of a minute that is over."""
        rooms = [
            HotRoom(
                rank,
                hot.room_id,
                number(hot.actual),
                rounded(hot.expected) or 0.0,
                rounded(hot.excess) or 0.0,
                _deviation(hot.actual, hot.expected),
            )
            for rank, hot in enumerate(tally, 1)
        ]
        record = Hotlist(self._minute(minute, offset), partition, rooms)
        key = str(partition).encode()
        return Line(position, Output(self._topics.hotlist, partition, key, encode(record), self._hotlist_headers))

    def dead_letter(self, position: int, partition: int, letter: DeadLetter) -> Line:
        """The original bytes, with what was wrong and where they lay in the headers."""
        message = letter.message
        value, key = message.value, message.key
        headers = [
            ("reason", letter.reason.encode()),
            ("detail", letter.detail[:_DETAIL_LIMIT].encode("utf-8", "replace")),
            ("topic", self._topics.minutes.encode()),
            ("partition", str(partition).encode()),
            ("offset", str(message.offset).encode()),
        ]
        room_for_value = max(self._limit - 2 * _KEY_LIMIT, 0)
        if (value is not None and len(value) > room_for_value) or (key is not None and len(key) > _KEY_LIMIT):
            headers.append(("truncated", f"{len(value or b'')}".encode()))
            value = None if value is None else value[:room_for_value]
            key = None if key is None else key[:_KEY_LIMIT]
        if value is None and key is None:
            value = b""  # there are such records, but the client refuses to write one
        return Line(position, Output(self._topics.dead_letters, partition, key, value, headers))

    def _minute(self, epoch: int, offset: int) -> str:
        text = self._minutes.get((epoch, offset))
        if text is None:
            if len(self._minutes) >= _MINUTE_CACHE:
                self._minutes.clear()
            text = self._minutes[epoch, offset] = format_minute(epoch, offset)
        return text

    def _drivers(self, told: Told) -> list[Driver]:
        """Channels by their share of the excess, then other metrics by how far they left their own level."""
        series, levels = told.series, told.levels.astype(np.float64)
        sign = -1.0 if told.kind == SLUMP else 1.0
        moved = np.nan_to_num((series - levels) * sign)
        total = max((told.actual - told.interval[1]) * sign, 1.0) if math.isfinite(told.actual) else math.inf
        share = moved / total
        # Metrics are counted in units of their own, so they are compared with their own level instead.
        own = np.nan_to_num(moved[: len(METRICS)] / np.maximum(levels[: len(METRICS)], 1.0))
        share[: len(METRICS)] = -1.0
        channels = [place for place in np.argsort(-share, kind="stable").tolist() if share[place] >= _LEAST_SHARE]
        own[0] = -1.0  # the target itself explains nothing
        metrics = [place for place in np.argsort(-own, kind="stable").tolist() if own[place] >= 0.5]
        return [
            Driver(self._names[place], number(float(series[place])), rounded(float(levels[place])) or 0.0)
            for place in [*channels[:3], *metrics[:2]][:MOST_DRIVERS]
        ]


def alert_id_of(room: str, kind: str, opened: int) -> str:
    """The same id for the same room, kind and opening minute, whenever and wherever it is computed."""
    return hashlib.blake2b(f"{opened} {kind} {room}".encode(), digest_size=8).hexdigest()


def _schema(name: str) -> Headers:
    return ((SCHEMA_HEADER, name.encode()),)


def _deviation(actual: float, expected: float) -> float | None:
    return rounded(100 * (actual - expected) / expected) if expected >= 1 and math.isfinite(actual) else None


_VERBS = {0: "surges", 1: "slumps", 2: "stays hot"}
_ENDS = {
    "recovered": "is back to normal",
    "new_level": "has kept its new level",
    "ended": "has ended its session",
    "silent": "has fallen silent",
}


def _said(value: float) -> str:
    """A count for people: 4 significant digits, thousands set apart, no exponent."""
    return f"{float(f'{value:.4g}'):,.15g}"


def _sentence(room: str, told: Told, minute: str, drivers: Sequence[Driver]) -> str:
    """One plain sentence that a person can act on."""
    low, expected, high = told.interval
    clock = minute[11:16]
    kind = KINDS[told.kind]
    if told.before is not None:
        return _correction(room, told, told.before, clock)
    if not math.isfinite(told.actual):
        return f"Room {room} {_ENDS[REASONS[told.reason] or 'silent']}; its {kind} is over."
    came = f"{told.actual:,.15g} people entered at {clock}, where {_said(expected)} were expected"
    between = f"{_said(low)} to {_said(high)}"
    if told.event == RESOLVE:
        return f"Room {room} {_ENDS[REASONS[told.reason] or 'recovered']}: {came} ({between})."
    ratio = told.actual / expected if expected >= 1 else math.nan
    size = f", {ratio:.1f} times the forecast" if math.isfinite(ratio) and told.kind != SLUMP else ""
    if math.isfinite(ratio) and told.kind == SLUMP:
        size = f", {100 * (1 - ratio):.0f} % fewer"
    before = " ten minutes before" if told.kind == HOTSPOT else ""
    why = f"; {drivers[0].name} went from {_said(drivers[0].expected)} to {_said(drivers[0].actual)}" if drivers else ""
    return f"Room {room} {_VERBS[told.kind]}: {came}{before} ({between}){size}{why}."


def _correction(room: str, told: Told, before: float, clock: str) -> str:
    """The sentence on an alert that is revised or withdrawn: the minute, and both its values."""
    low, expected, high = told.interval
    # The value before comes from the ring, in single precision.
    old = f"{float(f'{before:.7g}'):,.15g}" if math.isfinite(before) else "not measured"
    new = f"{told.actual:,.15g}" if math.isfinite(told.actual) else "not measured"
    kind = KINDS[told.kind]
    begin = f"The {kind} of room {room} is withdrawn" if told.event == RETRACT else f"Room {room} {_VERBS[told.kind]}"
    given = f"{_said(expected)} were expected ({_said(low)} to {_said(high)})"
    return f"{begin}: the count of people entering at {clock} was corrected from {old} to {new}, where {given}."
