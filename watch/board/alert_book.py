"""Alerts as the board shows them: one entry each, with its newest record, found again by kind, state and words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from roompulse.minutes import parse_minute
from roompulse.records import Alert

KINDS = ("surge", "slump", "hotspot")
SEVERITIES = ("critical", "warning", "info")
OPEN, RETRACTED = "open", "retracted"
MOST_ALERTS = 2000


@dataclass(slots=True)
class Entry:
    """One alert: its newest record, its state (`open`, `retracted`, or why it was resolved), epoch minutes."""

    alert: Alert
    state: str
    opened: int
    until: int
    peak_percent: float | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts to list; an empty tuple or text wants all."""

    kinds: tuple[str, ...] = ()
    only_open: bool = False
    words: str = ""

    def wants(self, entry: Entry) -> bool:
        """Whether this one is to be listed: all words must occur in room, sentence, kind or severity."""
        alert = entry.alert
        if (self.kinds and alert.kind not in self.kinds) or (self.only_open and entry.state != OPEN):
            return False
        text = f"{alert.room_id} {alert.kind} {alert.severity} {alert.text} {entry.state}".casefold()
        return all(word in text for word in self.words.casefold().split())


class AlertBook:
    """The newest alerts. An alert that is open is kept longer than one that is over."""

    def __init__(self, most: int = MOST_ALERTS) -> None:
        self.version = 0
        """Changes with every record."""
        self._most = most
        self._entries: dict[str, Entry] = {}

    def take(self, alert: Alert) -> None:
        """An alert opened, changed or ended. Its earlier records, read again, change nothing."""
        minute, known = parse_minute(alert.minute).epoch, self._entries.get(alert.alert_id)
        ends = alert.event in {"resolve", "retract"}
        if known is not None and not ends and (minute < known.until or (known.state != OPEN and minute == known.until)):
            return
        self.version += 1
        state = OPEN
        if alert.event == "retract":
            state = RETRACTED
        elif alert.event == "resolve":
            state = alert.reason or "resolved"
        peak = _further(alert.deviation_percent, None if known is None else known.peak_percent)
        self._entries[alert.alert_id] = Entry(alert, state, parse_minute(alert.opened).epoch, minute, peak)
        if len(self._entries) > self._most:
            over = (key for key, entry in self._entries.items() if entry.state != OPEN)
            del self._entries[next(over, next(iter(self._entries)))]

    def open_by_kind(self) -> dict[str, int]:
        """How many are open of each kind."""
        found = Counter(entry.alert.kind for entry in self._entries.values() if entry.state == OPEN)
        return {kind: found[kind] for kind in KINDS}

    def open_kinds(self) -> dict[str, str]:
        """The kind of alert that is open in each room; a surge or slump before a hotspot."""
        found: dict[str, str] = {}
        for entry in self._entries.values():
            if entry.state == OPEN and (entry.alert.room_id not in found or entry.alert.kind != KINDS[-1]):
                found[entry.alert.room_id] = entry.alert.kind
        return found

    def listed(self, wanted: Wanted) -> list[Entry]:
        """The alerts that are wanted, the newest first."""
        return _newest_first(entry for entry in self._entries.values() if wanted.wants(entry))

    def of_room(self, room_id: str) -> list[Entry]:
        """A room's alerts, the newest first."""
        return _newest_first(entry for entry in self._entries.values() if entry.alert.room_id == room_id)


def _newest_first(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (entry.opened, entry.alert.alert_id), reverse=True)


def _further(one: float | None, other: float | None) -> float | None:
    """The one that is further from 0."""
    found = [value for value in (one, other) if value is not None]
    return max(found, key=abs, default=None)
