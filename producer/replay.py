"""Rows in, records out: the one loop that replay and simulation share."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from producer.publisher import Publisher
from producer.stopping import Stopped, StopSignals
from roompulse.history import Departure, encode_row
from roompulse.minutes import QUIET_MINUTES, Minute, format_minute
from roompulse.pacing import Pace
from roompulse.progress import ReplayProgress
from roompulse.records import Clock, encode
from roompulse.topics import CLOCK_HEADER, CLOCK_SCHEMA, MINUTE_SCHEMA, SCHEMA_HEADER


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did; `exit_code` is 0, or what the signal that ended it asks for."""

    events: int
    clocks: int
    first: Minute | None
    last: Minute | None
    seconds: float
    exit_code: int

    def summary(self) -> dict[str, object]:
        """For the person or script that ran the command."""
        return {
            "events_sent": self.events,
            "clocks_sent": self.clocks,
            "first_minute": format_minute(*self.first) if self.first else None,
            "last_minute": format_minute(*self.last) if self.last else None,
            "seconds": round(self.seconds, 3),
            "events_per_second": round(self.events / self.seconds, 1) if self.seconds > 0 else None,
        }


def replay(
    leaving: Iterable[Departure],
    publisher: Publisher,
    pace: Pace,
    progress: ReplayProgress,
    *,
    spread: bool = False,
    clocks: bool = True,
) -> Replayed:
    """Send everything at its time, then the clocks that end the sessions; all of it has arrived on return.

    `spread` lets the rows of a minute leave one after another over that minute. SIGINT and SIGTERM end the replay
    early, without clocks. Raises BrokerError when a record could not be delivered.
    """
    events = clocks_sent = exit_code = 0
    first: Minute | None = None
    last: Minute | None = None
    started = time.monotonic()
    with StopSignals() as signals:
        try:
            for departure in leaving:
                last = departure.minute
                first = first or last
                headers = _headers(MINUTE_SCHEMA, last)
                pace.wait_for(last.epoch, lambda: progress.update(events, last))  # noqa: B023  # called at once
                share = 1 / max(len(departure.rows), 1) if spread else 0.0
                for place, row in enumerate(departure.rows):
                    if spread:
                        pace.wait_for(last.epoch + place * share, lambda: progress.update(events, last))  # noqa: B023
                    key, value = encode_row(row)
                    signals.hold()
                    publisher.send(key, value, headers)
                    events += 1
                    signals.release()
                    if not events & 1023:
                        progress.update(events, last)
            if clocks and last is not None:
                clocks_sent = send_clocks(publisher, last)
        except Stopped as stop:
            exit_code = stop.exit_code
        # What was sent shall arrive: only somebody who asks twice interrupts this.
        signals.hold()
        publisher.flush()
    return Replayed(events, clocks_sent, first, last, time.monotonic() - started, exit_code)


def send_clocks(publisher: Publisher, last: Minute) -> int:
    """Tell every partition that the quiet time after `last` is over, so that open sessions end. Returns how many."""
    over = Minute(last.epoch + QUIET_MINUTES, last.offset)
    value = encode(Clock(format_minute(*over)))
    for partition in range(publisher.partitions):
        publisher.send(None, value, _headers(CLOCK_SCHEMA, over), partition)
    return publisher.partitions


def _headers(schema: str, clock: Minute) -> list[tuple[str, bytes]]:
    # The clock is the replay's own time: history is never late for it, and a replayed future never too early.
    return [(SCHEMA_HEADER, schema.encode()), (CLOCK_HEADER, format_minute(*clock).encode())]
