"""How the records flow: events a second, the delay behind them, and whether they have stopped."""

from __future__ import annotations

from collections import Counter, deque

RATE_S = 10
DELAY_S = 60.0
_MOST_WAITING = 50_000
_MOST_DELAYS = 5000
_OLD_S = 60.0
_QUIET_S = 20.0
_GAP_FACTOR = 1.5
_KNOWN_GAP_S, _LONGEST_GAP_S = 600.0, 120.0


class Pulse:
    """Takes the times at which records were written (seconds since 1970) and were read."""

    def __init__(self) -> None:
        self.events = 0
        self.heard_s: float | None = None
        """When a record was last heard of: read, or, where it lay there for long, written."""
        self._written: Counter[int] = Counter()
        self._waiting: dict[tuple[str, int, bool], float] = {}
        self._delays: deque[tuple[float, float]] = deque(maxlen=_MOST_DELAYS)
        self._gaps: deque[tuple[float, float]] = deque(maxlen=1000)

    def take_event(self, room_id: str, minute: int, written_s: float) -> None:
        """A room-minute was written."""
        self.events += 1
        self._written[int(written_s)] += 1
        if len(self._written) > 4 * RATE_S:
            for second in sorted(self._written)[: -2 * RATE_S]:
                del self._written[second]
        self._pair((room_id, minute, True), written_s)

    def take_forecast(self, room_id: str, minute: int, written_s: float) -> None:
        """The forecast that answers a room-minute was written."""
        self._pair((room_id, minute, False), written_s)

    def _pair(self, key: tuple[str, int, bool], written_s: float) -> None:
        """The two may be read in any order: the first waits for the other."""
        room_id, minute, is_event = key
        other_s = self._waiting.pop((room_id, minute, not is_event), None)
        if other_s is not None:
            sent_s, made_s = (written_s, other_s) if is_event else (other_s, written_s)
            self._delays.append((made_s, max(0.0, made_s - sent_s)))
            return
        self._waiting[key] = written_s
        if len(self._waiting) > _MOST_WAITING:
            # What never gets a forecast, such as a late or a double minute, would wait for ever.
            del self._waiting[next(iter(self._waiting))]

    def hear(self, written_s: float, now_s: float) -> None:
        """Records were read, the newest of which was written then."""
        heard = written_s if now_s - written_s > _OLD_S else now_s
        if self.heard_s is not None:
            if heard - self.heard_s > 1.0:
                self._gaps.append((heard, heard - self.heard_s))
            heard = max(heard, self.heard_s)
        self.heard_s = heard

    def events_per_second(self, now_s: float) -> float:
        """Room-minutes written in the last ten whole seconds."""
        last = int(now_s) - 1
        return sum(self._written[second] for second in range(last - RATE_S + 1, last + 1)) / RATE_S

    def delay_s(self) -> float | None:
        """The median of the last minute: from an event's being written to its forecast's."""
        if not self._delays:
            return None
        newest = max(at for at, _ in self._delays)
        recent = sorted(delay for at, delay in self._delays if at > newest - DELAY_S)
        return recent[len(recent) // 2] if recent else None

    def silent_s(self, now_s: float) -> float | None:
        """For how long nothing was heard, where that is longer than usual; else None.

        A few rooms may all send at the full minute: their pauses are no silence.
        """
        if self.heard_s is None:
            return None
        usual = max((gap for at, gap in self._gaps if at > now_s - _KNOWN_GAP_S), default=0.0)
        silent = now_s - self.heard_s
        return silent if silent > max(_QUIET_S, _GAP_FACTOR * min(usual, _LONGEST_GAP_S)) else None
