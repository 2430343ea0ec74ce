"""Last step: what was found becomes the bytes of output records."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from roompulse.channels import Channels
from roompulse.control import Control
from roompulse.minutes import format_minute
from roompulse.records import Alert, Clock, FleetEvent, Hotlist, HotRoom, encode, number
from roompulse.rooms import KINDS, SEVERITIES
from roompulse.topics import (
    ALERT_SCHEMA,
    CLOCK_SCHEMA,
    CONTROL_SCHEMA,
    FLEET_SCHEMA,
    FORECAST_SCHEMA,
    HOTLIST_SCHEMA,
    SCHEMA_HEADER,
    Topics,
)
from scorer.pipeline.decode import DeadLetter
from scorer.pipeline.drivers import drivers_of
from scorer.pipeline.fleet import DIRECTIONS, FleetChange
from scorer.pipeline.forecast_text import quantile_texts
from scorer.pipeline.hotlist import Hot, ranked
from scorer.pipeline.judge import EVENTS, REASONS, RESOLVE, RETRACT
from scorer.pipeline.sentence import alert_sentence, fleet_sentence
from scorer.pipeline.serve import rounded
from scorer.pipeline.tell import Told
from scorer.ports import Headers, Output

_KEY_LIMIT = 4096
_DETAIL_LIMIT = 500
_MINUTE_CACHE = 4096


class Line(Struct, frozen=True, gc=False):
    """One output record and the position in the batch of the input that it answers."""

    position: int
    output: Output


class Writer:
    """Writes the records of one model under one topic prefix."""

    def __init__(self, topics: Topics, model: str, channels: Channels, max_message_bytes: int) -> None:
        self._topics = topics
        self.model = model
        self._names = channels.names()
        self._limit = max_message_bytes
        self._minutes: dict[tuple[int, int], str] = {}
        self._forecast_headers = _schema(FORECAST_SCHEMA)
        self._alert_headers = _schema(ALERT_SCHEMA)
        self._hotlist_headers = _schema(HOTLIST_SCHEMA)
        self._fleet_headers = _schema(FLEET_SCHEMA)

    def forecasts(
        self,
        positions: Sequence[int],
        partition: int,
        rooms: Sequence[str],
        minutes: Sequence[int],
        offsets: Sequence[int],
        quantiles: NDArray[np.float64],
    ) -> list[Line]:
        """One forecast for each of n rooms; `quantiles` (n, 3, 10) are rounded already."""
        topic, headers, model = self._topics.forecasts, self._forecast_headers, encode(self.model)
        middles = {
            (minute, offset): b',"minute":%b,"model":%b,"quantiles":' % (encode(self._minute(minute, offset)), model)
            for minute, offset in set(zip(minutes, offsets, strict=True))
        }
        lines = []
        for position, room, minute, offset, text in zip(
            positions, rooms, minutes, offsets, quantile_texts(quantiles), strict=True
        ):
            value = b'{"room_id":%b%b%b}' % (encode(room), middles[minute, offset], text)
            lines.append(Line(position, Output(topic, partition, room.encode(), value, headers)))
        return lines

    def alert(self, position: int, partition: int, room: str, told: Told) -> list[Line]:
        """One alert event, and what it does to the list of open alerts."""
        kind = KINDS[told.kind]
        alert_id = alert_id_of(room, kind, told.opened)
        low, expected, high = told.interval
        drivers = drivers_of(told, self._names)
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
            alert_sentence(room, told, drivers),
            self.model,
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
            for rank, hot in enumerate(ranked(tally), 1)
        ]
        record = Hotlist(self._minute(minute, offset), partition, rooms)
        key = str(partition).encode()
        return Line(position, Output(self._topics.hotlist, partition, key, encode(record), self._hotlist_headers))

    def fleet(self, position: int, partition: int, offset: int, change: FleetChange) -> Line:
        """One change of what the rooms of a partition do together; `offset` is that of the minute that is over."""
        moves, direction = change.moves, DIRECTIONS[change.side]
        moved, known = moves.up if change.side > 0 else moves.down, moves.rooms > 0
        record = FleetEvent(
            fleet_id_of(partition, direction, change.began),
            EVENTS[change.event],
            direction,
            partition,
            self._minute(change.began, offset),
            self._minute(change.minute, offset),
            moves.rooms,
            moved,
            rounded(moved / moves.rooms) if known else None,
            number(moves.actual) if known else None,
            rounded(moves.expected) if known else None,
            _deviation(moves.actual, moves.expected) if known else None,
            fleet_sentence(partition, change, offset),
            REASONS[change.reason],
        )
        key = str(partition).encode()
        return Line(position, Output(self._topics.fleet, partition, key, encode(record), self._fleet_headers))

    def control(self, position: int, partition: int, control: Control) -> Line:
        """What the fold itself asks of its partition, to be obeyed where it comes in the log."""
        output = Output(self._topics.minutes, partition, None, encode(control), _schema(CONTROL_SCHEMA))
        return Line(position, output)

    def clock(self, partition: int, minute: int, offset: int) -> Output:
        """What moves a partition's watermark on to a minute."""
        value = encode(Clock(self._minute(minute, offset)))
        return Output(self._topics.minutes, partition, None, value, _schema(CLOCK_SCHEMA))

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


def alert_id_of(room: str, kind: str, opened: int) -> str:
    """The same id for the same room, kind and opening minute, whenever and wherever it is computed."""
    return hashlib.blake2b(f"{opened} {kind} {room}".encode(), digest_size=8).hexdigest()


def fleet_id_of(partition: int, direction: str, began: int) -> str:
    """The same id for the same partition, direction and first minute, whenever and wherever it is computed."""
    return hashlib.blake2b(f"{began} fleet {direction} {partition}".encode(), digest_size=8).hexdigest()


def _schema(name: str) -> Headers:
    return ((SCHEMA_HEADER, name.encode()),)


def _deviation(actual: float, expected: float) -> float | None:
    return rounded(100 * (actual - expected) / expected) if expected >= 1 and math.isfinite(actual) else None
