"""One record as one line for a person; `watch` prints these. Pure: record in, text out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from roompulse.records import Alert, FleetEvent, Forecast, Hotlist, HotRoom
from watch.glyphs import FORECAST_STYLE, KIND_STYLES, QUIET_STYLE, Glyphs, plain

EVENT_STYLES = {"open": "bold", "resolve": QUIET_STYLE, "retract": QUIET_STYLE}


def alert_line(alert: Alert, glyphs: Glyphs) -> Text:
    """When, what happened to which kind of alert, how bad it is, and the sentence."""
    line = Text(f"{clock(alert.minute)}  ")
    line.append(f"{glyphs.signs.get(alert.kind, ' ')} {plain(alert.kind):<8}", KIND_STYLES.get(alert.kind, ""))
    line.append(f"{plain(alert.event):<8}", EVENT_STYLES.get(alert.event, ""))
    line.append(f"{plain(alert.severity):<9}", "bold" if alert.severity == "critical" else "")
    line.append(plain(alert.text))
    return line


NARROW = 64
"""Columns below which a line leaves out what it can."""


def forecast_line(forecast: Forecast, glyphs: Glyphs, *, narrow: bool = False) -> Text:
    """The next minute with its interval, the tenth, and the ten as a sparkline; narrow without the intervals."""
    quantiles = forecast.quantiles
    line = Text(f"{clock(forecast.minute)}  {padded(forecast.room_id, 12)}  ")
    line.append(
        glyphs.sparkline(quantiles.median, max([*quantiles.high, *quantiles.median], default=1.0)), FORECAST_STYLE
    )
    for ahead in (1, 10):
        if ahead <= len(quantiles.median):
            low, median, high = (part[ahead - 1] for part in (quantiles.low, quantiles.median, quantiles.high))
            line.append(f"  +{ahead} {median:,.0f}" if narrow else f"  +{ahead} min {median:,.0f}")
            line.append("" if narrow else f" ({low:,.0f} to {high:,.0f})", QUIET_STYLE)
    return line


def hotlist_lines(minute: str, rooms: Sequence[HotRoom], glyphs: Glyphs, *, narrow: bool = False) -> Iterator[Text]:
    """A heading and one line a room, hottest first; the bar is the excess beside the first one's, not if narrow."""
    yield Text(f"{clock(minute)}  {'above' if narrow else 'furthest above'} their forecast", "bold")
    most = max((room.excess for room in rooms), default=0.0)
    for rank, room in enumerate(rooms, 1):
        deviation = "" if room.deviation_percent is None else f"{room.deviation_percent:+,.0f} %"
        if narrow:
            yield Text(f"{rank:>2} {padded(room.room_id, 12)} {room.actual:>8,.0f} {deviation:>8}")
            continue
        line = Text(f"{rank:>4}  {padded(room.room_id, 12)}  {room.actual:>9,.0f}")
        line.append(f" of {room.expected:>9,.0f}", QUIET_STYLE)
        line.append(f" {deviation:>9}  ")
        line.append(glyphs.bars[-1] * round(10 * max(room.excess, 0.0) / max(most, 1e-9)), FORECAST_STYLE)
        yield line


def fleet_line(record: FleetEvent, glyphs: Glyphs) -> Text:
    """When, which way the rooms of a partition moved, and the sentence."""
    kind = "surge" if record.direction == "up" else "slump"
    line = Text(f"{clock(record.minute)}  ")
    line.append(f"{glyphs.signs.get(kind, ' ')} {plain(record.direction):<6}", KIND_STYLES.get(kind, ""))
    line.append(f"{plain(record.event):<8}", EVENT_STYLES.get(record.event, ""))
    line.append(plain(record.text))
    return line


class HotlistMerger:
    """Puts the hotlists of all partitions together, minute by minute."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._parts: dict[str, list[HotRoom]] = {}

    def add(self, hotlist: Hotlist) -> Iterator[tuple[str, list[HotRoom]]]:
        """Take one partition's list in; gives the minutes that are two minutes old by now, and so complete."""
        self._parts.setdefault(hotlist.minute, []).extend(hotlist.rooms)
        while len(self._parts) > 2:
            yield self._take(next(iter(self._parts)))

    def rest(self) -> Iterator[tuple[str, list[HotRoom]]]:
        """What is left, at the end."""
        while self._parts:
            yield self._take(next(iter(self._parts)))

    def _take(self, minute: str) -> tuple[str, list[HotRoom]]:
        rooms = sorted(self._parts.pop(minute), key=lambda room: (-room.excess, room.room_id))
        return minute, rooms[: self._largest]


def clock(minute: str) -> str:
    """The time of day of an RFC 3339 minute, in the offset in which it was written."""
    return plain(minute[11:16])


def padded(text: str, width: int) -> str:
    """Harmless text, filled up to so many terminal cells; Chinese characters take two."""
    fit = plain(text)
    return fit + " " * max(0, width - cell_len(fit))
