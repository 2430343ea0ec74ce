"""Rooms sent minute by minute onto the input topic, some with names that would like to be more than text."""

from __future__ import annotations

import time
from typing import Any

from roompulse.minutes import format_minute
from roompulse.records import Metrics, RoomMinute, encode
from roompulse.topics import Topics

HISTORY_MINUTES = 45
NORMAL, SURGING = 100, 900
HOSTILE = '"><img src=x onerror="window.hacked=1"><script>window.hacked=2</script>'
SLASHED = "a/b//c 直播 100%?x=1#top&y=%2F../..`${window.hacked=3}`{{window.hacked=4}}"
DOTS = ".."
STRANGE = (HOSTILE, SLASHED, DOTS)
PLAIN = tuple(f"room-{number}" for number in range(8))


class Rooms:
    """Sends room-minutes; the newest lies at most a few minutes ahead of the clock, as the scorer wants it."""

    def __init__(self, producer: Any, topics: Topics) -> None:
        self._producer, self._topic = producer, topics.minutes
        self.minute = int(time.time()) // 60 - HISTORY_MINUTES

    def send_minute(self, surging: tuple[str, ...] = ()) -> None:
        """The next minute of all rooms."""
        for number, room in enumerate((*PLAIN, *STRANGE)):
            count = SURGING if room in surging else NORMAL + (7 * self.minute + 13 * number) % 21
            channels = {"搜索": float(count // 2), f"关注{HOSTILE}": float(count - count // 2)}
            minute = format_minute(self.minute, 480)
            record = RoomMinute(room, minute, Metrics(count), channels, {HOSTILE: 1.0}, category=f"<b>{room}</b>")
            self._producer.send(self._topic, encode(record), room.encode())
        self._producer.flush()
        self.minute += 1

    def send_history(self) -> None:
        """Enough minutes for the scorer to know what is normal."""
        for _ in range(HISTORY_MINUTES - 15):
            self.send_minute()
