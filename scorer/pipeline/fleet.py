"""Fleet events: many rooms of one partition move together, as when the platform fails or promotes everything.

Every minute that is over is judged by how many of its rooms lay beyond their one-minute intervals on one side. Each
does so by chance in one minute of ten; a share well above what is usual in this partition is a suspicion. From then on
rooms are compared with their own level of the ten minutes before it, for forecasts follow within minutes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from roompulse.minutes import QUIET_MINUTES
from roompulse.rules import Rules
from scorer.pipeline.judge import NEW_LEVEL, NO_REASON, OPEN, RECOVERED, RESOLVE, SILENT, UPDATE
from scorer.pipeline.moves import BASE_MINUTES, Moves

DIRECTIONS = {1: "up", -1: "down"}
CHANCE = 0.1
"""Share of rooms beyond a 10-90 % interval on one side, where rooms are independent and intervals are right."""
_LEARNING_RATE = 0.02
_LEAST_SIZE = 0.1


class Fleet(Struct, frozen=True):
    """A partition's memory of how its rooms move together.

    `moves` is the tally of the minute that is not over yet; `usual` the running shares up and down in calm minutes;
    `judged` the last minute that had rooms enough. `side` is 0 in calm, else the direction (1 up, -1 down) of what is
    suspected or open since the minute `began`, `run` the minutes in a row that spoke for it, `back` those that spoke
    for its end, `noticed` and `size` the minute and the largest deviation of the last record; `ended` is the minute in
    which the last event did.
    """

    moves: Moves = Moves()
    usual: tuple[float, float] = (CHANCE, CHANCE)
    judged: int | None = None
    side: int = 0
    began: int = 0
    run: int = 0
    is_open: bool = False
    back: int = 0
    noticed: int = 0
    size: float = 0.0
    ended: int | None = None

    @property
    def before(self) -> int | None:
        """The last minute before what is suspected or open; None in calm."""
        return self.began - 1 if self.side else None


@dataclass(frozen=True, slots=True)
class FleetChange:
    """One change to tell of: `event` and `reason` as for alerts, and the minute's `moves` that it rests on."""

    event: int
    reason: int
    side: int
    began: int
    minute: int
    moves: Moves


def close_minute(fleet: Fleet, over: int, now: int, rules: Rules) -> tuple[Fleet, list[FleetChange]]:
    """Judge the minute `over`, which the move of the watermark to `now` has ended."""
    moves, fleet = fleet.moves, replace(fleet, moves=Moves())
    changes: list[FleetChange] = []
    if moves.rooms >= rules.fleet_minimum_rooms:
        in_a_row = fleet.judged == over - 1
        fleet = replace(fleet, judged=over)
        if fleet.is_open:
            fleet, change = _go_on(fleet, over, moves, rules)
        elif fleet.side and in_a_row:
            fleet, change = _confirm(fleet, over, moves, rules)
        elif fleet.side:
            fleet, change = _calm(fleet), None  # its rooms were compared with something else than in calm
        else:
            fleet, change = _watch(fleet, over, moves, rules)
        changes += [change] if change else []
    elif fleet.side and not fleet.is_open:
        fleet = _calm(fleet)
    if fleet.is_open and fleet.judged is not None and now - fleet.judged >= QUIET_MINUTES:
        ended = fleet.judged + QUIET_MINUTES - 1
        changes.append(FleetChange(RESOLVE, SILENT, fleet.side, fleet.began, ended, Moves()))
        fleet = _ended(fleet, ended)
    return fleet, changes


def _watch(fleet: Fleet, minute: int, moves: Moves, rules: Rules) -> tuple[Fleet, FleetChange | None]:
    """Calm so far: is this minute the first of something, or one more to learn the usual shares from?

    For ten minutes after an event it is neither: forecasts and the rooms' own levels are still full of it.
    """
    if fleet.ended is not None and minute - fleet.ended <= BASE_MINUTES:
        return fleet, None
    side, moved = (1, moves.up) if moves.up >= moves.down else (-1, moves.down)
    if moved / moves.rooms >= _bar(fleet, side, moves.rooms, rules):
        return _open(replace(fleet, side=side, began=minute, run=1), minute, moves, rules)
    up, down = (
        usual + _LEARNING_RATE * (moved / moves.rooms - usual)
        for usual, moved in zip(fleet.usual, (moves.up, moves.down), strict=True)
    )
    return replace(fleet, usual=(up, down)), None


def _confirm(fleet: Fleet, minute: int, moves: Moves, rules: Rules) -> tuple[Fleet, FleetChange | None]:
    """Suspected since the minute before: does this one say the same?"""
    if _net_share(fleet.side, moves) < _bar(fleet, fleet.side, moves.rooms, rules):
        return _calm(fleet), None
    return _open(replace(fleet, run=fleet.run + 1), minute, moves, rules)


def _open(fleet: Fleet, minute: int, moves: Moves, rules: Rules) -> tuple[Fleet, FleetChange | None]:
    if fleet.run < rules.fleet_minutes:
        return fleet, None
    fleet = replace(fleet, is_open=True, back=0, noticed=minute, size=_size(fleet.side, moves))
    return fleet, FleetChange(OPEN, NO_REASON, fleet.side, fleet.began, minute, moves)


def _go_on(fleet: Fleet, minute: int, moves: Moves, rules: Rules) -> tuple[Fleet, FleetChange | None]:
    """Open: has it ended, by recovery or because it has become the new level, or grown enough to say so?"""
    is_back = _net_share(fleet.side, moves) < _bar(fleet, fleet.side, moves.rooms, rules) / 2
    fleet = replace(fleet, back=fleet.back + 1 if is_back else 0)
    old = minute - fleet.began >= rules.level_minutes
    size = _size(fleet.side, moves)
    if fleet.back >= rules.back_minutes or old:
        reason = RECOVERED if is_back else NEW_LEVEL
        return _ended(fleet, minute), FleetChange(RESOLVE, reason, fleet.side, fleet.began, minute, moves)
    if minute - fleet.noticed >= rules.update_minutes and size >= rules.update_growth * fleet.size:
        change = FleetChange(UPDATE, NO_REASON, fleet.side, fleet.began, minute, moves)
        return replace(fleet, noticed=minute, size=size), change
    return fleet, None


def _calm(fleet: Fleet) -> Fleet:
    return replace(fleet, side=0, began=0, run=0, is_open=False, back=0, noticed=0, size=0.0)


def _ended(fleet: Fleet, minute: int) -> Fleet:
    return replace(_calm(fleet), ended=minute)


def _net_share(side: int, moves: Moves) -> float:
    """Rooms that moved this way less those that moved the other: what is only restless cancels out."""
    return side * (moves.up - moves.down) / moves.rooms


def _size(side: int, moves: Moves) -> float:
    """The totals' deviation in this direction, as a share; no less than is worth telling of."""
    return max(side * moves.deviation, _LEAST_SIZE)


def _bar(fleet: Fleet, side: int, rooms: int, rules: Rules) -> float:
    """The share that speaks for a move: the rules' least, and the usual one with room for binomial noise."""
    usual = fleet.usual[0 if side > 0 else 1]
    return max(rules.fleet_percent / 100, usual + rules.fleet_noise * math.sqrt(usual * (1 - usual) / rooms))
