"""What people say of a room takes effect: a verdict moves its threshold, a snooze keeps its alerts from opening."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roompulse.rooms import FRESH
from roompulse.rules import Rules
from roompulse.words import NOISE, USEFUL
from scorer.pipeline.decode import FEEDBACK

UNKNOWN_ROOM = "unknown_room"


def heed(
    rooms: NDArray[np.void], kind: NDArray[np.int8], value: NDArray[np.float64], rules: Rules, watermark: int | None
) -> list[tuple[str, str]]:
    """Take in one word about each of `rooms` (n,), in place; `kind` and `value` (n,) are as decoded.

    Returns what each was and what came of it. A room that nobody has seen stays unseen: a word makes no state. Whether
    a snooze begins or ends one is told by the watermark; what it does depends on the room's own minutes alone.
    """
    known = rooms["session_start"] != FRESH
    verdict = kind == FEEDBACK
    step = np.where(value == 1, rules.noise_shift, rules.useful_shift)
    moved = np.clip(rooms["threshold_shift"] + step, *rules.shift_bounds)
    rooms["threshold_shift"] = np.where(known & verdict, moved, rooms["threshold_shift"])
    rooms["snoozed_until"] = np.where(known & ~verdict, value, rooms["snoozed_until"])
    return [_label(*word, watermark) for word in zip(verdict.tolist(), value.tolist(), known.tolist(), strict=True)]


def _label(verdict: bool, value: float, known: bool, watermark: int | None) -> tuple[str, str]:
    word = "feedback" if verdict else "snooze"
    if not known:
        return word, UNKNOWN_ROOM
    if verdict:
        return word, NOISE if value == 1 else USEFUL
    return word, "ended" if watermark is not None and value <= watermark else "begun"
