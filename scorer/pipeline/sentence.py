"""What is told of an alert or a fleet event as one plain sentence that a person can act on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from roompulse.minutes import QUIET_MINUTES, format_minute
from roompulse.records import METRICS, Driver
from roompulse.rooms import HOTSPOT, KINDS, SLUMP
from scorer.pipeline.fleet import FleetChange
from scorer.pipeline.judge import ENDED, NEW_LEVEL, OPEN, RESOLVE, RETRACT, SILENT
from scorer.pipeline.tell import Told

_METRIC_WORDS = dict(
    zip(
        METRICS,
        (
            "people entering", "people online", "people leaving", "comments", "new fans", "fan club members",
            "sales", "orders", "buyers", "sales per visitor",
        ),
        strict=True,
    )
)  # fmt: skip
_MOSTLY = 0.5  # share of the excess from which a channel is where most of it came from


def alert_sentence(room: str, told: Told, drivers: Sequence[Driver]) -> str:
    """What happened in which room when, how far from what was expected, and through which channel or metric."""
    kind, now, since = KINDS[told.kind], _clock(told.minute, told.offset), _clock(told.opened, told.offset)
    low, expected, high = told.interval
    between = f"({said(low)} to {said(high)})"
    if told.before is not None:
        corrected = f"the count at {now} was corrected from {_counted(told.before)} to {_counted(told.actual)}"
        begin = f"The {kind} of room {room} since {since} is {'withdrawn' if told.event == RETRACT else 'revised'}"
        return f"{begin}: {corrected}, where {said(expected)} {between} were expected."
    if told.event == RESOLVE:
        return _ending(room, told, f"The {kind} of room {room} since {since}", now, f"{said(expected)} {between}")
    if told.event == OPEN and told.kind == HOTSPOT:
        start = f"Hotspot in room {room}, above its forecasts for minutes on end"
    elif told.event == OPEN:
        start = f"{kind.capitalize()} in room {room}"
    else:
        more = "deepening" if told.kind == SLUMP else "growing"
        start = f"{kind.capitalize()} in room {room} since {since}, {more}"
    of = "forecast ten minutes before" if told.kind == HOTSPOT and told.event == OPEN else "expected"
    size = _compared(told.actual, expected, of)
    return f"{start}: {_people(told.actual)} entered at {now}, {size} {between}{_why(told, drivers)}."


def fleet_sentence(partition: int, change: FleetChange, offset: int) -> str:
    """How many rooms of which partition moved since when, what that did to their total, and where to look first."""
    moves, up = change.moves, change.side > 0
    since, now = _clock(change.began, offset), _clock(change.minute, offset)
    name = f"The {'rise' if up else 'fall'} of many rooms on partition {partition} since {since}"
    if change.reason == SILENT:
        return f"{name} is closed without a recovery: from {now} on there are too few rooms to compare."
    moved = f"{moves.up if up else moves.down:,} of {moves.rooms:,} rooms"
    total = f"{_people(moves.actual)} entered at {now}, {_compared(moves.actual, moves.expected, 'expected')}"
    if change.event == RESOLVE:
        ends = "has become the new level" if change.reason == NEW_LEVEL else "is over"
        return f"{name} {ends}: {moved} are still {'above' if up else 'below'} it, and {total}."
    if change.event != OPEN:
        return f"{name} is growing: {moved} are {'above' if up else 'below'} their level before, and {total}."
    did, cause = ("rose", "a promotion across rooms") if up else ("fell", "a failure of the platform or its data")
    return f"{moved} on partition {partition} {did} together from {since} on: {total}; look for {cause} first."


def said(count: float) -> str:
    """A count for people: whole from 20 up, else two significant digits, thousands set apart, no exponent."""
    if count >= 20:
        return f"{count:,.0f}"
    return f"{float(f'{count:.2g}'):,.15g}"


def _ending(room: str, told: Told, name: str, now: str, wanted: str) -> str:
    if told.reason == SILENT:
        last = _clock(told.minute - QUIET_MINUTES + 1, told.offset)
        return f"{name} is closed without a recovery: the room has fallen silent, its last minute was {last}."
    if told.reason == ENDED:
        return f"{name} is closed: the session ended at {now}."
    entered = f"{_people(told.actual)} entered at {now}, where {wanted}"
    if told.reason == NEW_LEVEL:
        minutes = told.minute - told.opened
        return f"{name} has lasted {minutes} minutes and is the new level: {entered} were expected before it."
    return f"{name} is over: {entered} were expected."


def _why(told: Told, drivers: Sequence[Driver]) -> str:
    """The first driver in words; empty without one."""
    if not drivers:
        return ""
    first, falls = drivers[0], told.kind == SLUMP
    if first.name in _METRIC_WORDS:
        did = "fell" if falls else "rose"
        return f"; {_METRIC_WORDS[first.name]} {did} with it, from {said(first.expected)} to {said(first.actual)}"
    moved = first.actual - first.expected
    mostly = moved / (told.actual - told.interval[1]) >= _MOSTLY
    flow, _, channel = first.name.partition(" ")
    through = f"{flow} channel '{channel}'" if channel else "channels that are not told apart"
    if falls:
        return f"; {'most' if mostly else 'the largest part'} is missing from {through} ({said(-moved)} fewer)"
    return f"; {'most' if mostly else 'the largest part'} came through {through} (+{said(moved)})"


def _compared(actual: float, expected: float, of: str) -> str:
    """The actual beside the expected: times it from twice on, else in percent; next to nothing is no measure."""
    wanted = f"the {said(expected)} {of}"
    if expected < 1:
        return f"where {said(expected)} were {of}"
    ratio = actual / expected
    if ratio >= 2:
        return f"{ratio:,.1f} times {wanted}"
    return f"{100 * abs(ratio - 1):.0f} % {'fewer' if ratio < 1 else 'more'} than {wanted}"


def _people(count: float) -> str:
    return f"{count:,.15g} {'person' if count == 1 else 'people'}"


def _counted(count: float) -> str:
    # The value before a correction comes from the ring, in single precision.
    return f"{float(f'{count:.7g}'):,.15g}" if math.isfinite(count) else "not measured"


def _clock(minute: int, offset: int) -> str:
    """The time of day in the room's own offset."""
    return format_minute(minute, offset)[11:16]
