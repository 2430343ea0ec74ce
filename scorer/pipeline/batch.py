"""One batch of one partition, folded beside the state that it starts from.

for each stretch of messages between two moves of the watermark:
    close the minute that is over: its hotlist, what its rooms did together, and the alerts of rooms fallen silent
    advance the rooms in waves of at most one record each
then put the records in the order of the inputs they answer
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS
from roompulse.minutes import QUIET_MINUTES
from roompulse.records import RoomMinute
from roompulse.rooms import KINDS, SEVERITIES, fresh_rooms, idle_at
from roompulse.thresholds import category_code
from scorer.pipeline.decode import CLOCK, MINUTE, NO_MINUTE, Decoded, Records
from scorer.pipeline.fleet import DIRECTIONS, FleetChange, close_minute
from scorer.pipeline.hotlist import candidates, merge
from scorer.pipeline.judge import EVENTS
from scorer.pipeline.moves import count_moves
from scorer.pipeline.partition import Context, Head, Tally
from scorer.pipeline.tell import Told, silence_told
from scorer.pipeline.wave import ACCEPTED, STATUSES, WaveOutcome, advance
from scorer.pipeline.words import heed
from scorer.pipeline.write import Line


def fold_batch(
    partition: int, context: Context, head: Head, decoded: Decoded, rooms: list[str], rows: NDArray[np.void]
) -> tuple[list[Line], Head, Tally]:
    """Fold `decoded` into `rows` (n,), the state of `rooms`, in place. Returns records, new head and counts."""
    batch = _Batch(partition, context, head, decoded, rooms, rows)
    for number, letter in decoded.dead.items():
        batch.tally.events += 1
        batch.tally.dead[letter.reason] = batch.tally.dead.get(letter.reason, 0) + 1
        batch.lines.append(context.writer.dead_letter(number, partition, letter))
    for start, end in _stretches(decoded.minute, head.watermark):
        batch.move_watermark(start)
        for wave in _waves(batch.place[start:end], start):
            batch.advance(wave)
    batch.lines.sort(key=lambda line: line.position)  # stable: what answers one input keeps its order
    return batch.lines, batch.head, batch.tally


def _stretches(minute: NDArray[np.int64], watermark: int | None) -> list[tuple[int, int]]:
    """Cut a batch where a record moves the watermark: (start, end) of each stretch; only the first may move nothing."""
    if len(minute) == 0:
        return []
    before = np.iinfo(np.int64).min if watermark is None else watermark
    highest = np.maximum.accumulate(np.concatenate([[before], minute]))
    starts = np.flatnonzero(highest[1:] > highest[:-1]).tolist()
    if not starts or starts[0] != 0:
        starts.insert(0, 0)
    return list(zip(starts, [*starts[1:], len(minute)], strict=True))


def _waves(place: NDArray[np.int64], start: int) -> list[NDArray[np.int64]]:
    """Rows of a stretch, cut so that each wave has a room at most once and each room's records stay in order.

    `place` (n,) is each row's room, -1 for a clock; `start` is the first row's number.
    """
    rows = np.flatnonzero(place >= 0)
    order = rows[np.argsort(place[rows], kind="stable")]
    sorted_places = place[order]
    first = np.concatenate([[True], sorted_places[1:] != sorted_places[:-1]]) if len(order) else np.zeros(0, np.bool_)
    run = np.arange(len(order))
    turn = run - np.maximum.accumulate(np.where(first, run, 0))
    return [start + np.sort(order[turn == number]) for number in range(int(turn.max(initial=-1)) + 1)]


class _Batch:
    """The state of a batch on its way through the fold."""

    def __init__(
        self,
        partition: int,
        context: Context,
        head: Head,
        decoded: Decoded,
        rooms: list[str],
        rows: NDArray[np.void],
    ) -> None:
        self.head = head
        self.lines: list[Line] = []
        self.tally = Tally()
        where = {room: number for number, room in enumerate(rooms)}
        self._own_thresholds = context.thresholds.places(rooms)
        self.place = np.array([where.get(room, -1) for room in decoded.rooms], np.int64)
        self._partition, self._context, self._decoded = partition, context, decoded
        self._rooms, self._rows = rooms, rows
        self.tally.clocks = int((decoded.kind == CLOCK).sum())

    def move_watermark(self, row: int) -> None:
        """Move the watermark to this row's minute, if that is later: what is over now is told at its position."""
        head, minute = self.head, int(self._decoded.minute[row])
        if minute == NO_MINUTE or (head.watermark is not None and minute <= head.watermark):
            return
        position = int(self._decoded.position[row])
        writer = self._context.writer
        if head.watermark is not None and head.counted:
            self.lines.append(writer.hotlist(position, self._partition, head.watermark, head.offset, head.tally))
        fleet, changes = head.fleet, list[FleetChange]()
        if head.watermark is not None:
            fleet, changes = close_minute(head.fleet, head.watermark, minute, self._context.rules)
        for change in changes:
            self.lines.append(writer.fleet(position, self._partition, head.offset, change))
            label = (DIRECTIONS[change.side], EVENTS[change.event])
            self.tally.fleet[label] = self.tally.fleet.get(label, 0) + 1
        self.head = Head(minute, int(self._decoded.offset[row]), listed=head.tally, fleet=fleet)
        self._silence(position, minute)
        if head.watermark is not None and head.watermark // 60 != minute // 60:
            idle = idle_at(self._rows["last_minute"], minute)
            self._rows[idle] = fresh_rooms(len(idle), self._rows.dtype)

    def _silence(self, position: int, watermark: int) -> None:
        """Tell of open alerts in rooms that have been silent too long, by when they fell silent and then by name."""
        rows = self._rows
        silent = rows["alerts"]["open"].any(axis=1) & (rows["last_minute"] + QUIET_MINUTES <= watermark)
        found = sorted(
            np.flatnonzero(silent).tolist(), key=lambda row: (int(rows["last_minute"][row]), self._rooms[row])
        )
        if found:
            part = rows[found]
            for told in silence_told(part, np.array(found)):
                self._tell(position, told)
            rows[found] = part

    def advance(self, wave: NDArray[np.int64]) -> None:
        """Advance one wave, given as rows of the batch: minutes, and what people say of rooms."""
        decoded, context = self._decoded, self._context
        of_minute = decoded.kind[wave] == MINUTE
        if not of_minute.all():
            self._heed(wave[~of_minute])
            wave = wave[of_minute]
            if len(wave) == 0:
                return
        found = [record for row in wave.tolist() if (record := decoded.records[row]) is not None]
        records = Records(
            decoded.minute[wave],
            decoded.offset[wave],
            decoded.value[wave],
            decoded.ended[wave],
            context.channels.columns(found),
            np.array([category_code(record.category) for record in found], np.uint32),
        )
        place = self.place[wave]
        rows = self._rows[place]
        own = None if self._own_thresholds is None else self._own_thresholds[place]
        outcome = advance(rows, records, context.forecaster, context.rules, context.thresholds, own)
        self._rows[place] = rows
        self._write(wave, found, records, outcome)
        self._tally_hot(rows, found, records, outcome)
        self._tally_moves(rows, records, outcome)
        self._count(records, outcome)
        self._count_errors(found, outcome)

    def _heed(self, wave: NDArray[np.int64]) -> None:
        """Take in what people say of these rooms, each at its place between the room's minutes."""
        place = self.place[wave]
        rows = self._rows[place]
        kind, value = self._decoded.kind[wave], self._decoded.value[wave]
        for label in heed(rows, kind, value, self._context.rules, self.head.watermark):
            self.tally.words[label] = self.tally.words.get(label, 0) + 1
        self._rows[place] = rows

    def _write(
        self, wave: NDArray[np.int64], found: Sequence[RoomMinute], records: Records, outcome: WaveOutcome
    ) -> None:
        writer = self._context.writer
        positions, minutes, offsets = (
            column.tolist() for column in (self._decoded.position[wave], records.minute, records.offset)
        )
        quantiles = outcome.quantiles.tolist()
        for row in np.flatnonzero(outcome.status == ACCEPTED).tolist():
            self.lines.append(
                writer.forecast(
                    positions[row], self._partition, found[row].room_id, minutes[row], offsets[row], quantiles[row]
                )
            )
        for told in outcome.told:
            self._tell(positions[told.row], told, found[told.row].room_id)

    def _tell(self, position: int, told: Told, room: str = "") -> None:
        self.lines.extend(self._context.writer.alert(position, self._partition, room or self._rooms[told.row], told))
        label = (KINDS[told.kind], SEVERITIES[told.severity], EVENTS[told.event])
        self.tally.alerts[label] = self.tally.alerts.get(label, 0) + 1

    def _tally_hot(
        self, rows: NDArray[np.void], found: Sequence[RoomMinute], records: Records, outcome: WaveOutcome
    ) -> None:
        """Count this wave's records of the newest minute into its hotlist; a late one has missed it."""
        head, rules = self.head, self._context.rules
        now = (outcome.status == ACCEPTED) & (records.minute == head.watermark)
        if head.watermark is None or not now.any():
            return
        made = rows["forecasts"][:, (head.watermark - 1) % HORIZONS]
        newest = np.where(now, outcome.newest[:, 1], np.nan)
        rooms = [record.room_id for record in found]
        hot = candidates(head.watermark, records.value, newest, made, rooms, head.listed, rules)
        tally = merge(head.tally, hot, rules.hotlist_size)
        self.head = replace(head, tally=tally, counted=head.counted + int(now.sum()))

    def _tally_moves(self, rows: NDArray[np.void], records: Records, outcome: WaveOutcome) -> None:
        """Count how many rooms moved in the newest minute, for what the fleet does together."""
        minute, fleet = self.head.watermark, self.head.fleet
        now = (outcome.status == ACCEPTED) & (records.minute == minute)
        if minute is None or not now.any():
            return
        value = np.where(now, records.value, np.nan)
        moves = count_moves(rows, minute, value, outcome.newest, fleet.before, self._context.rules)
        self.head = replace(self.head, fleet=replace(fleet, moves=fleet.moves.plus(moves)))

    def _count(self, records: Records, outcome: WaveOutcome) -> None:
        tally = self.tally
        tally.events += len(records.minute)
        for code, name in enumerate(STATUSES):
            tally.status[name] += int((outcome.status == code).sum())
        tally.blanks += outcome.blanks
        tally.gated += outcome.gated
        tally.sessions += outcome.sessions
        known = ~np.isnan(outcome.errors) & ~np.isnan(outcome.naive)
        tally.judged[:, 0] += known.sum(axis=0)
        tally.judged[:, 1] += np.where(known, outcome.errors, 0.0).sum(axis=0)
        tally.judged[:, 2] += np.where(known, outcome.naive, 0.0).sum(axis=0)
        low, high = outcome.newest[:, 0], outcome.newest[:, 2]
        met = ~np.isnan(records.value) & ~np.isnan(low)
        inside = met & (records.value >= low) & (records.value <= high)
        tally.covered = (tally.covered[0] + int(met.sum()), tally.covered[1] + int(inside.sum()))

    def _count_errors(self, found: Sequence[RoomMinute], outcome: WaveOutcome) -> None:
        """Add up errors at +1 by category, for whoever watches them drift."""
        error, naive = outcome.errors[:, 0], outcome.naive[:, 0]
        known = ~np.isnan(error) & ~np.isnan(naive)
        numbers: dict[str, int] = {}
        every = [numbers.setdefault(record.category or "", len(numbers)) for record in found]
        segment = np.array(every, np.int64)[known]
        columns = np.ones(len(segment)), error[known], naive[known]
        sums = np.stack([np.bincount(segment, column, len(numbers)) for column in columns], axis=1)
        for category, more in zip(numbers, sums, strict=True):
            key = self._partition, category
            self.tally.errors[key] = self.tally.errors.get(key, 0.0) + more
