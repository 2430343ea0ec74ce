"""The topics and the schema names of the records on them."""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_HEADER = "schema"
CLOCK_HEADER = "clock"

MINUTE_SCHEMA = "live.room.minute/1"
CLOCK_SCHEMA = "live.clock/1"
FEEDBACK_SCHEMA = "live.room.feedback/1"
SNOOZE_SCHEMA = "live.room.snooze/1"
CONTROL_SCHEMA = "live.control/1"
FORECAST_SCHEMA = "live.room.forecast/1"
ALERT_SCHEMA = "live.room.alert/1"
HOTLIST_SCHEMA = "live.room.hotlist/1"
FLEET_SCHEMA = "live.fleet.event/1"


@dataclass(frozen=True, slots=True)
class Topics:
    """The names of all topics under one prefix, which is put in front of each name as it is."""

    prefix: str = ""

    @property
    def minutes(self) -> str:
        """Room-minutes, clocks, what people say of rooms, and control records: the scorer's input."""
        return f"{self.prefix}live.room.minutes"

    @property
    def forecasts(self) -> str:
        """One forecast for each accepted room-minute."""
        return f"{self.prefix}live.room.forecasts"

    @property
    def alerts(self) -> str:
        """Every opening, update, resolution and retraction of an alert."""
        return f"{self.prefix}live.room.alerts"

    @property
    def alerts_open(self) -> str:
        """Compacted by alert id: what is open now."""
        return f"{self.prefix}live.room.alerts.open"

    @property
    def hotlist(self) -> str:
        """The hottest rooms of each minute and partition."""
        return f"{self.prefix}live.room.hotlist"

    @property
    def fleet(self) -> str:
        """When many rooms of a partition move together."""
        return f"{self.prefix}live.fleet.events"

    @property
    def dead_letters(self) -> str:
        """Records that could not be accepted."""
        return f"{self.prefix}dlq.live.room.minutes"

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the scorer writes; each has as many partitions as the input."""
        return (self.forecasts, self.alerts, self.alerts_open, self.hotlist, self.fleet, self.dead_letters)

    @property
    def all(self) -> tuple[str, ...]:
        """The input first, then the outputs."""
        return (self.minutes, *self.outputs)
