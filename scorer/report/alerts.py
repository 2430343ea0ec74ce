"""A run's alerts, each from its opening to its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from roompulse.errors import InputError
from roompulse.minutes import parse_minute
from roompulse.records import Alert
from roompulse.rooms import SEVERITIES

_alert = msgspec.json.Decoder(Alert)


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert: its opening record, its last minute (None: still open at the end), its highest severity."""

    alert: Alert
    opened: int
    ended: int | None
    severity: str
    reason: str | None

    @property
    def rank(self) -> int:
        """The severity as a number."""
        return SEVERITIES.index(self.severity)

    def minutes(self, last: int) -> int:
        """How long it was open, up to `last` where it did not end."""
        return (last if self.ended is None else self.ended) - self.opened + 1


def read_alerts(folder: Path) -> list[Episode]:
    """Every alert of a run's folder that was not retracted, by opening, room and kind. Raises InputError."""
    path = folder / "alerts.jsonl"
    try:
        with path.open("rb") as file:
            return episodes(_decoded(file, path))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=str(path)) from error


def episodes(records: Iterable[Alert]) -> list[Episode]:
    """The records of alerts, in their order, put together."""
    found: dict[str, Episode] = {}
    for alert in records:
        minute = parse_minute(alert.minute).epoch
        known = found.get(alert.alert_id)
        if alert.event == "retract":
            found.pop(alert.alert_id, None)
        elif known is None:
            opened = parse_minute(alert.opened).epoch
            found[alert.alert_id] = Episode(
                alert, opened, minute if alert.event == "resolve" else None, alert.severity, alert.reason
            )
        else:
            worst = max(known.severity, alert.severity, key=SEVERITIES.index)
            ended = minute if alert.event == "resolve" else None
            found[alert.alert_id] = Episode(known.alert, known.opened, ended, worst, alert.reason)
    return sorted(found.values(), key=lambda one: (one.opened, one.alert.room_id, one.alert.kind))


def _decoded(lines: Iterable[bytes], path: Path) -> Iterable[Alert]:
    for number, line in enumerate(lines, 1):
        try:
            alert = _alert.decode(line)
            parse_minute(alert.opened), parse_minute(alert.minute)
            SEVERITIES.index(alert.severity)
        except (msgspec.MsgspecError, ValueError) as error:
            raise InputError(f"no record of an alert: {error}", file=str(path), line=number) from None
        yield alert
