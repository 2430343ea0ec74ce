"""What the board knows: fed with records, asked by the pages. Bounded memory, no clock and no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from roompulse.errors import RecordError
from roompulse.forecasting import HORIZONS
from roompulse.minutes import parse_minute
from roompulse.records import Alert, FleetEvent, Forecast, Hotlist, decode_minute, decode_with
from watch.board.alert_book import AlertBook
from watch.board.channels import channel_counts
from watch.board.hot_rooms import HotRooms
from watch.board.pulse import Pulse
from watch.board.rooms import MOST_ROOMS, Rooms
from watch.feed import ALERTS, FLEET, FORECASTS, HOTLIST, MINUTES, Seen

MODEL_MINUTES = 60
_MOST_MODELS = 20

_forecast = msgspec.json.Decoder(Forecast)
_alert = msgspec.json.Decoder(Alert)
_hotlist = msgspec.json.Decoder(Hotlist)
_fleet = msgspec.json.Decoder(FleetEvent)


class BoardState:
    """Takes records of all kinds, of each kind in the order in which they were written."""

    def __init__(self, most_rooms: int = MOST_ROOMS) -> None:
        self.rooms = Rooms(most_rooms)
        self.alerts = AlertBook()
        self.hot = HotRooms()
        self.pulse = Pulse()
        self.fleet: dict[str, FleetEvent] = {}
        """Fleet events that are open, by id."""
        self.models: dict[str, tuple[int, int]] = {}
        """By label: how many forecasts it made, and the newest epoch minute of one."""
        self.unreadable: Counter[str] = Counter()
        """Records of each kind that could not be read: anybody may write to a topic."""

    def take(self, records: Iterable[Seen], now_s: float) -> None:
        """Take in what was read at `now_s` (seconds since 1970). What cannot be read is counted."""
        newest_s = 0.0
        for seen in records:
            written_s = now_s if seen.written_s is None else seen.written_s
            newest_s = max(newest_s, written_s)
            try:
                self._take(seen, written_s)
            except (RecordError, ValueError):
                # The minutes may be in no known form, too.
                self.unreadable[seen.kind] += 1
        if newest_s:
            self.pulse.hear(newest_s, now_s)

    def _take(self, seen: Seen, written_s: float) -> None:
        if seen.kind == MINUTES:
            self._minute(seen.value, written_s)
        elif seen.kind == FORECASTS:
            self._forecast(decode_with(_forecast, seen.value), written_s)
        elif seen.kind == ALERTS:
            self.alerts.take(decode_with(_alert, seen.value))
        elif seen.kind == HOTLIST:
            self.hot.take(decode_with(_hotlist, seen.value))
        elif seen.kind == FLEET:
            event = decode_with(_fleet, seen.value)
            if event.event == "resolve":
                self.fleet.pop(event.fleet_id, None)
            else:
                self.fleet[event.fleet_id] = event

    def _minute(self, value: bytes, written_s: float) -> None:
        record = decode_minute(value)
        minute = parse_minute(record.minute).epoch
        self.pulse.take_event(record.room_id, minute, written_s)
        if self.rooms.take_count(record.room_id, minute, record.metrics.watch_ucnt):
            channels = channel_counts(record.natural, record.paid)
            self.rooms.take_details(record.room_id, minute, record.category, channels)

    def _forecast(self, record: Forecast, written_s: float) -> None:
        fan = (record.quantiles.low, record.quantiles.median, record.quantiles.high)
        if any(len(part) != HORIZONS for part in fan):
            raise ValueError(f"expected {HORIZONS} horizons")
        minute = parse_minute(record.minute).epoch
        self.rooms.take_forecast(record.room_id, minute, fan)
        self.pulse.take_forecast(record.room_id, minute, written_s)
        made, newest = self.models.get(record.model, (0, -1))
        self.models[record.model] = made + 1, max(newest, minute)
        if len(self.models) > _MOST_MODELS:
            del self.models[min(self.models, key=lambda label: self.models[label][1])]
