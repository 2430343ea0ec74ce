"""One wave: at most one record per room, thousands of rooms at once. All that a record changes in its room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.features import observe
from roompulse.forecasting import HORIZONS, QUANTILES
from roompulse.gate import choose, learn, misses, take_in
from roompulse.minutes import QUIET_MINUTES, ZULU
from roompulse.rooms import FORGET_MINUTES, FRESH, fresh_rooms, put_rows, rows_at, start_session
from roompulse.rules import Rules
from roompulse.thresholds import Thresholds
from scorer.pipeline import judge as alerts
from scorer.pipeline.basis import Minutes
from scorer.pipeline.contest import sums_of
from scorer.pipeline.correct import correct
from scorer.pipeline.decode import Records
from scorer.pipeline.outlook import look_ahead, note, pass_blank
from scorer.pipeline.serve import calibrate, round4, widened_quantiles
from scorer.pipeline.tell import Told, driver_levels, end_sessions, silence_told
from scorer.ports import Forecaster

ACCEPTED, DUPLICATE, CORRECTED, LATE = range(4)
STATUSES = ("accepted", "duplicate", "corrected", "late")

_DRIVER_WEIGHT = 0.05

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WaveOutcome:
    """What a wave found, in the order of its n rooms.

    `status` (n,); `quantiles` (n, 3, 10) NaN where no forecast was made; `newest` (n, 3) the forecast that this
    minute was met with; `errors` (n, 3) absolute errors of the forecasts for this minute made 1, 5 and 10 minutes
    before, `naive` (n, 3) those of the values seen then; `contest` the sums of network against plain mean.
    """

    status: NDArray[np.int8]
    quantiles: Floats
    newest: Floats
    errors: Floats
    naive: Floats
    blanks: int
    sessions: int
    gated: int
    contest: tuple[int, int, int]
    told: list[Told]


JUDGED_HORIZONS = (1, 5, 10)


def advance(
    rooms: NDArray[np.void],
    records: Records,
    forecaster: Forecaster,
    rules: Rules,
    thresholds: Thresholds,
    own: NDArray[np.int64] | None = None,
    *,
    plain: bool = False,
) -> WaveOutcome:
    """Advance each of `rooms` (n,), in place, by its record.

    `own` (n,) are the rooms' places in `thresholds`, None where no room has thresholds of its own. With
    `plain` every room is served the plain mean.
    """
    count = len(rooms)
    status = classify(rooms, records)
    quantiles = np.full((count, len(QUANTILES), HORIZONS), np.nan)
    newest = np.full((count, len(QUANTILES)), np.nan)
    errors = np.full((count, len(JUDGED_HORIZONS)), np.nan)
    naive = np.full((count, len(JUDGED_HORIZONS)), np.nan)
    told: list[Told] = []
    blanks = sessions = gated = 0
    contest = (0, 0, 0)
    rows = np.flatnonzero(status == ACCEPTED)
    if len(rows):
        whole = len(rows) == count
        part = rooms if whole else rows_at(rooms, rows)
        taken = records if whole else records.take(rows)
        sessions = _begin_sessions(part, taken.minute, rows, told)
        blanks = _pass_blanks(part, taken.minute, forecaster)
        seen, made = _meet(part, taken)
        newest[rows] = seen
        errors[rows], naive[rows] = made
        part["category"] = np.where(taken.category > 0, taken.category, part["category"])
        bars = thresholds.of(part["category"], own if own is None or whole else own[rows])
        contest = sums_of(_judge(part, taken, seen, rows, rules, bars, told, plain=plain))
        quantiles[rows] = _forecast(part, taken, forecaster)
        gated = int(part["gate"]["closed"].sum())
        if not whole:
            put_rows(rooms, rows, part)
    for row in np.flatnonzero(status == CORRECTED).tolist():
        room, one = rooms[row : row + 1], np.array([row])
        bars = thresholds.of(room["category"], None if own is None else own[one])
        correct(room, records.take(one), row, rules, bars, told)
    # A source may learn of the end only after it sent the last minute, and send that again with `ended`.
    again = np.isin(status, (DUPLICATE, CORRECTED)) & (records.minute == rooms["last_minute"])
    end_sessions(rooms, records, np.flatnonzero(again & records.ended), np.arange(count), told)
    told.sort(key=lambda item: item.row)
    return WaveOutcome(status, quantiles, newest, errors, naive, blanks, sessions, gated, contest, told)


def classify(rooms: NDArray[np.void], records: Records) -> NDArray[np.int8]:
    """What each record is to its room: the next minute, the same again, a correction of the past, or too late."""
    window = rooms["ring"].shape[1]
    fresh = rooms["session_start"] == FRESH
    age = rooms["last_minute"].astype(np.int64) - records.minute  # 0: the newest minute again
    reachable = ~fresh & (age >= 0) & (age < window) & (records.minute >= rooms["session_start"])
    known = rooms["ring"][np.arange(len(rooms)), records.minute % window]
    given = records.value.astype(np.float32)
    same = (known == given) | (np.isnan(known) & np.isnan(given))
    kinds = np.select([fresh | (age < 0), reachable & same, reachable], [ACCEPTED, DUPLICATE, CORRECTED], LATE)
    return kinds.astype(np.int8)


def _begin_sessions(
    rooms: NDArray[np.void], minute: NDArray[np.int64], rows: NDArray[np.int64], told: list[Told]
) -> int:
    """Start a session where the last one is over: ended, ten blank minutes long gone, or never begun."""
    fresh = rooms["session_start"] == FRESH
    silent = ~fresh & (minute - rooms["last_minute"] >= QUIET_MINUTES)
    starts, over = np.flatnonzero(fresh | silent | rooms["over"]), np.flatnonzero(silent | rooms["over"])
    if len(over):
        part = rows_at(rooms, over)
        told.extend(silence_told(part, rows[over]))
        forgotten = np.flatnonzero(minute[over] - part["last_minute"] >= FORGET_MINUTES)
        model = part["model"][forgotten]  # its turn has come, or not, already
        part[forgotten] = fresh_rooms(len(forgotten), rooms.dtype)
        part["model"][forgotten] = model
        start_session(part)
        put_rows(rooms, over, part)
    rooms["session_start"][starts] = minute[starts]
    rooms["last_minute"][starts] = minute[starts] - 1
    return len(starts)


def _pass_blanks(rooms: NDArray[np.void], minute: NDArray[np.int64], forecaster: Forecaster) -> int:
    """Let the minutes that never came pass: levels are held, the network sees the blank flag, nothing is judged."""
    missing = minute - rooms["last_minute"] - 1
    for step in range(1, int(missing.max(initial=0)) + 1):
        rows = np.flatnonzero(missing >= step)
        part = rooms[rows]
        blank = part["last_minute"].astype(np.int64) + step
        place = np.arange(len(rows))
        note(part, blank, np.full(len(rows), np.nan), np.nan)
        part["forecasts"][place, blank % HORIZONS] = np.nan
        part["gate"]["means"][place, blank % HORIZONS] = np.nan
        inputs, _ = observe(part["levels"], np.full(len(rows), np.nan))
        pass_blank(part, inputs, forecaster)
        rooms[rows] = part
    return int(missing.sum())


def _meet(rooms: NDArray[np.void], records: Records) -> tuple[Floats, tuple[Floats, Floats]]:
    """Return the newest forecast for this minute (n, 3) and absolute errors at +1, +5 and +10.

    The errors are of the forecasts (n, 3) and, beside them, of the values seen when those were made (n, 3).
    """
    place = np.arange(len(rooms))
    window = rooms["ring"].shape[1]
    last = rooms["last_minute"].astype(np.int64)
    gap = records.minute - last
    # Stored in single precision; rounded again they are the very numbers that were published.
    newest = round4(rooms["forecasts"][place, last % HORIZONS, :, gap - 1].astype(np.float64))
    errors = np.empty((len(rooms), len(JUDGED_HORIZONS)))
    naive = np.empty_like(errors)
    for column, horizon in enumerate(JUDGED_HORIZONS):
        origin = records.minute - horizon
        made = rooms["forecasts"][place, origin % HORIZONS, 1, horizon - 1]
        # A slot that is older than the origin asked for belongs to another minute.
        stands = (origin <= last) & (origin >= rooms["session_start"])
        errors[:, column] = np.where(stands, np.abs(records.value - made), np.nan)
        naive[:, column] = np.where(stands, np.abs(records.value - rooms["ring"][place, origin % window]), np.nan)
    return newest, (errors, naive)


def _judge(
    rooms: NDArray[np.void],
    records: Records,
    newest: Floats,
    rows: NDArray[np.int64],
    rules: Rules,
    thresholds: NDArray[np.void],
    told: list[Told],
    *,
    plain: bool,
) -> Floats:
    """Judge these minutes and learn from them; returns errors (n, 2) of network and plain mean, NaN if not judged."""
    hours = (records.minute + np.where(records.offset == ZULU, 0, records.offset)) // 60 % 24
    minutes = Minutes(records.minute, hours, records.value, newest, rooms["last_minute"].astype(np.int64))
    was_open = rooms["alerts"]["open"].copy()
    verdict = alerts.judge(rooms, minutes, rules, thresholds)
    for row, kind in np.argwhere(verdict.event != alerts.NOTHING).tolist():
        state = rooms["alerts"][row, kind]
        levels = driver_levels(rooms[row : row + 1])[0]
        told.append(
            Told(
                int(rows[row]),
                kind,
                int(verdict.event[row, kind]),
                int(verdict.reason[row, kind]),
                int(state["severity"]),
                int(state["opened"]),
                int(records.minute[row]),
                int(records.offset[row]),
                float(records.value[row]),
                tuple(verdict.interval[row, kind].tolist()),
                float(verdict.surprise[row, kind]),
                records.series[row],
                levels,
            )
        )
    free = ~np.any(was_open | rooms["alerts"]["open"], axis=1, keepdims=True)
    gate, made = rooms["gate"], records.minute - rooms["last_minute"] == 1
    errors = misses(gate, records.minute, records.value)
    learn(gate, records.minute, records.value, errors, made & free[:, 0], plain=plain)
    widened = calibrate(rooms["widen"], records.value, newest[:, 0], newest[:, 2])
    rooms["widen"] = np.where(free & ~rooms["gate"]["closed"][:, None], widened, rooms["widen"])
    learns = free & ~np.isnan(records.series)
    series = np.where(learns, records.series, 0)
    for name, more in (("driver_sum", series), ("driver_weight", 1)):
        moved = (1 - _DRIVER_WEIGHT) * rooms[name] + _DRIVER_WEIGHT * more
        rooms[name] = np.where(learns, moved, rooms[name])
    end_sessions(rooms, records, np.flatnonzero(records.ended), rows, told)
    return np.where(made[:, None], errors, np.nan)


def _forecast(rooms: NDArray[np.void], records: Records, forecaster: Forecaster) -> Floats:
    """Take this minute in and look ten minutes ahead; returns the served quantiles (n, 3, 10)."""
    place = np.arange(len(rooms))
    note(rooms, records.minute, records.value, records.series)
    inputs, reference = observe(rooms["levels"], records.value)
    outputs = look_ahead(rooms, records, inputs, reference, forecaster)
    gate = rooms["gate"]
    network = widened_quantiles(outputs, reference, rooms["widen"])
    quantiles = round4(choose(gate, network, take_in(gate, records.minute, records.value)))
    # A room that has only sent nulls has no level yet: its first value is no surprise, however large.
    known = rooms["levels"]["level_weight"] > 0
    rooms["forecasts"][place, records.minute % HORIZONS] = np.where(known[:, None, None], quantiles, np.nan)
    rooms["last_minute"] = records.minute
    rooms["offset"] = records.offset
    return quantiles
