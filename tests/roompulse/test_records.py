"""Strict decoding: each complaint names the field, its value and what was expected; nothing else is ever raised."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roompulse.errors import RecordError
from roompulse.records import METRICS, RoomMinute, decode_clock, decode_minute, encode, metrics_from, number

WHOLE: dict[str, Any] = {"room_id": "a", "minute": "2024-05-01T12:00:00+08:00", "metrics": {"watch_ucnt": 5}}


def value_of(**changes: Any) -> bytes:
    """A good record with other fields."""
    return json.dumps(WHOLE | changes, ensure_ascii=False).encode()


def raw(value: str, field: str = "watch_ucnt") -> bytes:
    """A record whose metric is this JSON text."""
    metrics = f'"watch_ucnt":1,"{field}":{value}' if field != "watch_ucnt" else f'"watch_ucnt":{value}'
    return f'{{"room_id":"a","minute":"m","metrics":{{{metrics}}}}}'.encode()


@pytest.mark.parametrize(
    ("value", "reason", "text"),
    [
        (b"", "malformed", "value: got b'': expected UTF-8 JSON: Input data was truncated"),
        (value_of() + b" x", "malformed", ": expected UTF-8 JSON"),
        (b"\xef\xbb\xbf" + value_of(), "malformed", ": expected UTF-8 JSON"),
        (value_of().replace(b'"a"', b'"\xff"'), "malformed", ": expected UTF-8 JSON"),
        (value_of().replace(b'"a"', b'"\\ud800"'), "malformed", ": expected UTF-8 JSON"),
        (raw("NaN"), "malformed", ": expected UTF-8 JSON"),
        (raw("-Infinity"), "malformed", ": expected UTF-8 JSON"),
        (b"[]", "invalid", "value: got []: Expected `object`, got `array`"),
        (b"null", "invalid", "value: got None: Expected `object`, got `null`"),
        (b"{}", "invalid", "room_id: missing required field `room_id`, expected in every record"),
        (value_of(metrics={}), "invalid", "metrics.watch_ucnt: missing required field `watch_ucnt`, expected"),
        (value_of(metrics=None), "invalid", "metrics: got None: Expected `object`, got `null`"),
        (value_of(room_id=7), "invalid", "room_id: got 7: Expected `str`, got `int`"),
        (value_of(room_id=""), "invalid", "room_id: got '': Expected `str` of length >= 1"),
        (value_of(room_id="房" * 257), "invalid", "Expected `str` of length <= 256"),
        (value_of(room_id="a\tb"), "invalid", r"room_id: got 'a\tb', expected text without control characters"),
        (value_of(room_id="a\u2028"), "invalid", "expected text without control characters"),
        (value_of(minute=12), "invalid", "minute: got 12: Expected `str`, got `int`"),
        (value_of(ended=1), "invalid", "ended: got 1: Expected `bool`, got `int`"),
        (value_of(category=["x"]), "invalid", "category: got ['x']: Expected `str | null`, got `array`"),
        (value_of(natural={"feed": -1}), "invalid", "natural[...]: got {'feed': -1}: Expected `float` >= 0.0"),
        (value_of(paid={str(n): 1 for n in range(257)}), "invalid", "Expected `object` of length <= 256"),
        (raw('"5"'), "invalid", "metrics.watch_ucnt: got '5': Expected `float | null`, got `str`"),
        (raw("true"), "invalid", "metrics.watch_ucnt: got True: Expected `float | null`, got `bool`"),
        (raw("-1"), "invalid", "metrics.watch_ucnt: got -1: Expected `float` >= 0.0"),
        (raw("1000000000001"), "invalid", "metrics.watch_ucnt: got 1000000000001: Expected `float` <= 1000000000000.0"),
        (raw("1e400"), "invalid", "metrics.watch_ucnt: got 1e400: Number out of range"),
        (raw("1" * 5000), "invalid", "metrics.watch_ucnt: Number out of range"),
        (raw("[1]", "pay_cnt"), "invalid", "metrics.pay_cnt: got [1]: Expected `float | null`, got `array`"),
    ],
)
def test_a_refused_record_says_field_value_and_expectation(value: bytes, reason: str, text: str) -> None:
    """One complaint for each way of being wrong, from a small set of reasons."""
    with pytest.raises(RecordError) as refused:
        decode_minute(value)
    assert refused.value.reason == reason
    assert text in str(refused.value)


@pytest.mark.parametrize(
    "value",
    [
        value_of(),
        value_of(room_id="房间 🎉"),
        value_of(room_id="x" * 256),
        value_of(unknown=[{"deeply": None}], category=None),
        value_of(ended=True, category="food", natural={}, paid={"ads": 0.5}),
        value_of(metrics=dict.fromkeys(METRICS, None)),
        value_of(metrics=dict.fromkeys(METRICS, 1e12)),
        raw("1.5e3"),
    ],
)
def test_an_accepted_record_reads_as_it_was_written(value: bytes) -> None:
    """Encoding what was decoded and decoding it again gives the same record."""
    record = decode_minute(value)
    assert decode_minute(encode(record)) == record


def test_defaults_are_left_out_of_what_is_written() -> None:
    """A record carries the fields that say something."""
    assert encode(decode_minute(value_of())) == (
        b'{"room_id":"a","minute":"2024-05-01T12:00:00+08:00","metrics":{"watch_ucnt":5.0}}'
    )


def test_a_value_that_nests_to_the_limit_is_refused_like_any_other() -> None:
    """Around the interpreter's limit, decoding may just succeed where showing the value would not."""
    limit = sys.getrecursionlimit()
    for depth in range(limit - 150, limit + 10):
        for value in (b'{"room_id":%s}', b'{"u":%s,"room_id":1}', b'{"minute":{"a":%s}}'):
            with pytest.raises(RecordError):
                decode_minute(value % (b"[" * depth + b"]" * depth))


def test_a_long_value_is_shown_in_part() -> None:
    """The complaint stays readable, whatever was sent."""
    with pytest.raises(RecordError) as refused:
        decode_minute(value_of(room_id=["x" * 5000] * 5000))
    assert len(str(refused.value)) < 200


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_nearly = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("room_id", "minute", "metrics", "natural", "paid", "category", "ended"), _json)
)


@given(
    st.binary(max_size=60)
    | _json.map(lambda value: json.dumps(value).encode())
    | _nearly.map(lambda value: json.dumps(WHOLE | value).encode())
    | st.tuples(st.just(value_of()), st.integers(0, 80), st.binary(max_size=2)).map(
        lambda t: t[0][: t[1]] + t[2] + t[0][t[1] + 1 :]
    )
)
@settings(max_examples=300, deadline=None)
def test_the_decoders_raise_nothing_but_record_errors(value: bytes) -> None:
    """Whatever lies on the topic, the stream goes on."""
    for decode in (decode_minute, decode_clock):
        refuses(decode, value)


def refuses(decode: Callable[[bytes], object], value: bytes) -> None:
    """Decode, and let only a RecordError pass."""
    with suppress(RecordError):
        record = decode(value)
        assert not isinstance(record, RoomMinute) or record.metrics.watch_ucnt is None or record.metrics.watch_ucnt >= 0


@given(st.floats(0, 1e12))
def test_counts_are_written_as_they_came(value: float) -> None:
    """Whole numbers without a decimal point, others to the last digit, and never a negative zero."""
    written = number(value)
    assert written == value
    assert isinstance(written, int) == (value == math.floor(value))
    assert "-" not in encode(number(-value if value == 0 else value)).decode().replace("e-", "")


def test_metrics_are_built_by_name() -> None:
    """Whole counts become integers in JSON, null stays null."""
    assert encode(metrics_from({"watch_ucnt": None, "pay_cnt": 2.0, "uv_value": 0.5})) == (
        b'{"watch_ucnt":null,"pay_cnt":2,"uv_value":0.5}'
    )
