"""Holds what the decoder accepted against docs/asyncapi.yaml, by Python's own JSON and a JSON Schema validator."""

from __future__ import annotations

import json
import math
from typing import Any

from roompulse.topics import Topics
from scorer.pipeline.decode import CLOCK, CONTROL, FEEDBACK, MINUTE, SNOOZE, Decoded
from scorer.ports import Message
from tests.asyncapi import Document

_NAMES = {MINUTE: "roomMinute", CLOCK: "clock", FEEDBACK: "feedback", SNOOZE: "snooze", CONTROL: "control"}
_OF_NO_ROOM = (_NAMES[CLOCK], _NAMES[CONTROL])


class Judge:
    """Keeps the document's validators, which take long to make."""

    def __init__(self) -> None:
        self._document = Document()
        self._topic = Topics().minutes

    def objection(self, message: Message, decoded: Decoded) -> str:
        """What is wrong with an accepted message; empty where nothing is."""
        try:
            text = (message.value or b"").decode("utf-8")
            record = json.loads(text, parse_constant=_refused, parse_int=float)
        except (ValueError, RecursionError) as error:
            return f"accepted, and not UTF-8 JSON: {error}"
        name = _NAMES[int(decoded.kind[0])]
        if not self._document.accepts(name, record):
            return f"accepted, and the schema {name} forbids it"
        # Clocks and control records are of no room; to them a field `room_id` is one of those that are ignored.
        room = "" if name in _OF_NO_ROOM else record["room_id"]
        if decoded.rooms[0] != room or (room and message.key != room.encode()):
            return f"accepted as room {decoded.rooms[0]!r}, and it is {room!r} under the key {message.key!r}"
        if name == "roomMinute":
            value, target = float(decoded.value[0]), record["metrics"]["watch_ucnt"]
            if not (math.isnan(value) if target is None else value == target):
                return f"accepted with {value}, and it says {target}"
        return ""


def _refused(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")
