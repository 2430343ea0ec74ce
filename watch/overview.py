"""What the records say about the rooms right now: state, without clock or screen."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from roompulse.errors import RecordError
from roompulse.minutes import parse_minute
from roompulse.records import Alert, Forecast, Hotlist, HotRoom, decode_minute
from watch.feed import ALERTS, FORECASTS, HOTLIST, MINUTES, Seen
from watch.scorecard import Opening

KEPT_MINUTES = 60
"""How far back a room's sparkline can reach."""
_FORGOTTEN_MINUTES = 15
_RECENT_S = 10.0

_forecast = msgspec.json.Decoder(Forecast)
_alert = msgspec.json.Decoder(Alert)
_hotlist = msgspec.json.Decoder(Hotlist)


@dataclass(slots=True)
class RoomTrace:
    """One room: what came in its last minutes (by epoch minute, NaN for not measured), and its newest forecast."""

    actuals: dict[int, float] = field(default_factory=dict)
    medians: Sequence[float] = ()
    made_after: int = -1

    def last(self, minutes: int, until: int) -> list[float]:
        """The counts of so many minutes up to `until`, NaN where none came."""
        return [self.actuals.get(minute, math.nan) for minute in range(until - minutes + 1, until + 1)]


class Overview:
    """Follows the records of all rooms; keeps what a screen or a summary needs."""

    def __init__(self) -> None:
        self.rooms: dict[str, RoomTrace] = {}
        self.open_alerts: dict[str, Alert] = {}
        self.openings: list[Opening] = []
        self.forecast_minutes: Counter[int] = Counter()
        self.events = self.unreadable = self.forecasts = self.alerts = 0
        self.minute = -1
        """The newest epoch minute of a forecast."""
        self.minute_text = ""
        self._hotlists: dict[int, dict[int, list[HotRoom]]] = {}
        self._partitions = 0
        self._sent: dict[tuple[str, str], float] = {}
        self._arrivals: deque[tuple[float, int]] = deque()
        self._delays_s: deque[tuple[float, float]] = deque()

    def take(self, records: Iterable[Seen], now_s: float) -> list[Alert]:
        """Take in what was read at `now_s` (seconds since 1970). Returns the alert records among it."""
        alerts = []
        events = self.events
        for seen in records:
            if seen.kind == MINUTES:
                self._event(seen)
            elif seen.kind == FORECASTS:
                self._forecast(seen, now_s)
            elif seen.kind == HOTLIST:
                self._hot(_hotlist.decode(seen.value))
            elif seen.kind == ALERTS:
                alerts.append(self._alert(_alert.decode(seen.value)))
        self._arrivals.append((now_s, self.events - events))
        for recent in (self._arrivals, self._delays_s):
            while recent and recent[0][0] < now_s - _RECENT_S:
                recent.popleft()
        return alerts

    def events_per_second(self, now_s: float) -> float:
        """Over the last ten seconds, or since the first event."""
        if not self._arrivals:
            return 0.0
        return sum(count for _, count in self._arrivals) / max(now_s - self._arrivals[0][0], 1.0)

    def delay_s(self) -> float | None:
        """The median of the last ten seconds: from an event's sending to its forecast being read here."""
        delays = sorted(delay for _, delay in self._delays_s)
        return delays[len(delays) // 2] if delays else None

    def hot_rooms(self) -> list[HotRoom]:
        """The hotlists of all partitions for the newest minute that all have closed, merged, hottest first."""
        closed = [minute for minute, parts in self._hotlists.items() if len(parts) == self._partitions]
        if not closed:
            return []
        rooms = [room for part in self._hotlists[max(closed)].values() for room in part]
        return sorted(rooms, key=lambda room: (-room.excess, room.room_id))

    def _event(self, seen: Seen) -> None:
        self.events += 1
        try:
            record = decode_minute(seen.value)
        except RecordError:
            # The scorer sees the same and writes a dead letter; there is nothing to show.
            self.unreadable += 1
            return
        if seen.written_s is not None:
            self._sent[record.room_id, record.minute] = seen.written_s
        epoch = parse_minute(record.minute).epoch
        count = record.metrics.watch_ucnt
        trace = self.rooms.setdefault(record.room_id, RoomTrace())
        trace.actuals[epoch] = math.nan if count is None else count
        trace.actuals.pop(epoch - KEPT_MINUTES, None)

    def _forecast(self, seen: Seen, now_s: float) -> None:
        record = _forecast.decode(seen.value)
        epoch = parse_minute(record.minute).epoch
        self.forecasts += 1
        self.forecast_minutes[epoch] += 1
        trace = self.rooms.setdefault(record.room_id, RoomTrace())
        if epoch >= trace.made_after:
            trace.medians, trace.made_after = record.quantiles.median, epoch
        sent = self._sent.pop((record.room_id, record.minute), None)
        if sent is not None:
            self._delays_s.append((now_s, now_s - sent))
        if epoch > self.minute:
            self.minute, self.minute_text = epoch, record.minute
            # Late and double minutes never get a forecast that would take their sending time away.
            self._sent = {
                key: sent for key, sent in self._sent.items() if epoch - parse_minute(key[1]).epoch < _FORGOTTEN_MINUTES
            }

    def _alert(self, alert: Alert) -> Alert:
        self.alerts += 1
        if alert.event == "open":
            self.openings.append(Opening(alert.room_id, alert.kind, parse_minute(alert.opened).epoch))
        if alert.event in {"open", "update"}:
            self.open_alerts[alert.alert_id] = alert
        else:
            self.open_alerts.pop(alert.alert_id, None)
        return alert

    def _hot(self, hotlist: Hotlist) -> None:
        minute = parse_minute(hotlist.minute).epoch
        self._hotlists.setdefault(minute, {})[hotlist.partition] = hotlist.rooms
        self._partitions = max(self._partitions, hotlist.partition + 1)
        for old in sorted(self._hotlists)[:-5]:
            del self._hotlists[old]
