"""The hotlists of all partitions, merged."""

from __future__ import annotations

from roompulse.minutes import parse_minute
from roompulse.records import Hotlist, HotRoom

_KEPT_MINUTES = 5
_KNOWN_MINUTES = 3


class HotRooms:
    """Keeps the newest minutes' hotlists by partition."""

    def __init__(self) -> None:
        self._minutes: dict[int, dict[int, list[HotRoom]]] = {}

    def take(self, hotlist: Hotlist) -> None:
        """One partition's list for a minute."""
        minute = parse_minute(hotlist.minute).epoch
        self._minutes.setdefault(minute, {})[hotlist.partition] = hotlist.rooms
        for old in sorted(self._minutes)[:-_KEPT_MINUTES]:
            del self._minutes[old]

    def merged(self) -> tuple[int, list[HotRoom]]:
        """The newest minute that every partition has closed which closed one of the last, and its rooms, hottest first.

        A partition that fell silent is waited for during two minutes. The minute is -1 where there is none.
        """
        if not self._minutes:
            return -1, []
        newest = sorted(self._minutes)[-_KNOWN_MINUTES:]
        partitions = {number for minute in newest for number in self._minutes[minute]}
        whole = [minute for minute in newest if self._minutes[minute].keys() == partitions]
        minute = max(whole, default=newest[0])
        rooms = [room for part in self._minutes[minute].values() for room in part]
        return minute, sorted(rooms, key=lambda room: (-room.excess, room.room_id))
