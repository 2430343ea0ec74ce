"""The fold over one partition's log: state and messages in, new state and records out.

Nothing is changed until `Fold.apply`: an aborted transaction leaves the fold as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence

import numpy as np
from numpy.typing import NDArray

from roompulse.control import FollowModel
from roompulse.minutes import QUIET_MINUTES
from roompulse.rooms import FRESH, KINDS, SEVERITIES, fresh_rooms, idle_at, put_rows, room_for, rows_at, widened
from scorer.pipeline.batch import fold_batch
from scorer.pipeline.decode import decode_messages
from scorer.pipeline.follow import Follows, Turn
from scorer.pipeline.limit import RoomLimit
from scorer.pipeline.models import Models
from scorer.pipeline.partition import Context, Head, Outcome
from scorer.pipeline.touched import touched_by
from scorer.ports import Message, Output


class ModelAhead(Exception):
    """A control record at `offset` names a model that is not at hand."""

    def __init__(self, control: FollowModel, offset: int) -> None:
        super().__init__(f"offset {offset}: model {control.label} ({control.hash[:8]}) is not at hand")
        self.control, self.offset = control, offset


class _Except:
    """Rooms without some of them."""

    def __init__(self, rooms: Container[str], without: Container[str]) -> None:
        self._rooms, self._without = rooms, without

    def __contains__(self, room: object) -> bool:
        return room in self._rooms and room not in self._without


class Fold:
    """The state of one partition in memory."""

    def __init__(self, partition: int, context: Context) -> None:
        """A partition that nobody has seen, which begins with the model and settings of `context`."""
        self.partition = partition
        self.head = Head(follows=Follows((Turn(context.model),), settings=context.settings))
        self._models = Models({context.model: context})
        self._partition_of, self._max_rooms = context.partition_of, context.max_rooms
        self._place: dict[str, int] = {}
        self._names: list[str] = []
        self._rows = fresh_rooms(0, context.dtype)
        self._alerting: set[str] = set()
        self._unasked: set[str] = set()  # rooms of a checkpoint of which no message has come yet

    def __len__(self) -> int:
        return len(self._place)

    @property
    def dtype(self) -> np.dtype[np.void]:
        """The layout of a room: that of its model, or a wider one where a model before it needed more."""
        return self._rows.dtype

    def know(self, context: Context) -> None:
        """Have one more model at hand; it counts where the log says so."""
        self._models.contexts[context.model] = context

    def begin(self, follows: Follows, models: Sequence[Context]) -> None:
        """Begin with what a partition followed before, rather than with the first choice; `models` are those of it."""
        for context in models:
            self.know(context)
        self.head = Head(follows=follows)
        self._rows = fresh_rooms(0, room_for(*(context.dtype for context in models)))

    def label(self, model: str) -> str:
        """The label of a model that is at hand; the beginning of the hash of another, empty for none."""
        return self._models.contexts[model].writer.model if model in self._models.contexts else model[:8]

    def clock_in(self, minutes: int) -> Output | None:
        """A clock record so many minutes after the watermark; None before there is one."""
        head = self.head
        if head.watermark is None:
            return None
        return self._models.newest(head.follows).writer.clock(self.partition, head.watermark + minutes, head.offset)

    def load(self, head: Head, rooms: Sequence[str], rows: NDArray[np.void]) -> None:
        """Replace the state by one read from a checkpoint; `rows` (n,) beside their room ids.

        The models that `head` follows have to be known.
        """
        self.head = head
        self._names = list(rooms)
        self._place = {room: place for place, room in enumerate(rooms)}
        self._rows = rows
        self._unasked = set(rooms)
        open_now = rows["alerts"]["open"].any(axis=1)
        self._alerting = {rooms[row] for row in np.flatnonzero(open_now).tolist()}

    def rows_of(self, rooms: Sequence[str]) -> NDArray[np.void]:
        """Copies of the state of these rooms; a room that is not known comes fresh."""
        places = np.array([self._place.get(room, -1) for room in rooms], np.int64)
        held = np.flatnonzero(places >= 0)
        if len(held) == len(rooms):
            return rows_at(self._rows, places)
        rows = fresh_rooms(len(rooms), self.dtype)
        put_rows(rows, held, rows_at(self._rows, places[held]))
        return rows

    def rooms(self) -> list[str]:
        """Every room held, in no particular order."""
        return list(self._names)

    def live_rooms(self) -> int:
        """Rooms whose last record is less than the quiet time behind the watermark."""
        if self.head.watermark is None:
            return 0
        last = self._rows["last_minute"][: len(self._names)]
        return int((self.head.watermark - last.astype(np.int64) < QUIET_MINUTES).sum())

    def open_alerts(self) -> NDArray[np.int64]:
        """How many alerts are open now, shape (kinds, severities)."""
        places = self._places(self._alerting)
        alerts = self._rows["alerts"]
        row, kind = np.nonzero(alerts["open"][places])
        cells = len(SEVERITIES) * kind + alerts["severity"][places[row], kind]
        return np.bincount(cells, minlength=len(KINDS) * len(SEVERITIES)).reshape(len(KINDS), len(SEVERITIES))

    def step(self, messages: Sequence[Message]) -> Outcome:
        """Fold a batch of messages in offset order; the state stays as it is until `apply`.

        Raises ModelAhead, with nothing done, where a control record names a model that is not at hand.
        """
        channels = self._models.newest(self.head.follows).channels
        known = _Except(self._place, self._unasked) if self._unasked else self._place
        decoded = decode_messages(messages, self.partition, self._partition_of, channels, known)
        for row, control in decoded.controls.items():
            if isinstance(control, FollowModel) and not self._models.passes(control.hash):
                raise ModelAhead(control, messages[int(decoded.position[row])].offset)
        before = -1 if self.head.watermark is None else self.head.watermark
        watermark = int(decoded.minute.max(initial=before))
        silent = self.silent_by(watermark)
        touched = touched_by(decoded, self._place, self._rows["last_minute"], silent)
        rooms = touched.rooms
        self._unasked.difference_update(decoded.rooms)
        rows = self.rows_of(rooms)
        limit = self._limit(rooms, messages)
        lines, head, rows, tally = fold_batch(self.partition, self._models, self.head, decoded, touched, rows, limit)
        forgotten, fresh = self.idle_by(watermark), rows["session_start"] == FRESH
        if forgotten:
            stepped = set(rooms)
            forgotten = [room for room in forgotten if room not in stepped]
        if fresh.any():
            # Let go of within the batch; or never let in, and then there is nothing to remember or to forget.
            forgotten += [room for row in np.flatnonzero(fresh).tolist() if (room := rooms[row]) in self._place]
            kept = np.flatnonzero(~fresh)
            rooms, rows = [rooms[row] for row in kept.tolist()], rows_at(rows, kept)
        return Outcome(lines, head, rooms, rows, forgotten, tally)

    def _limit(self, rooms: Sequence[str], messages: Sequence[Message]) -> RoomLimit | None:
        """The limit of rooms over a batch of `rooms`; None where they cannot reach it, which costs nothing more."""
        if len(self._place) + len(rooms) <= self._max_rooms:
            return None
        here = {place for room in rooms if (place := self._place.get(room)) is not None}

        def idle_elsewhere(minute: int) -> int:
            idle = idle_at(self._rows["last_minute"][: len(self._names)], minute)
            return sum(place not in here for place in idle.tolist())

        held = len(self._place)
        return RoomLimit(self._max_rooms, held, held - len(here), idle_elsewhere, messages)

    def silent_by(self, watermark: int) -> list[str]:
        """Rooms with an open alert that are silent once the watermark is there."""
        alerting = list(self._alerting)
        silent = self._rows["last_minute"][self._places(alerting)] + QUIET_MINUTES <= watermark
        return sorted(alerting[number] for number in np.flatnonzero(silent).tolist())

    def idle_by(self, watermark: int) -> list[str]:
        """Rooms to be forgotten once the watermark is there; looked up once an event-hour, for it reads every room."""
        before = self.head.watermark
        if before is None or before // 60 == watermark // 60:
            return []
        idle = idle_at(self._rows["last_minute"][: len(self._names)], watermark)
        return [self._names[place] for place in idle.tolist()]

    def apply(self, outcome: Outcome) -> None:
        """Take over what `step` computed."""
        self.head = outcome.head
        if outcome.rows.dtype != self.dtype:
            self._rows = widened(self._rows[: len(self._names)], outcome.rows.dtype)
        new = [room for room in outcome.rooms if room not in self._place]
        self._make_room(len(new))
        for place, room in enumerate(new, len(self._place)):
            self._place[room] = place
        self._names.extend(new)
        put_rows(self._rows, self._places(outcome.rooms), outcome.rows)
        open_now = np.flatnonzero(outcome.rows["alerts"]["open"].any(axis=1))
        self._alerting.difference_update(outcome.rooms)
        self._alerting.update(outcome.rooms[row] for row in open_now.tolist())
        for room in outcome.forgotten:
            self._drop(room)

    def _places(self, rooms: Collection[str]) -> NDArray[np.int64]:
        return np.fromiter(map(self._place.__getitem__, rooms), np.int64, len(rooms))

    def _make_room(self, more: int) -> None:
        needed = len(self._place) + more
        if needed > len(self._rows):
            # What lies beyond the rooms is never read, and takes up no memory before it is written.
            grown = np.empty(max(needed, 2 * len(self._rows), 64), self.dtype)
            put_rows(grown, slice(len(self._place)), self._rows[: len(self._place)])
            self._rows = grown

    def _drop(self, room: str) -> None:
        """Forget a room; the last one takes its place."""
        place = self._place.pop(room, None)
        if place is None:
            return
        self._alerting.discard(room)
        last = len(self._place)
        mover = self._names.pop()
        if place != last:
            self._names[place] = mover
            self._place[mover] = place
            self._rows[place] = self._rows[last]
