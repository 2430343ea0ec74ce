"""How many rooms a partition may hold: minutes of new rooms beyond that are refused, so that no flood of names fills
memory.

Whether a room is let in depends on the rooms held at its record's place in the log: those let in before it, without
those forgotten at the hours before it. So it does not depend on how the log is cut into batches. A refused record has
moved the watermark all the same, like any other that could be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from roompulse.errors import RecordError
from roompulse.rooms import FRESH
from scorer.pipeline.decode import MINUTE, DeadLetter, Decoded
from scorer.ports import Message


class RoomLimit:
    """The limit over one batch. `letters` has the refused records by position, as those have that cannot be read."""

    def __init__(
        self,
        most: int,
        held: int,
        elsewhere: int,
        idle_elsewhere: Callable[[int], int],
        messages: Sequence[Message],
    ) -> None:
        """`held` rooms at the start, `elsewhere` of them not in the batch, of which `idle_elsewhere(minute)` are
        forgotten by then.
        """
        self._most, self._held, self._elsewhere = most, held, elsewhere
        self._idle_elsewhere, self._messages = idle_elsewhere, messages
        self.letters: dict[int, DeadLetter] = {}

    def forgot(self, rows: NDArray[np.void], minute: int) -> None:
        """Count anew, at an hour that is over: `rows` are the batch's, those forgotten are fresh already."""
        known = int((rows["session_start"] != FRESH).sum())
        self._held = known + self._elsewhere - self._idle_elsewhere(minute)

    def admit(self, rows: NDArray[np.void], place: NDArray[np.int64], decoded: Decoded, start: int, end: int) -> None:
        """Let the new rooms of a stretch in, in the order of their first minutes, while there is room.

        `rows` are the state of the batch's rooms, `place` (n,) is each record's row of it: that of a refused one
        becomes -1.
        """
        minutes = start + np.flatnonzero(decoded.kind[start:end] == MINUTE)
        new = minutes[rows["session_start"][place[minutes]] == FRESH]
        names, first = np.unique(place[new], return_index=True)
        names = names[np.argsort(first)]
        free = max(self._most - self._held, 0)
        self._held += min(len(names), free)
        for row in new[np.isin(place[new], names[free:])].tolist():
            place[row] = -1
            number = int(decoded.position[row])
            said = f"room_id: a new room, and the partition holds {self._most} already (--max-rooms)"
            refused = RecordError("rooms", said)
            self.letters[number] = DeadLetter(self._messages[number], refused.reason, str(refused))
