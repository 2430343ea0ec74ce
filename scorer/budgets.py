"""From history to bars: how often rooms open alerts under one bar or another, and which bar fits a budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from roompulse.channels import Channels
from roompulse.history import HistoryRow, departures
from roompulse.records import RoomMinute
from roompulse.rooms import HOTSPOT, KINDS
from roompulse.rules import BUDGET_KNOTS, SIZES, CategoryBars, Rules, Table, size_of
from roompulse.thresholds import category_code
from scorer.grading import Grading
from scorer.pipeline.decode import Records
from scorer.pipeline.evidence import MINUTES_A_DAY
from scorer.pipeline.judge import OPEN
from scorer.pipeline.partition import Context
from scorer.pipeline.write import alert_id_of
from scorer.rehearsal import Rehearsal

TRIED = (1.0, 1.5, 2.0, 2.6, 3.2, 4.0, 5.0, 6.5)
"""Bars under which the history is run, in digits of evidence."""
LEANING_DAYS = 3.0
"""Room-days for which the rooms of all categories, or of all sizes, count in a segment that has little of its own."""
LEAST_DAYS = 10.0
"""Room-days below which a category gets no bars of its own."""
HIGHEST_BAR = 10.0

Floats = NDArray[np.float64]


@dataclass(slots=True)
class Counts:
    """Openings (bars, sizes, sides) and exposure in room-days (bars, sizes) of one category."""

    openings: Floats = field(default_factory=lambda: np.zeros((len(TRIED), SIZES, HOTSPOT)))
    days: Floats = field(default_factory=lambda: np.zeros((len(TRIED), SIZES)))


def count_openings(rows: Iterable[HistoryRow], context: Context, gradings: Sequence[Grading] = ()) -> dict[str, Counts]:
    """Run the history under every tried bar, each held for all rooms; counts by category ("": none given).

    `gradings`, one for each tried bar, take note of what opened under it.
    """
    trials = [
        Rehearsal(context.forecaster, _held(context.rules, bar), context.dtype)  # one network for all
        for bar in TRIED
    ]
    number_of: dict[str, int] = {}
    category_of: list[str] = []
    found: dict[str, Counts] = {}
    for records in _waves(rows):
        for record, _, _ in records:
            if number_of.setdefault(record.room_id, len(category_of)) == len(category_of):
                category_of.append("")
            if record.category is not None:
                category_of[number_of[record.room_id]] = record.category
        rooms = np.array([number_of[record.room_id] for record, _, _ in records], np.int64)
        categories = [category_of[room] for room in rooms.tolist()]
        columns = _columns(records, context.channels)
        for bar, trial in enumerate(trials):
            told, expected = trial.advance(rooms, columns)
            sizes = size_of(expected)
            for place in np.flatnonzero(~np.isnan(expected)).tolist():
                found.setdefault(categories[place], Counts()).days[bar, sizes[place]] += 1 / MINUTES_A_DAY
            for item in told:
                if item.event == OPEN and gradings:
                    room, kind = records[item.row][0].room_id, KINDS[item.kind]
                    gradings[bar].open(alert_id_of(room, kind, item.opened), room, kind, item.opened)
                if item.event == OPEN and item.kind != HOTSPOT:
                    size = int(size_of(expected[item.row : item.row + 1])[0])
                    found[categories[item.row]].openings[bar, size, item.kind] += 1
    return found


def calibrated(rules: Rules, found: dict[str, Counts]) -> Rules:
    """The rules with bars that fit the budgets of `BUDGET_KNOTS`, for all rooms and for each large category."""
    every = total(found.values())
    whole = _rates(every, None)
    surge, slump = _tables(whole)
    by_category = {
        category: CategoryBars(*_tables(_rates(counts, whole)))
        for category, counts in sorted(found.items())
        if category and counts.days[0].sum() >= LEAST_DAYS
    }
    return replace(rules, surge_bars=surge, slump_bars=slump, category_bars=by_category)


def total(counts: Iterable[Counts]) -> Counts:
    """All categories together."""
    every = Counts()
    for one in counts:
        every.openings += one.openings
        every.days += one.days
    return every


def rate_table(counts: Counts) -> dict[str, list[float | None]]:
    """Openings per room-day under each tried bar, by kind, all sizes together; None without room-days."""
    days = counts.days.sum(axis=1)
    return {
        kind: [
            round(float(opened / day), 3) if day else None
            for opened, day in zip(counts.openings[:, :, side].sum(axis=1), days, strict=True)
        ]
        for side, kind in enumerate(KINDS[:HOTSPOT])
    }


def _held(rules: Rules, bar: float) -> Rules:
    flat = ((bar,) * len(BUDGET_KNOTS),) * SIZES
    return replace(rules, surge_bars=flat, slump_bars=flat, category_bars={}, own_step=0.0)


def _waves(rows: Iterable[HistoryRow]) -> Iterator[list[tuple[RoomMinute, int, int]]]:
    """Records in waves with no room twice, each with its epoch minute and offset."""
    for departure in departures(rows):
        waves: list[list[tuple[RoomMinute, int, int]]] = []
        turn: dict[str, int] = {}
        for row in departure.rows:
            number = turn.get(row.record.room_id, 0)
            turn[row.record.room_id] = number + 1
            if number == len(waves):
                waves.append([])
            waves[number].append((row.record, row.minute.epoch, row.minute.offset))
        yield from waves


def _columns(records: list[tuple[RoomMinute, int, int]], channels: Channels) -> Records:
    targets = [record.metrics.watch_ucnt for record, _, _ in records]
    return Records(
        np.array([epoch for _, epoch, _ in records], np.int64),
        np.array([offset for _, _, offset in records], np.int16),
        np.array([np.nan if target is None else target for target in targets], np.float64),
        np.array([record.ended for record, _, _ in records], np.bool_),
        channels.columns([record for record, _, _ in records]),
        np.array([category_code(record.category) for record, _, _ in records], np.uint32),
    )


def _rates(counts: Counts, whole: Floats | None) -> Floats:
    """Openings per room-day (bars, sizes, sides), each leaning on the rates `whole` or, without them, on all sizes."""
    if whole is None:
        days = counts.days.sum(axis=1)[:, None, None]
        whole = np.broadcast_to(
            counts.openings.sum(axis=1, keepdims=True) / np.maximum(days, 1e-9), (len(TRIED), SIZES, HOTSPOT)
        )
    return (counts.openings + LEANING_DAYS * whole) / (counts.days[:, :, None] + LEANING_DAYS)


def _tables(rates: Floats) -> tuple[Table, Table]:
    surge, slump = (
        msgspec.convert([_bars(rates[:, size, side]) for size in range(SIZES)], Table) for side in range(HOTSPOT)
    )
    return surge, slump


def _bars(rates: Floats) -> list[float]:
    """The bar for each budget: between the tried ones by the rate's logarithm, beyond them along the last slope."""
    bars = np.array(TRIED)
    logs = np.log(np.maximum(np.minimum.accumulate(rates), 1e-3))
    wanted = np.log(BUDGET_KNOTS)
    between = np.interp(wanted, logs[::-1], bars[::-1])
    slope = (bars[-1] - bars[0]) / max(float(logs[0] - logs[-1]), 0.1)
    beyond = bars[-1] + slope * np.maximum(logs[-1] - wanted, 0.0)
    fitting = np.clip(np.where(wanted < logs[-1], beyond, between), TRIED[0], HIGHEST_BAR)
    return [round(float(bar), 2) for bar in fitting]
