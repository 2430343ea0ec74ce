"""People entering simulated rooms: sessions, daily rhythm, size, drift, bursts and counting noise.

Every minute draws for every room, live or not, so that what happens in one room never shifts another's numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.minutes import ZULU, Minute
from roompulse.simulation.anomalies import ALL_ROOMS, Anomalies, Label
from roompulse.simulation.settings import FleetMove, SimulationSettings

SMALLEST_ROOM, LARGEST_ROOM = 0.01, 100.0
"""Times the typical size."""
PEAK_HOUR = 20.5
REST_MINUTES = 15
"""A room stays closed for at least this long, so that its sessions are told apart."""


@dataclass(frozen=True, slots=True)
class TrafficMinute:
    """One minute of all rooms; arrays have shape (rooms,)."""

    minute: Minute
    live: NDArray[np.bool_]
    entries: NDArray[np.int64]
    """People entering; 0 where the room is not live."""
    opened: NDArray[np.bool_]
    """The session's first minute."""
    last: NDArray[np.bool_]
    """The session's last minute."""
    factor: NDArray[np.float64]
    """What a surge or slump does to the mean; 1 without one."""
    carrier: NDArray[np.int64]
    """Which channel carries a surge, from 0 up; meaningless without one."""
    labels: tuple[Label, ...]
    """Surges and slumps that begin in this minute."""


def random_streams(seed: int) -> dict[str, np.random.Generator]:
    """Independent generators by purpose: who skips one of them changes nothing for the others."""
    names = ("rooms", "sessions", "traffic", "anomalies", "metrics", "gaps", "delivery")
    children = np.random.SeedSequence(seed).spawn(len(names))
    return {name: np.random.Generator(np.random.PCG64(child)) for name, child in zip(names, children, strict=True)}


def daily_rhythm(minute: Minute) -> float:
    """How busy the platform is at a time of day in the room's zone, about 1 on average, most in the evening."""
    local = minute.epoch + (0 if minute.offset == ZULU else minute.offset)
    angle = 2 * np.pi * (local % 1440 - PEAK_HOUR * 60) / 1440
    return float(np.exp(0.35 * np.cos(angle) + 0.15 * np.cos(2 * angle)))


def traffic(settings: SimulationSettings) -> Iterator[TrafficMinute]:
    """Minute after minute of all rooms."""
    streams = random_streams(settings.seed)
    count, draw = settings.rooms, streams["traffic"]
    own = streams["rooms"]
    size = settings.typical_size * np.exp(
        np.clip(1.5 * own.standard_normal(count), np.log(SMALLEST_ROOM), np.log(LARGEST_ROOM))
    )
    shape = np.exp(own.uniform(np.log(5.0), np.log(60.0), count))  # of the negative binomial: small is bursty
    burst_sd = settings.burstiness * own.uniform(0.0, 0.25, count)
    drift_sd = own.uniform(0.005, 0.03, count)
    burst_memory = own.uniform(0.5, 0.9, count)
    level = 0.2 * own.standard_normal(count)
    burst = burst_sd * own.standard_normal(count)
    sessions = _Sessions(settings, streams["sessions"])
    anomalies = Anomalies(settings, streams["anomalies"])
    step = 0
    while settings.minutes is None or step < settings.minutes:
        minute = Minute(settings.start.epoch + step, settings.start.offset)
        rhythm = daily_rhythm(minute)
        opened, last = sessions.advance(rhythm)
        remaining = sessions.remaining
        if settings.minutes is not None:
            remaining = np.minimum(remaining, settings.minutes - step)
        labels = anomalies.advance(minute.epoch, np.where(sessions.live, sessions.seen_minutes, 0), remaining)
        # A drift that is pulled back slowly, and bursts on top of it that die away within minutes.
        level = 0.998 * level + drift_sd * draw.standard_normal(count)
        noise = np.sqrt(1 - burst_memory**2) * burst_sd * draw.standard_normal(count)
        burst = burst_memory * burst + noise
        opening = 1 - 0.7 * np.exp(-sessions.age_minutes / 8)
        mean = size * rhythm * opening * np.exp(level + burst) * anomalies.factor
        if settings.fleet_move is not None:
            mean = mean * settings.fleet_move.factor_at(step)
            labels += _fleet_label(settings.fleet_move, step, minute)
        entries = np.where(sessions.live, draw.negative_binomial(shape, shape / (shape + mean)), 0)
        live = sessions.live.copy()
        yield TrafficMinute(
            minute, live, entries, opened, last, anomalies.factor.copy(), anomalies.carrier.copy(), labels
        )
        step += 1


def _fleet_label(move: FleetMove, step: int, minute: Minute) -> tuple[Label, ...]:
    if step != move.first:
        return ()
    return (Label(ALL_ROOMS, "fleet", minute.epoch, minute.epoch + move.minutes - 1, move.factor),)


class _Sessions:
    """When each room is live. All arrays have shape (rooms,)."""

    def __init__(self, settings: SimulationSettings, draw: np.random.Generator) -> None:
        count = settings.rooms
        self._continuous = settings.continuous
        self._draw = draw
        self.live = np.ones(count, bool) if self._continuous else draw.random(count) < 0.6
        # Rooms that are live at the start were so before: they are past the opening, but nobody has seen them yet.
        self.age_minutes = draw.integers(0, 200, count) - 1
        self.seen_minutes = np.full(count, -1)
        self.remaining = self._durations() + 1
        self._rest = np.zeros(count, np.int64)
        self._first = True

    def _durations(self) -> NDArray[np.int64]:
        count = len(self.live)
        if self._continuous:
            return np.full(count, 1 << 40)
        minutes = 120 * np.exp(0.7 * self._draw.standard_normal(count))
        return np.asarray(np.clip(minutes, 20, 720), np.int64)

    def advance(self, rhythm: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """One minute on. Returns which sessions have their first and which have their last minute."""
        durations = self._durations()
        chance = self._draw.random(len(self.live))
        over = self.live & (self.remaining <= 1)
        self._rest = np.where(over, REST_MINUTES, np.maximum(self._rest - 1, 0))
        starts = ~self.live & (self._rest == 0) & (chance < rhythm / 90)
        opened = starts | (self.live & self._first)
        self._first = False
        self.live = (self.live & ~over) | starts
        self.remaining = np.where(starts, durations, np.maximum(self.remaining - 1, 0))
        self.age_minutes = np.where(starts, 0, self.age_minutes + 1)
        self.seen_minutes = np.where(starts, 0, self.seen_minutes + 1)
        return opened, self.live & (self.remaining == 1)
