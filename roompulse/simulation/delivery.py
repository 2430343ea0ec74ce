"""Simulated records in the order in which they arrive: some never do, some are late, some come twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.history.rows import HistoryRow
from roompulse.minutes import Minute, format_minute
from roompulse.records import METRICS, Metrics, RoomMinute, number
from roompulse.simulation.anomalies import Label
from roompulse.simulation.metrics import NATURAL, NATURAL_TOTAL, PAID, PAID_TOTAL, MetricsMinute, RoomMetrics
from roompulse.simulation.settings import SimulationSettings
from roompulse.simulation.traffic import TrafficMinute, random_streams, traffic

CATEGORIES = ("beauty", "fashion", "food", "home", "music", "games")
LONGEST_GAP_MINUTES = 8
LONGEST_DELAY_MINUTES = 5
LONGEST_REPEAT_MINUTES = 3


@dataclass(frozen=True, slots=True)
class Delivery:
    """What arrives in one minute, in order, and the surges and slumps that begin in it."""

    minute: Minute
    rows: list[HistoryRow]
    labels: tuple[Label, ...]


class Gaps:
    """Minutes of which no record comes, and minutes in which the target was not measured; arrays (rooms,)."""

    def __init__(self, settings: SimulationSettings, draw: np.random.Generator) -> None:
        self._settings, self._draw = settings, draw
        self._missing_minutes = np.zeros(settings.rooms, np.int64)

    def advance(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """One minute on. Returns (missing, null)."""
        draw, count = self._draw, self._settings.rooms
        begins = draw.random(count) < self._settings.missing_rate
        lengths = draw.integers(1, LONGEST_GAP_MINUTES + 1, count)
        left = np.maximum(self._missing_minutes - 1, 0)
        # No gap follows another without a minute between: ten blanks in a row would end the session.
        self._missing_minutes = np.where(begins & (self._missing_minutes == 0), lengths, left)
        return self._missing_minutes > 0, draw.random(count) < self._settings.null_rate


def room_name(room: int) -> str:
    """The id of a simulated room from its number."""
    return f"room-{room + 1:05d}"


def simulate(settings: SimulationSettings) -> Iterator[Delivery]:
    """Deliveries minute by minute; after the last minute, until nothing is under way any more."""
    streams = random_streams(settings.seed)
    metrics = RoomMetrics(settings.rooms, streams["metrics"])
    gaps = Gaps(settings, streams["gaps"])
    records = _Records(settings)
    draw, count = streams["delivery"], settings.rooms
    under_way: defaultdict[int, list[HistoryRow]] = defaultdict(list)
    minute = settings.start
    for now in traffic(settings):
        minute = now.minute
        missing, null = gaps.advance()
        late = np.where(draw.random(count) < settings.late_rate, draw.integers(1, LONGEST_DELAY_MINUTES + 1, count), 0)
        repeat = np.where(
            draw.random(count) < settings.duplicate_rate, draw.integers(0, LONGEST_REPEAT_MINUTES + 1, count), -1
        )
        says_so = draw.random(count) >= settings.silent_share
        rooms = np.flatnonzero(now.live & ~missing)
        rows = records.rows(rooms, now, metrics.advance(now), null, now.last & says_so)
        arriving = []
        for row, delay, again in zip(rows, late[rooms].tolist(), repeat[rooms].tolist(), strict=True):
            if delay:
                under_way[minute.epoch + delay].append(row)
            else:
                arriving.append(row)
            if again >= 0:
                under_way[minute.epoch + delay + again].append(row)
        yield Delivery(minute, arriving + under_way.pop(minute.epoch, []), now.labels)
    for epoch in sorted(under_way):
        yield Delivery(Minute(epoch, minute.offset), under_way[epoch], ())


def simulate_counts(settings: SimulationSettings) -> NDArray[np.float64]:
    """The target as an array (rooms, minutes), for training; NaN where a room is not live or its minute is blank.

    The numbers are those that `simulate` delivers for the same settings; nothing is late or double in here.
    """
    gaps = Gaps(settings, random_streams(settings.seed)["gaps"])
    columns = []
    for now in traffic(settings):
        missing, null = gaps.advance()
        columns.append(np.where(now.live & ~missing & ~null, now.entries, np.nan))
    return np.stack(columns, axis=1)


class _Records:
    """Makes rows of arrays."""

    def __init__(self, settings: SimulationSettings) -> None:
        draw = random_streams(settings.seed)["rooms"]
        self._names = [room_name(room) for room in range(settings.rooms)]
        self._categories = [CATEGORIES[index] for index in draw.integers(0, len(CATEGORIES), settings.rooms)]

    def rows(
        self,
        rooms: NDArray[np.intp],
        now: TrafficMinute,
        metrics: MetricsMinute,
        null: NDArray[np.bool_],
        ended: NDArray[np.bool_],
    ) -> list[HistoryRow]:
        minute, text = now.minute, format_minute(*now.minute)
        made = []
        for room, values, natural, paid, unmeasured, over in zip(
            rooms.tolist(),
            metrics.metrics[rooms].tolist(),
            metrics.natural[rooms].tolist(),
            metrics.paid[rooms].tolist(),
            null[rooms].tolist(),
            ended[rooms].tolist(),
            strict=True,
        ):
            record = RoomMinute(
                self._names[room],
                text,
                _NOT_MEASURED if unmeasured else Metrics(*map(number, values)),
                {} if unmeasured else _channels(NATURAL, natural, NATURAL_TOTAL),
                {} if unmeasured else _channels(PAID, paid, PAID_TOTAL),
                self._categories[room],
                over,
            )
            made.append(HistoryRow(minute, record))
        return made


_NOT_MEASURED = Metrics(*[None] * len(METRICS))


def _channels(names: tuple[str, ...], counts: list[int], total: str) -> dict[str, float]:
    channels: dict[str, float] = dict(zip(names, counts, strict=True))
    channels[total] = sum(counts)
    return channels
