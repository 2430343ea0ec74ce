"""Surges and slumps of known size put into rooms, simulated and real, and how many of them are found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.alerts_openings import Floats, Opening, openings
from bench.datasets import bilibili_grid
from roompulse.minutes import QUIET_MINUTES
from roompulse.rules import size_of
from roompulse.simulation import SimulationSettings, simulate_counts

FACTORS = (1.3, 1.5, 2.0, 3.0, 5.0, 0.7, 0.5, 0.3, 0.1)
DURATION_MINUTES = (5, 20)
FIRST_MINUTE = 10
"""Of a session: nothing is put in earlier."""
MOST_BLANK = 0.2
"""Of the minutes of a surge or slump: where more are missing there is nothing to find."""
IN_TIME_MINUTES = 5
AFTERMATH_MINUTES = 10
YOUNG_MINUTES = 10
SEEDS = (9001, 9002, 9003)
SIMULATED = SimulationSettings(
    rooms=600, minutes=240, typical_size=80.0, burstiness=1.3, surges_per_room_hour=0, slumps_per_room_hour=0
)
"""The model was trained on rooms of 30 a minute and burstiness 1, from other seeds."""
REAL_ROUNDS = 20
"""Times that the real sessions are gone through, each time with other minutes and factors."""
SIZES = ("under_3", "3_to_20", "over_20")


@dataclass(frozen=True, slots=True)
class Injected:
    """One surge or slump: room, first and last minute, factor, and the room's mean over the 20 minutes before."""

    room: int
    first: int
    last: int
    factor: float
    level: float

    @property
    def kind(self) -> str:
        """`surge` or `slump`."""
        return "surge" if self.factor > 1 else "slump"


def rooms(**_: object) -> dict[str, Any]:
    """Found within five minutes by factor and size, what was cried besides, and fresh rooms that fired."""
    simulated = [simulate_counts(replace(SIMULATED, seed=seed)) for seed in SEEDS]
    real = bilibili_grid()
    found = _figures("rooms", simulated) | _figures("sessions", [real] * REAL_ROUNDS)
    quiet = [(counts, openings(counts)) for counts in simulated]
    fired = [_fired_young(counts, opened) for counts, opened in quiet]
    found["fresh_rooms"] = sum(len(fresh) for fresh, _ in fired)
    found["fresh_rooms_fired_share"] = sum(young for _, young in fired) / found["fresh_rooms"]
    days = sum(float((~np.isnan(counts)).sum()) for counts, _ in quiet) / 1440
    for kind in ("surge", "slump", "hotspot"):
        alerts = sum(alert.kind == kind for _, opened in quiet for alert in opened)
        found[f"quiet_rooms_{kind}s_per_room_day"] = alerts / days
    return found


def inject(counts: Floats, random: np.random.Generator) -> tuple[Floats, list[Injected]]:
    """One surge or slump in each room that has a session long enough; `counts` (rooms, minutes) stay as they are.

    A surge adds Poisson counts around a multiple of what came, a slump keeps each count with the factor as its chance.
    """
    changed = counts.copy()
    labels: list[Injected] = []
    for room in random.permutation(len(counts)).tolist():
        live = np.flatnonzero(~np.isnan(counts[room]))
        minute = int(random.choice(live)) if len(live) else 0
        last = minute + int(random.integers(*DURATION_MINUTES))
        first = session_start(counts[room], minute)
        if first is None or minute - first < FIRST_MINUTE or last >= counts.shape[1]:
            continue
        part = counts[room, minute : last + 1]
        if np.isnan(part).mean() > MOST_BLANK:
            continue
        factor = FACTORS[len(labels) % len(FACTORS)]
        level = float(np.nanmean(counts[room, max(first, minute - 20) : minute]))
        came = np.nan_to_num(part)
        new = came + random.poisson(came * (factor - 1)) if factor > 1 else random.binomial(came.astype(int), factor)
        changed[room, minute : last + 1] = np.where(np.isnan(part), np.nan, new)
        labels.append(Injected(room, minute, last, factor, level))
    return changed, labels


def session_start(row: Floats, minute: int) -> int | None:
    """The minute from 0 in which the session of this one began, None where the room is not live."""
    live = np.flatnonzero(~np.isnan(row[: minute + 1]))
    return None if not len(live) or minute - live[-1] >= QUIET_MINUTES else session_starts(row[: minute + 1])[-1]


def session_starts(row: Floats) -> list[int]:
    """The minutes from 0 in which the sessions of a room (minutes,) began."""
    live = np.flatnonzero(~np.isnan(row))
    starts: list[int] = live[np.diff(live, prepend=-QUIET_MINUTES) >= QUIET_MINUTES].tolist()
    return starts


def _figures(name: str, rounds: Sequence[Floats]) -> dict[str, Any]:
    """Shares found, median delay and precision over all rounds."""
    caught: dict[tuple[float, str], list[bool]] = defaultdict(list)
    delays: list[int] = []
    explained = alerts = 0
    for number, counts in enumerate(rounds):
        changed, labels = inject(counts, np.random.default_rng(number))
        opened = [alert for alert in openings(changed) if alert.kind != "hotspot"]
        by_room: dict[int, list[Opening]] = defaultdict(list)
        for alert in opened:
            by_room[alert.room].append(alert)
        for label in labels:
            after = [a.minute - label.first for a in by_room[label.room] if a.kind == label.kind]
            late = [delay for delay in after if 0 <= delay <= label.last - label.first]
            size = SIZES[int(size_of(np.array([label.level]))[0])]
            caught[label.factor, size].append(bool(late) and late[0] <= IN_TIME_MINUTES)
            delays.extend(late[:1])
        span = {label.room: label for label in labels}
        inside = [_explained(alert, span.get(alert.room)) for alert in opened]
        explained, alerts = explained + sum(inside), alerts + len(inside)
    found: dict[str, Any] = {f"{name}_injected": sum(map(len, caught.values()))}
    for (factor, size), hits in sorted(caught.items()):
        kind = f"surge_{factor:g}x" if factor > 1 else f"slump_{100 * (1 - factor):.0f}"
        found[f"{name}_{kind}_{size}"] = sum(hits) / len(hits)
        found[f"{name}_{kind}_{size}_count"] = len(hits)
    found[f"{name}_delay_minutes_median"] = float(np.median(delays))
    found[f"{name}_precision"] = explained / alerts
    return found


def _explained(alert: Opening, label: Injected | None) -> bool:
    """Whether the alert lies in what was put into its room or in its aftermath, whichever way it points."""
    return label is not None and label.first <= alert.minute <= label.last + AFTERMATH_MINUTES


def _fired_young(counts: Floats, opened: Sequence[Opening]) -> tuple[set[tuple[int, int]], int]:
    """Sessions that begin in sight, as (room, first minute), and how many had a surge or slump while young."""
    fresh = {(room, start) for room, row in enumerate(counts) for start in session_starts(row) if start}
    fired = {
        (alert.room, start)
        for alert in opened
        if alert.kind != "hotspot"
        and (start := session_start(counts[alert.room], alert.minute)) is not None
        and alert.minute - start < YOUNG_MINUTES
    }
    return fresh, len(fired & fresh)
