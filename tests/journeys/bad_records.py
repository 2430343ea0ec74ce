"""Everything bad that a room-minute can be, each with the reason and the words with which it has to be refused."""

from __future__ import annotations

import json
import random
from typing import Any, NamedTuple

from roompulse.topics import CLOCK_HEADER, CLOCK_SCHEMA, FEEDBACK_SCHEMA, SCHEMA_HEADER, SNOOZE_SCHEMA

ROOM = "c-3"
MINUTE = "2024-05-01T10:30:00+08:00"
CLOCKED = (CLOCK_HEADER, MINUTE.encode())
BY_KEY = -1
"""Stands for the partition that the key belongs to."""


class Bad(NamedTuple):
    """One record, and what its dead letter has to say."""

    name: str
    value: bytes | None
    reason: str
    detail: str
    key: bytes | None = ROOM.encode()
    headers: tuple[tuple[str, bytes | None], ...] = (CLOCKED,)
    partition: int = BY_KEY


def minute(room: str = ROOM, when: str = MINUTE, count: str = "1", rest: str = "") -> bytes:
    """A room-minute as text, good unless told otherwise."""
    return f'{{"room_id":{json.dumps(room)},"minute":"{when}","metrics":{{"watch_ucnt":{count}}}{rest}}}'.encode()


def noise(size: int) -> str:
    """Text that does not compress, so that it is as large on its way as it looks."""
    return random.Random(5).randbytes(size // 2).hex()


def _invalid(name: str, value: bytes, detail: str, **more: Any) -> Bad:
    return Bad(name, value, "invalid", detail, **more)


def _keyed(name: str, room: str, detail: str) -> Bad:
    return _invalid(name, minute(room), detail, key=room.encode())


_COUNT = "metrics.watch_ucnt: got "
_MALFORMED = "expected UTF-8 JSON"
_DEEP = 100_000
_CHANNELS = ",".join(f'"c{number}":1' for number in range(100_000))

BAD = (
    Bad("not JSON", b"room c-3 has 12 viewers", "malformed", "value: got b'room c-3 has 12 viewers': " + _MALFORMED),
    Bad("empty value", b"", "malformed", "value: got b'': " + _MALFORMED),
    Bad("null value", None, "malformed", "value: got none, as in a tombstone: " + _MALFORMED),
    Bad("nothing at all", None, "malformed", _MALFORMED, key=None, headers=()),
    Bad("torn", minute()[:-7], "malformed", _MALFORMED),
    Bad("two records in one", minute() * 2, "malformed", _MALFORMED),
    Bad("NaN", minute(count="NaN"), "malformed", _MALFORMED),
    Bad("Infinity", minute(count="Infinity"), "malformed", _MALFORMED),
    Bad("invalid UTF-8", minute().replace(b"c-3", b"\xff\xfe"), "malformed", "'utf-8' codec", key=b"\xff\xfe"),
    Bad("half an emoji", minute().replace(b"c-3", b"\\ud83c"), "malformed", "surrogate"),
    Bad("deeply nested", b"[" * _DEEP + b"]" * _DEEP, "invalid", "got `array`"),
    Bad("deeply nested inside", minute(rest=f',"x":{"[" * _DEEP}{"]" * _DEEP}'), "malformed", "recursion"),
    _invalid("another kind of JSON", b"[1,2]", "value: got [1, 2]: Expected `object`"),
    _invalid("a missing field", b'{"room_id":"c-3","metrics":{"watch_ucnt":1}}', "minute: missing"),
    _invalid("no target", minute().replace(b"watch_ucnt", b"comment_cnt"), "metrics.watch_ucnt: missing"),
    _invalid("a string for a number", minute(count='"12"'), _COUNT + "'12': Expected `float | null`"),
    _invalid("a number beyond all", minute(count="1e999"), _COUNT + "1e999: "),
    _invalid("a number too large", minute(count="1e13"), _COUNT + "1e13: Expected `float` <= "),
    _invalid("a negative count", minute(count="-1"), _COUNT + "-1: Expected `float` >= 0"),
    _invalid("a bool", minute(count="true"), _COUNT + "True: Expected `float | null`"),
    _invalid("a negative channel", minute(rest=',"paid":{"ads":-2}'), "paid[...]: got {'ads': -2}: Expected `float`"),
    _invalid("100,000 channels", minute(rest=f',"natural":{{{_CHANNELS}}}'), "natural: got {'c0': 1, "),
    _invalid("5 MB", minute(rest=f',"category":"{noise(5_000_000)}"'), "category: got '"),
    _invalid("a number for a room", minute().replace(b'"c-3"', b"3"), "room_id: got 3: Expected `str`", key=b"3"),
    _keyed("a room without a name", "", "room_id: got '': Expected `str` of length >= 1"),
    _keyed("a room of 1,000 characters", "r" * 1000, "room_id: got 'rrr"),
    _keyed("control characters", "c\x1b[31m3", "room_id: got 'c\\x1b[31m3', expected text without control characters"),
    _keyed("a line end", "c-3\n", "room_id: got 'c-3\\n', expected"),
    Bad("seconds", minute(when="2024-05-01T10:30:07+08:00"), "minute", "07+08:00': expected a whole minute"),
    Bad("no offset", minute(when="2024-05-01T10:30:00"), "minute", "10:30:00': expected RFC 3339 with an offset"),
    Bad("no such day", minute(when="2024-02-30T10:30:00Z"), "minute", "expected a day of the calendar"),
    Bad("the year 2099", minute(when="2099-05-01T10:30:00+08:00"), "ahead", "minute: got '2099-05-01T"),
    Bad("2099 by Kafka's clock", minute(when="2099-05-01T10:30:00Z"), "ahead", "at most 5 minutes", headers=()),
    Bad("six minutes ahead", minute(when="2024-05-01T10:36:00+08:00"), "ahead", "expected at most 5 minutes ahead"),
    Bad("another key", minute(), "key", "key: got 'room 1': expected the room_id 'c-3'", key=b"room 1"),
    Bad("no key", minute(), "key", "key: got none: expected the room_id 'c-3'", key=None),
    Bad("a key of 1 MB", minute(), "key", "key: got '000", key=b"0" * 1_000_000),
    Bad("the wrong partition", minute(), "partition", "key: got partition 0: expected 1", partition=0),
    Bad("unknown schema", minute(), "schema", "got 'live.room/9'", headers=((SCHEMA_HEADER, b"live.room/9"),)),
    Bad("schema without a value", minute(), "schema", "header schema: got ''", headers=((SCHEMA_HEADER, None),)),
    Bad("bad clock header", minute(), "clock", "clock: got 'noon': expected", headers=((CLOCK_HEADER, b"noon"),)),
    Bad("clock without a value", minute(), "clock", "clock: got '': expected", headers=((CLOCK_HEADER, None),)),
    Bad("a clock from 2099", b'{"minute":"2099-01-01T00:00:00Z"}', "ahead", "expected at most 16 minutes", key=None,
        headers=(CLOCKED, (SCHEMA_HEADER, CLOCK_SCHEMA.encode()))),
    Bad("another verdict", b'{"room_id":"c-3","alert_id":"0123456789abcdef","verdict":"bad"}', "invalid",
        "verdict: got 'bad': expected useful or noise", headers=((SCHEMA_HEADER, FEEDBACK_SCHEMA.encode()),)),
    Bad("an alert id that is none", b'{"room_id":"c-3","alert_id":"7","verdict":"noise"}', "invalid",
        "alert_id: got '7': Expected `str` matching regex", headers=((SCHEMA_HEADER, FEEDBACK_SCHEMA.encode()),)),
    Bad("another room's key", b'{"room_id":"c-3","until":"2024-05-01T10:30:00Z"}', "key", "expected the room_id 'c-3'",
        key=b"room 1", headers=((SCHEMA_HEADER, SNOOZE_SCHEMA.encode()),)),
    Bad("a snooze until some time", b'{"room_id":"c-3","until":"noon"}', "minute", "until: got 'noon': expected RFC",
        headers=((SCHEMA_HEADER, SNOOZE_SCHEMA.encode()),)),
    Bad("a clock without a minute", b"{}", "invalid", "minute: missing", key=None,
        headers=((SCHEMA_HEADER, CLOCK_SCHEMA.encode()),)),
)  # fmt: skip
