"""Streams of records as a hostile world sends them, and a slow, plain oracle of the time rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import strategies as st

from roompulse.minutes import QUIET_MINUTES
from tests.scorer.fakes import RULES, Event, clock, event, feedback, snooze

ROOMS = ("a", "b", "c")


@dataclass(frozen=True, slots=True)
class Given:
    """One record of a stream. `room` is None for a clock, "" for what cannot be read.

    With a `word` it is a verdict on the room, or a snooze until `minute`.
    """

    room: str | None
    minute: int
    value: float | None = None
    ended: bool = False
    word: str = ""

    def event(self) -> Event:
        """The record as a message."""
        if self.room is None:
            return clock(self.minute)
        if not self.room:
            return Event(b"?", b"not JSON")
        if self.word:
            return snooze(self.room, self.minute) if self.word == "snooze" else feedback(self.room, self.word)
        more = {"ended": True} if self.ended else {}
        return event(self.room, self.minute, self.value, natural={"search": (self.value or 0) / 2}, **more)


_VALUES = (100, 100, 100, 100, 100, 105, 250, 400, 400, 1000, 5, 0, None, 101.5)
_STEPS = (1,) * 30 + (2, 3, 10, 11, 12)
_TURNS = ("next",) * 24 + ("again", "back", "back", "ended", "clock", "garbage", "noise", "useful", "snooze")


@st.composite
def streams(draw: st.DrawFn, rooms: tuple[str, ...] = ROOMS, *, warm: int = 10, size: int = 60) -> list[Given]:
    """Rooms that are steady at first, so that there is something to surge from, and then do anything at all.

    A seed and a length: what fails is cut down to the shortest beginning that fails. No room goes on with a session
    that the watermark has ended: a room's records alone decide only for rooms that do not lag by more than the quiet
    time.
    """
    chance = Random(draw(st.integers(0, 1 << 32)))
    stream = [Given(room, minute, 100) for minute in range(warm) for room in rooms]
    last = dict.fromkeys(rooms, warm - 1)
    watermark = warm - 1
    for _ in range(draw(st.integers(0, size))):
        room, what, step = chance.choice(rooms), chance.choice(_TURNS), chance.choice(_STEPS)
        value = chance.choice(_VALUES)
        told_silent = last[room] + QUIET_MINUTES <= watermark
        if what == "clock":
            watermark += step
            stream.append(Given(None, watermark))
        elif what == "garbage":
            stream.append(Given("", 0))
        elif what in ("noise", "useful", "snooze"):
            stream.append(Given(chance.choice((room, room, "nobody")), watermark + chance.choice((0, 2, 8)), word=what))
        elif what in ("again", "back"):
            back = 0 if what == "again" else chance.choice((0, 0, 1, 2, 3, 9, 10, 40, 70))
            if not told_silent:
                stream.append(Given(room, last[room] - back, value, ended=chance.random() < 0.1))
        else:
            minute = last[room] + (max(step, QUIET_MINUTES) if told_silent else step)
            last[room], watermark = minute, max(watermark, minute)
            stream.append(Given(room, minute, value, ended=what == "ended"))
    return stream


@dataclass(slots=True)
class OracleRoom:
    """What a room is, in plain Python."""

    last: int
    start: int
    ring: dict[int, float | None] = field(default_factory=dict)
    over: bool = False
    known: bool = False
    """A value has come in this session: from then on its forecasts are judged. A correction does not count."""


@dataclass(slots=True)
class Oracle:
    """The time rules of the design, record by record. `expected` maps (room, origin) to published medians."""

    rooms: dict[str, OracleRoom] = field(default_factory=dict)
    watermark: int | None = None
    statuses: list[str] = field(default_factory=list)
    forecasts: list[tuple[str, int]] = field(default_factory=list)
    hotlists: list[tuple[int, list[tuple[str, float]]]] = field(default_factory=list)
    blanks: int = 0
    sessions: int = 0
    _hot: list[tuple[str, float]] = field(default_factory=list)
    _origins: dict[str, int] = field(default_factory=dict)
    _listed: dict[str, int] = field(default_factory=dict)
    """By listed room: the origin of the forecast that it is held to."""
    _counted: int = 0

    def take(self, given: Given, expected: dict[tuple[str, int], list[float]]) -> None:
        """Take one record in."""
        if given.room == "":
            self.statuses.append("dead")
            return
        if given.word:
            self.statuses.append("word")
            return
        if self.watermark is None or given.minute > self.watermark:
            if self._counted and self.watermark is not None:
                order = sorted(self._hot, key=lambda pair: (-pair[1], pair[0]))[: RULES.hotlist_size]
                self.hotlists.append((self.watermark, order))
            self.watermark, self._hot, self._counted = given.minute, [], 0
            self._listed, self._origins = self._origins, {}
        if given.room is None:
            self.statuses.append("clock")
            return
        self.statuses.append(self._room_minute(given.room, given, expected))

    def _room_minute(self, name: str, given: Given, expected: dict[tuple[str, int], list[float]]) -> str:
        room = self.rooms.get(name)
        if room is not None and given.minute <= room.last:
            if given.minute < room.start or room.last - given.minute >= 60:
                return "late"
            known = room.ring.get(given.minute)
            room.ring[given.minute] = given.value
            room.over = room.over or (given.ended and given.minute == room.last)
            return "duplicate" if known == given.value else "corrected"
        origin: int | None = None
        if room is None or room.over or given.minute - room.last >= QUIET_MINUTES:
            self.sessions += 1
            room = self.rooms[name] = OracleRoom(given.minute, given.minute)
        else:
            origin = room.last
            self.blanks += given.minute - room.last - 1
        measured = room.known
        room.known = room.known or given.value is not None
        room.last, room.over = given.minute, given.ended
        room.ring[given.minute] = given.value
        self.forecasts.append((name, given.minute))
        if given.minute == self.watermark:
            self._counted += 1
            if origin is not None and measured and given.value is not None:
                held = self._listed.get(name, -RULES.level_minutes)
                basis = held if given.minute - held < RULES.level_minutes else origin
                median = expected[name, basis][min(given.minute - basis, 10) - 1]
                if given.value > median:
                    self._hot.append((name, given.value - median))
                    if basis == held or given.minute - origin == 1:
                        self._origins[name] = basis
        return "accepted"


def shape(record: dict[str, Any], names: set[str], optional: frozenset[str] = frozenset()) -> None:
    """A record has these fields and no others."""
    assert names <= record.keys() <= names | optional, record
