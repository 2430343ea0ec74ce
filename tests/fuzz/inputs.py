"""Inputs for the decoder: valid records of every kind, bent in fields, text, bytes and around them."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from roompulse.topics import (
    CLOCK_HEADER,
    CLOCK_SCHEMA,
    CONTROL_SCHEMA,
    FEEDBACK_SCHEMA,
    MINUTE_SCHEMA,
    SCHEMA_HEADER,
    SNOOZE_SCHEMA,
)
from scorer.ports import Message

MINUTE = "2024-05-01T20:15:00+08:00"
MINUTE_MS = 1_714_565_700_000

_MINUTE: dict[str, Any] = {
    "room_id": "room-1",
    "minute": MINUTE,
    "metrics": {"watch_ucnt": 120, "comment_cnt": 7, "pay_order_gmv": 12.5},
    "natural": {"搜索": 3, "feed": 40.5},
    "paid": {"ads": 0},
    "category": "食品",
    "ended": False,
}
_VALID: tuple[tuple[str, dict[str, Any]], ...] = (
    *((MINUTE_SCHEMA, _MINUTE),) * 6,
    (CLOCK_SCHEMA, {"minute": MINUTE}),
    (FEEDBACK_SCHEMA, {"room_id": "room-1", "alert_id": "0123456789abcdef", "verdict": "noise", "note": "a raffle"}),
    (SNOOZE_SCHEMA, {"room_id": "room-1", "until": MINUTE, "note": None}),
    (CONTROL_SCHEMA, {"control": "model", "hash": "0" * 64, "label": "step-1+00000000", "spread_minutes": 5}),
    (CONTROL_SCHEMA, {"control": "challenger", "hash": None}),
    (CONTROL_SCHEMA, {"control": "serve", "forecast": "plain"}),
    (
        CONTROL_SCHEMA,
        {
            "control": "settings",
            "settings": {
                "rules": {"surge_budget": 4, "kinds": ["surge"]},
                "category": {"食品": {"minimum_excess": 3}},
                "room": {"r": {"hotspot_minutes": 8}},
            },
        },
    ),
)

_TIMES = (
    MINUTE, "2024-05-01T20:15:00Z", "2024-05-01T20:15:01Z", "2024-02-30T20:15:00Z", "1969-12-31T23:59:00Z",
    "2999-12-31T23:59:00-23:59", "3000-01-01T00:00:00Z", "2024-05-01 20:15:00+00:00", "2024-05-01t20:15:00z",
    "2024-05-01T24:00:00Z", "2024-05-01T20:15:60Z", "2024-05-01T20:15:00.000Z", "2024-05-01T20:15:00.5Z",
    "2024-05-01T20:15:00", "2024-05-01T20:15:00+24:00", "2024-05-01T20:15:00+08:60", "٢٠٢٤-05-01T20:15:00Z",
    "2024-05-01T20:15:00." + "0" * 5000 + "Z", "20240501T201500Z", "2024-W18-3", MINUTE + "\n", " " + MINUTE, "",
)  # fmt: skip
_NUMBERS = (
    0, -0.0, 1, -1, 0.1, 1e12, 1.0000001e12, 1e13, 1e308, 5e-324, -1e-9, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30,
    float("nan"), float("inf"), -float("inf"),
)  # fmt: skip
_TEXTS = (
    "", " ", "a", "room-1", "x" * 256, "x" * 257, "x" * 1024, "x" * 1025, "\x00", "a\nb", "\x7f", "\x85", "\u2028",
    "\u202e", "\ufeff", "\ufffe", "😀", "e\u0301", "\ud800", "\udc00\ud800", "食品", "noise", "useful", "plain",
    "model", "0" * 16, "0" * 64, "O" * 64, "null", "__proto__", "$", "🧨" * 256,
)  # fmt: skip
_LITERALS = (
    "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "01", "1.", ".5", "+1", "0x10", "1_000", "-", "1e",
    "1" + "0" * 400, "0." + "0" * 400 + "1", "1e12", "1000000000000.1", "true", "nul", "undefined", "'a'", '"\\ud800"',
    '"\\u0000"', '"\\x41"', '"\t"', "[]", "{}", "[[[[1]]]]", '{"a":{"a":{}}}', "/* c */1", "9" * 5000,
)  # fmt: skip
_BYTES = (
    b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x00", b"\xef\xbb\xbf", b"\xe9", b"\\", b'"', b"{",
    b"}", b"[", b"]", b",", b":", b"\n", b"\x1f", b"\\u", b"\\ud83d", b"\xf0\x9f\x98\x80",
)  # fmt: skip
_UNKNOWN = ("extra", "Metrics", "metrics ", "room_id2", "schema", "watch_ucnt", "ended", "控制", "")


def make_input(chance: Random, offset: int) -> Message:
    """One input: a valid record with none, one or several things changed; now and then nothing but bytes."""
    schema, valid = chance.choice(_VALID)
    record = json.loads(json.dumps(valid))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 4))):
        record = _bend(chance, record)
    room = record.get("room_id") if isinstance(record, dict) else None
    value: bytes | None = _written(chance, record)
    for _ in range(chance.choice((0, 0, 0, 0, 1, 2))):
        value = _damage(chance, value or b"")
    if chance.random() < 0.02:
        value = chance.choice((None, b"", chance.randbytes(chance.randrange(200)), _large(chance)))
    key = room.encode("utf-8", "surrogatepass") if isinstance(room, str) and schema != CLOCK_SCHEMA else None
    if chance.random() < 0.05:
        key = chance.choice((None, b"", b"room-1", b"\xff", chance.randbytes(8), b"k" * 100_000))
    return Message(offset, _timestamp(chance), key, value, _headers(chance, schema))


def _bend(chance: Random, record: Any) -> Any:
    """Change one thing of a record, at any depth."""
    if not isinstance(record, dict) or not record or chance.random() < 0.03:
        return _anything(chance)
    name = chance.choice(list(record))
    inner = record[name]
    if isinstance(inner, dict) and inner and chance.random() < 0.6:
        record[name] = _bend(chance, inner)
        return record
    turn = chance.randrange(8)
    if turn == 0:
        del record[name]
    elif turn == 1:
        record[chance.choice(_UNKNOWN)] = _anything(chance)
    elif turn == 2 and isinstance(inner, dict):
        record[name] = {
            f"{_text(chance)}{number}": chance.choice(_NUMBERS) for number in range(chance.choice((3, 255, 256, 257)))
        }
    elif turn == 3 and isinstance(inner, str):
        record[name] = _text(chance)
    elif turn in {3, 4} and name in {"minute", "until", "begins"}:
        record[name] = _time(chance)
    elif turn == 5 and isinstance(inner, int | float):
        record[name] = chance.choice(_NUMBERS)
    elif turn == 6:
        record["begins"] = _time(chance)
    else:
        record[name] = _anything(chance)
    return record


def _anything(chance: Random) -> Any:
    make: Callable[[], Any] = chance.choice((
        lambda: chance.choice(_NUMBERS), lambda: _text(chance), lambda: _time(chance), lambda: None, lambda: True,
        list, dict, lambda: [_text(chance), chance.choice(_NUMBERS)], lambda: {_text(chance): 1},
        lambda: chance.uniform(-1e13, 1e13), lambda: _nested(chance.choice((3, 60, 300))),
    ))  # fmt: skip
    return make()


def _text(chance: Random) -> str:
    if chance.random() < 0.7:
        return chance.choice(_TEXTS)
    return "".join(
        chr(chance.choice((chance.randrange(128), chance.randrange(0x110000)))) for _ in range(chance.randrange(12))
    )


def _time(chance: Random) -> str:
    text = chance.choice(_TIMES)
    if text and chance.random() < 0.3:
        place = chance.randrange(len(text))
        text = text[:place] + chance.choice("0123456789-:TZ+ x") + text[place + 1 :]
    return text


def _nested(depth: int) -> Any:
    inner: Any = 1
    for level in range(depth):
        inner = [inner] if level % 2 else {"a": inner}
    return inner


def _written(chance: Random, record: Any) -> bytes:
    """A record as JSON text, as different libraries write it; sometimes with a field twice."""
    spaced = chance.choice(((",", ":"), (", ", ": "), (" ,\n", "\t:\r")))
    text = json.dumps(record, ensure_ascii=chance.random() < 0.5, separators=spaced)
    if isinstance(record, dict) and record and chance.random() < 0.1:
        twice = json.dumps({chance.choice(list(record)): _anything(chance)}, ensure_ascii=chance.random() < 0.5)
        text = text[:-1] + "," + twice[1:] if chance.random() < 0.5 else twice[:-1] + "," + text[1:]
    return text.encode("utf-8", "surrogatepass")


def _damage(chance: Random, value: bytes) -> bytes:
    """Change the text of a record without a thought for what it means."""
    place = chance.randrange(len(value) + 1)
    end = min(len(value), place + chance.choice((1, 1, 2, 8, 60)))
    turn = chance.randrange(9)
    if turn == 0:
        return value[:place]
    if turn == 1:
        return value[:place] + value[end:]
    if turn == 2:
        return value[:place] + value[place:end] * 2 + value[end:]
    if turn == 3:
        return value[:place] + chance.choice(_BYTES) + value[place:]
    if turn == 4:
        return value + value[:place]
    if turn == 5:
        return value.decode("utf-8", "replace").encode(chance.choice(("utf-16", "utf-32-le", "utf-8-sig", "utf-7")))
    if turn == 6 and place < len(value):
        return value[:place] + bytes((value[place] ^ 1 << chance.randrange(8),)) + value[place + 1 :]
    colon = value.find(b":", place)
    stop = min((at for at in (value.find(b",", colon), value.find(b"}", colon)) if at > 0), default=-1)
    if 0 <= colon < stop:
        return value[: colon + 1] + chance.choice(_LITERALS).encode() + value[stop:]
    return value + chance.choice(_LITERALS).encode()


def _large(chance: Random) -> bytes:
    """What is big rather than wrong: depth, length, width."""
    size = chance.choice((2_000, 20_000, 200_000))
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return chance.choice((
        opening * size, opening * size + b"1" + closing * size,
        b'{"room_id":"' + b"x" * size + b'"}', b'{"minute":"' + MINUTE.encode() + b'","extra":' + b"9" * size + b"}",
        b'{"room_id":"room-1","minute":"' + MINUTE.encode() + b'","metrics":{"watch_ucnt":1},"extra":'
        + opening * size + b"1" + closing * size + b"}",
        b"{" + b",".join(b'"%d":%d' % (number, number) for number in range(size // 20)) + b"}",
    ))  # fmt: skip


def _timestamp(chance: Random) -> int:
    return chance.choice((-1, MINUTE_MS, MINUTE_MS, MINUTE_MS, 0, MINUTE_MS - 600_000, 1 << 62, -(1 << 62), -2))


def _headers(chance: Random, schema: str) -> list[tuple[str, bytes]]:
    headers: list[tuple[str, bytes]] = (
        [] if schema == MINUTE_SCHEMA and chance.random() < 0.5 else [(SCHEMA_HEADER, schema.encode())]
    )
    if chance.random() < 0.08:
        headers.append((CLOCK_HEADER, _time(chance).encode()))
    if chance.random() < 0.03:
        wrong: Any = chance.choice(
            (None, b"", b"\xff", chance.choice(_VALID)[0].encode(), schema.encode() + b" ", b"x" * 9_999)
        )
        headers.insert(
            chance.randrange(len(headers) + 1), (chance.choice((SCHEMA_HEADER, CLOCK_HEADER, "other")), wrong)
        )
    return headers
