"""The fuzzing itself: every input alone through the decoder, with a limit of time, and what it accepts to the judge."""

from __future__ import annotations

import faulthandler
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from roompulse.errors import REASONS
from scorer.pipeline.decode import decode_messages
from scorer.ports import Message
from tests.fuzz.inputs import make_input
from tests.fuzz.judge import Judge

LIMIT_S = 1.0
"""Of CPU time for one input, of up to 1 MB."""
HANG_S = 300.0
TELL_EACH = 100_000
_KEPT = 10


@dataclass(slots=True)
class Found:
    """What came of the inputs: how many were accepted, dead letters by reason, the slowest, and what must not be."""

    inputs: int = 0
    accepted: int = 0
    dead: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    faults: list[str] = field(default_factory=list)


def fuzz(inputs: int, seed: int, told: Callable[[Found], object] = lambda found: None) -> Found:
    """Try so many inputs. The same seed gives the same ones. A true hang ends the process with a traceback.

    `told` hears how matters stand after every 100,000 of them.
    """
    chance, judge, found = Random(seed), Judge(), Found()
    for number in range(inputs):
        if number % 1000 == 0:
            faulthandler.dump_traceback_later(HANG_S, exit=True)
        message = make_input(chance, number)
        fault = _try(message, judge, found)
        found.inputs += 1
        if fault and len(found.faults) < _KEPT:
            found.faults.append(f"input {number}: {fault}\n  {_shown(message)}")
        if found.inputs % TELL_EACH == 0:
            told(found)
    faulthandler.cancel_dump_traceback_later()
    return found


def _try(message: Message, judge: Judge, found: Found) -> str:
    began = time.process_time()
    try:
        decoded = decode_messages([message], 0, None)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we are looking for
        return f"the decoder raised {type(error).__name__}: {error}"
    took = time.process_time() - began
    found.slowest_s = max(found.slowest_s, took)
    if took > LIMIT_S:
        return f"took {took:.1f} s"
    if decoded.dead:
        (letter,) = decoded.dead.values()
        found.dead[letter.reason] += 1
        return "" if letter.reason in REASONS and letter.detail else f"dead letter without a reason: {letter}"
    found.accepted += 1
    return judge.objection(message, decoded)


def _shown(message: Message) -> str:
    value = message.value if message.value is None or len(message.value) < 600 else message.value[:600] + b"..."
    return f"key {(message.key or b'')[:60]!r} value {value!r} headers {message.headers!r} at {message.timestamp_ms}"
