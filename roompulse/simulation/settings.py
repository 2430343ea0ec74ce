"""What is simulated: how many rooms, how busy, how often something happens to them and to their records."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from roompulse.errors import UsageError
from roompulse.minutes import Minute, parse_minute

DEFAULT_START = "2026-01-05T18:00:00+08:00"


@dataclass(frozen=True, slots=True)
class FleetMove:
    """Every room's mean is `factor` times its own for `minutes`, from the simulation's minute `first` (0 up) on.

    Below 1 it is an outage of the platform, above 1 a promotion of everything. Raises UsageError.
    """

    first: int
    minutes: int
    factor: float

    def __post_init__(self) -> None:
        if self.first < 0 or self.minutes < 1 or not 0 <= self.factor <= 100:
            raise UsageError(
                "a fleet move begins at minute 0 or later, lasts a minute or more, and its factor is 0 to 100"
            )

    def factor_at(self, step: int) -> float:
        """The factor in the simulation's minute `step`."""
        return self.factor if self.first <= step < self.first + self.minutes else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationSettings:
    """The same settings give the same rooms, minutes, labels and deliveries, bit for bit. Raises UsageError.

    Rates named `per_room_hour` and `rate` (per room-minute) apply to the minutes in which the thing could begin.
    """

    rooms: int = 200
    minutes: int | None = 240
    """None goes on for ever."""
    start: Minute = field(default_factory=lambda: parse_minute(DEFAULT_START))
    seed: int = 0
    continuous: bool = False
    """Rooms run all the time instead of opening and closing through the day."""
    typical_size: float = 30.0
    """Median over the rooms of the people entering in a minute; rooms spread from a hundredth to a hundred times."""
    burstiness: float = 1.0
    """Scales the bursts that are nobody's anomaly (0 to 25 % autoregressive noise by room)."""
    surges_per_room_hour: float = 0.1
    slumps_per_room_hour: float = 0.03
    longest_ramp_minutes: int = 2
    """A surge or slump comes and goes over at most so many minutes."""
    fleet_move: FleetMove | None = None
    """All rooms move together, besides what happens to each."""
    missing_rate: float = 0.001
    """Runs of 1 to 8 minutes of which no record ever comes."""
    null_rate: float = 0.0005
    """Minutes of which the target was not measured."""
    late_rate: float = 0.002
    """Records that come 1 to 5 minutes after their time."""
    duplicate_rate: float = 0.002
    """Records that come again, up to 3 minutes later."""
    silent_share: float = 0.2
    """Sessions that just stop, with no `ended` record."""

    def __post_init__(self) -> None:
        if self.rooms < 1 or (self.minutes is not None and self.minutes < 1):
            raise UsageError("a simulation needs at least one room and one minute")
        if self.seed < 0 or not 0 <= self.longest_ramp_minutes <= 1440 or not 0 <= self.burstiness <= 10:
            raise UsageError(
                "the seed starts from 0, the longest ramp lies from 0 to 1440, the burstiness from 0 to 10"
            )
        if not 0 < self.typical_size < 1e6:
            raise UsageError("the typical size lies above 0 and below 1e6")
        if not (0 <= self.surges_per_room_hour <= 6 and 0 <= self.slumps_per_room_hour <= 6):
            raise UsageError("surges and slumps per room-hour lie from 0 to 6")
        for item in fields(self):
            if item.name.endswith(("_rate", "_share")) and not 0 <= getattr(self, item.name) <= 1:
                raise UsageError(f"{item.name} lies from 0 to 1")
