"""When a replay's records leave: event time runs at a multiple of real time, or as fast as it can."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

_SLICE_S = 0.2


def speed(text: str) -> float | None:
    """How many times real time, or None for `max`. For argparse."""
    if text == "max":
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1e6:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected 'max' or a number above 0, such as 60")
    return value


class Pace:
    """Holds a replay back until its event time has come. The first minute asked for is due at once.

    So are `head_start_minutes` more: real time counts from there.
    """

    def __init__(
        self,
        speed: float | None,
        *,
        head_start_minutes: int = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds_per_minute = None if speed is None else 60 / speed
        self._head_start_minutes = head_start_minutes
        self._clock, self._sleep = clock, sleep
        self._origin: tuple[float, float] | None = None

    def wait_for(self, minute: float, meanwhile: Callable[[], None]) -> None:
        """Return when `minute` (event time, fractions allowed) is due; `meanwhile` is called a few times a second."""
        if self._seconds_per_minute is None:
            return
        now = self._clock()
        if self._origin is None:
            self._origin = (now, minute + self._head_start_minutes)
        due = self._origin[0] + (minute - self._origin[1]) * self._seconds_per_minute
        while now < due:
            self._sleep(min(_SLICE_S, due - now))
            meanwhile()
            now = self._clock()
