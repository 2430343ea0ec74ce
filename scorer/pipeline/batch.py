"""One batch of one partition, folded beside the state that it starts from.

for each stretch of messages between two moves of the watermark:
    close the minute that is over: its hotlist, what its rooms did together, and the alerts of rooms fallen silent
    or obey the control record that it begins with
    advance the rooms in waves of at most one record each
then put the records in the order of the inputs they answer
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from roompulse.control import FollowModel, ServeForecast, name_of
from roompulse.forecasting import HORIZONS
from roompulse.minutes import QUIET_MINUTES
from roompulse.rooms import KINDS, SEVERITIES, fresh_rooms, idle_at, put_rows, room_for, rows_at, widened
from scorer.pipeline.contest import VERDICT, Contest
from scorer.pipeline.count import count_wave
from scorer.pipeline.cut import stretches, waves
from scorer.pipeline.decode import CLOCK, CONTROL, MINUTE, NO_MINUTE, Decoded, Records
from scorer.pipeline.fleet import DIRECTIONS, FleetChange, close_minute
from scorer.pipeline.follow import obey
from scorer.pipeline.hotlist import candidates, merge
from scorer.pipeline.judge import EVENTS
from scorer.pipeline.limit import RoomLimit
from scorer.pipeline.models import Models
from scorer.pipeline.moves import count_moves
from scorer.pipeline.partition import Context, Head, Tally
from scorer.pipeline.tell import Told, silence_told
from scorer.pipeline.touched import Touched
from scorer.pipeline.wave import ACCEPTED, WaveOutcome, advance
from scorer.pipeline.words import heed
from scorer.pipeline.write import Line, Writer


def fold_batch(
    partition: int, models: Models, head: Head, decoded: Decoded, touched: Touched, rows: NDArray[np.void],
    limit: RoomLimit | None,
) -> tuple[list[Line], Head, NDArray[np.void], Tally]:  # fmt: skip
    """Fold `decoded` into `rows` (m,), the state of the rooms that it touches, in place.

    Or into rows of a wider layout, where a model needs one.

    Without a `limit` every room is let in. Returns records, new head, new rows and counts.
    """
    batch = _Batch(partition, models, head, decoded, touched, rows, limit)
    for start, end in stretches(decoded, head.watermark):
        if decoded.kind[start] == CONTROL:
            batch.obey(start)
        else:
            batch.move_watermark(start)
        if limit is not None:
            limit.admit(batch.rows, batch.place, decoded, start, end)
        for wave in waves(batch.place[start:end], start):
            batch.advance(wave)
    for number, letter in (decoded.dead if limit is None else decoded.dead | limit.letters).items():
        batch.tally.events += 1
        batch.tally.dead[letter.reason] = batch.tally.dead.get(letter.reason, 0) + 1
        batch.lines.append(batch.context.writer.dead_letter(number, partition, letter))
    batch.lines.sort(key=attrgetter("position"))  # stable: what answers one input keeps its order
    return batch.lines, batch.head, batch.rows, batch.tally


class _Batch:
    """The state of a batch on its way through the fold."""

    def __init__(
        self, partition: int, models: Models, head: Head, decoded: Decoded, touched: Touched, rows: NDArray[np.void],
        limit: RoomLimit | None,
    ) -> None:  # fmt: skip
        self.head, self.rows, self._limit = head, rows, limit
        self.lines: list[Line] = []
        self.tally = Tally()
        self.place, self._rooms, self._routine = touched.place, touched.rooms, touched.routine
        self._partition, self._models, self._decoded = partition, models, decoded
        self.tally.clocks = int((decoded.kind == CLOCK).sum())

    @property
    def context(self) -> Context:
        """The model that every room follows, or will soon: it speaks for the partition as a whole."""
        return self._models.newest(self.head.follows)

    def obey(self, row: int) -> None:
        """Follow from here on what a control record says."""
        control = self._decoded.controls[row]
        before = follows = self.head.follows
        if not (isinstance(control, FollowModel) and self._models.ignores(control.hash)):
            follows = obey(before, control, self.head.watermark)
        label = (name_of(control), "unchanged" if follows is before else "applied")
        self.tally.controls[label] = self.tally.controls.get(label, 0) + 1
        if follows is before:
            return
        self.head = replace(self.head, follows=follows)
        if isinstance(control, FollowModel | ServeForecast):  # the contest is one between what is served from here on
            self.head = replace(self.head, contest=Contest())
            self.rows = widened(self.rows, room_for(self.rows.dtype, self.context.dtype))

    def move_watermark(self, row: int) -> None:
        """Move the watermark to this row's minute, if that is later: what is over now is told at its position."""
        head, minute = self.head, int(self._decoded.minute[row])
        if minute == NO_MINUTE or (head.watermark is not None and minute <= head.watermark):
            return
        position = int(self._decoded.position[row])
        writer = self.context.writer
        if head.watermark is not None and head.counted:
            self.lines.append(writer.hotlist(position, self._partition, head.watermark, head.offset, head.tally))
        fleet, changes = head.fleet, list[FleetChange]()
        if head.watermark is not None:
            fleet, changes = close_minute(head.fleet, head.watermark, minute, self.context.rules)
        for change in changes:
            self.lines.append(writer.fleet(position, self._partition, head.offset, change))
            label = (DIRECTIONS[change.side], EVENTS[change.event])
            self.tally.fleet[label] = self.tally.fleet.get(label, 0) + 1
        self.head = Head(
            minute, int(self._decoded.offset[row]), listed=head.tally, fleet=fleet, follows=head.follows,
            contest=self._called(position, minute), born=minute if head.born is None else head.born,
            clocked=bool(self._decoded.kind[row] == CLOCK),
        )  # fmt: skip
        self._silence(position, minute)
        if head.watermark is not None and head.watermark // 60 != minute // 60:
            idle = idle_at(self.rows["last_minute"], minute)
            self.rows[idle] = fresh_rooms(len(idle), self.rows.dtype)
            if self._limit is not None:
                self._limit.forgot(self.rows, minute)

    def _called(self, position: int, minute: int) -> Contest:
        """The contest as it goes on; once an hour it is asked whether the network has lost, and then begins anew."""
        head = self.head
        hour_over = head.watermark is not None and head.watermark // 60 != minute // 60
        if not (hour_over and self.context.demote and not head.follows.plain and head.contest.lost):
            return head.contest
        self.lines.append(self.context.writer.control(position, self._partition, VERDICT))
        return Contest()

    def _silence(self, position: int, watermark: int) -> None:
        """Tell of open alerts in rooms that have been silent too long, by when they fell silent and then by name."""
        rows = self.rows
        silent = rows["alerts"]["open"].any(axis=1) & (rows["last_minute"] + QUIET_MINUTES <= watermark)
        found = sorted(
            np.flatnonzero(silent).tolist(), key=lambda row: (int(rows["last_minute"][row]), self._rooms[row])
        )
        if found:
            part = rows[found]
            for told in silence_told(part, np.array(found)):
                writer = self._models.writer_of(self.head.follows, int(rows["model"][told.row]))
                self._tell(writer, position, told)
            rows[found] = part

    def advance(self, wave: NDArray[np.int64]) -> None:
        """Advance one wave, given as rows of the batch: minutes, and what people say of rooms."""
        of_minute = self._decoded.kind[wave] == MINUTE
        if not of_minute.all():
            self._heed(wave[~of_minute])
            wave = wave[of_minute]
        if len(wave) == 0:
            return
        place, minute = self.place[wave], self._decoded.minute[wave]
        for context, mine in self._models.split(self.head.follows, self.rows, self._rooms, place, minute):
            for part in self._parts(wave if mine.all() else wave[mine]):
                self._advance(context, part)

    def _parts(self, wave: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Rooms that take a new minute, whose rows lie together, and the others: repeats and corrections."""
        routine = self.place[wave] < self._routine
        return [part for part in (wave[routine], wave[~routine]) if len(part)]

    def _advance(self, context: Context, wave: NDArray[np.int64]) -> None:
        decoded, follows = self._decoded, self.head.follows
        records = decoded.records_at(wave, context.channels)
        place = self.place[wave]
        rooms = [self._rooms[number] for number in place.tolist()]
        in_a_row = bool((np.diff(place) == 1).all())
        rows = self.rows[int(place[0]) : int(place[-1]) + 1] if in_a_row else rows_at(self.rows, place)
        thresholds = self._models.thresholds(context, follows)
        own = thresholds.places(rooms)
        outcome = advance(rows, records, context.forecaster, context.rules, thresholds, own, plain=follows.plain)
        if not in_a_row:
            put_rows(self.rows, place, rows)
        self._write(context.writer, wave, rooms, records, outcome)
        self._tally_hot(rows, rooms, records, outcome)
        self._tally_moves(rows, records, outcome)
        count_wave(self.tally, self._partition, decoded.categories, decoded.category[wave], records, outcome)
        if self.head.watermark is not None:
            contest = self.head.contest.plus(self.head.watermark // 60, outcome.contest)
            self.head = replace(self.head, contest=contest)

    def _heed(self, wave: NDArray[np.int64]) -> None:
        """Take in what people say of these rooms, each at its place between the room's minutes."""
        place = self.place[wave]
        rows = self.rows[place]
        kind, value = self._decoded.kind[wave], self._decoded.value[wave]
        for label in heed(rows, kind, value, self.context.rules, self.head.watermark):
            self.tally.words[label] = self.tally.words.get(label, 0) + 1
        self.rows[place] = rows

    def _write(
        self,
        writer: Writer,
        wave: NDArray[np.int64],
        rooms: Sequence[str],
        records: Records,
        outcome: WaveOutcome,
    ) -> None:
        positions = self._decoded.position[wave]
        accepted = np.flatnonzero(outcome.status == ACCEPTED)
        self.lines += writer.forecasts(
            positions[accepted].tolist(),
            self._partition,
            [rooms[row] for row in accepted.tolist()],
            records.minute[accepted].tolist(),
            records.offset[accepted].tolist(),
            outcome.quantiles[accepted],
        )
        for told in outcome.told:
            self._tell(writer, int(positions[told.row]), told, rooms[told.row])

    def _tell(self, writer: Writer, position: int, told: Told, room: str = "") -> None:
        self.lines.extend(writer.alert(position, self._partition, room or self._rooms[told.row], told))
        label = (KINDS[told.kind], SEVERITIES[told.severity], EVENTS[told.event])
        self.tally.alerts[label] = self.tally.alerts.get(label, 0) + 1

    def _tally_hot(self, rows: NDArray[np.void], rooms: Sequence[str], records: Records, outcome: WaveOutcome) -> None:
        """Count this wave's records of the newest minute into its hotlist; a late one has missed it."""
        head, rules = self.head, self.context.rules
        now = (outcome.status == ACCEPTED) & (records.minute == head.watermark)
        if head.watermark is None or not now.any():
            return
        made = rows["forecasts"][:, (head.watermark - 1) % HORIZONS]
        newest = np.where(now, outcome.newest[:, 1], np.nan)
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
        moves = count_moves(rows, minute, value, outcome.newest, fleet.before, self.context.rules)
        self.head = replace(self.head, fleet=replace(fleet, moves=fleet.moves.plus(moves)))
