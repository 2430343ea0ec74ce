"""What is refused and why, and what becomes of it."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from roompulse.channels import DEFAULT_CHANNELS
from roompulse.rooms import DRIVERS
from scorer.adapters.key_partitioner import partitioner
from scorer.pipeline.decode import decode_messages
from tests.scorer.fakes import CHANNELS, Event, Lab, clock, context_of, event, stamped, text

GOOD = event("a", 0, 1)


def with_headers(given: Event, *headers: tuple[str, bytes | None]) -> Event:
    """The same with these headers; Kafka allows one without a value."""
    return Event(given.key, given.value, headers, given.timestamp_ms)  # type: ignore[arg-type]


REFUSED = {
    "malformed": [Event(b"a", b"not JSON"), Event(b"a", None), Event(b"a", b""), Event(b"a", b"\xff\xfe")],
    "invalid": [
        Event(b"a", b"[]"),
        Event(b"a", b'{"room_id":"a"}'),
        event("a", 0, -1),
        Event(b"a", GOOD.value.replace(b" 1}", b' "1"}') if GOOD.value else None),
        event("", 0, 1),
        event("a" * 257, 0, 1),
        event("a\nb", 0, 1),
        event("a", 0, 1e13),
        event("a", 0, 1, natural={"search": -1}),
        with_headers(Event(None, b"{}"), ("schema", b"live.clock/1")),
    ],
    "minute": [
        event("a", 0, 1, minute="2024-05-01T12:00:30+08:00"),
        event("a", 0, 1, minute="2024-05-01T12:00:00"),
        event("a", 0, 1, minute="2024-02-30T12:00:00Z"),
        event("a", 0, 1, minute="yesterday"),
        event("a", 0, 1, minute=""),
    ],
    "ahead": [stamped(event("a", 0, 1, minute="2099-01-01T00:00:00Z"), 0), stamped(clock(17), 0)],
    "key": [Event(None, GOOD.value), Event(b"b", GOOD.value), Event(b"\xff", GOOD.value)],
    "clock": [with_headers(GOOD, ("clock", b"noon")), with_headers(GOOD, ("clock", None))],
    "schema": [
        with_headers(GOOD, ("schema", b"live.room.minute/2")),
        with_headers(GOOD, ("schema", b"\xff")),
        with_headers(GOOD, ("schema", None)),
    ],
}


@pytest.mark.parametrize(("reason", "given"), [(reason, one) for reason, all in REFUSED.items() for one in all])
def test_what_is_refused_says_why_and_the_rest_goes_on(reason: str, given: Event) -> None:
    """The dead letter has the original bytes and headers to find it by; records around it are scored."""
    lab = Lab()
    seen = lab.send(event("a", -1, 1), given, event("b", 0, 1))
    (letter,) = seen.dead
    assert (letter.key, letter.value, letter.partition) == (given.key, given.value, 0)
    headers = dict(letter.headers)
    assert (headers["reason"], headers["topic"]) == (reason.encode(), b"live.room.minutes")
    assert (headers["partition"], headers["offset"]) == (b"0", b"1")
    assert b"expected" in headers["detail"].lower()
    assert "truncated" not in headers
    assert len(seen.forecasts) == 2
    assert (lab.total.dead, lab.total.events) == ({reason: 1}, 3)


@pytest.mark.parametrize(
    "given",
    [
        event("直播间 🎉", 0, 1),
        event("a" * 256, 0, 1),
        event(" ", 0, 0.5),
        event("a", 0, 0, unknown={"field": [1]}),
        event("a", 0, 1e12),
        event("a", 0, None, category="food", metrics={"uv_value": 0.25, "pay_cnt": None}),
        with_headers(GOOD, ("schema", b"live.room.minute/1"), ("clock", b"2024-05-01T11:55:59+08:00")),
        stamped(GOOD, 100_000),
    ],
)
def test_what_is_legitimate_is_scored(given: Event) -> None:
    """Odd room ids, fractions, unknown fields and old minutes are no errors."""
    assert len(Lab().send(given).forecasts) == 1


def test_a_clock_before_1970_is_a_clock() -> None:
    """A header that lies before the epoch does not switch the check off."""
    lab = Lab()
    lab.send(with_headers(GOOD, ("clock", b"1970-01-01T00:00:00+08:00")))
    assert lab.total.dead == {"ahead": 1}


def test_what_is_too_long_is_cut_and_says_so() -> None:
    """Value and key are cut to what the topic takes; the header tells the original length."""
    lab = Lab(context_of(max_message_bytes=20_000))
    big = Event(b"k" * 5000, b'"' + b"x" * 30_000)
    (letter,) = lab.send(big).dead
    assert letter.key == b"k" * 4096
    assert letter.value is not None
    assert big.value is not None
    assert big.value.startswith(letter.value)
    size = len(letter.key) + len(letter.value) + sum(len(name) + len(value) for name, value in letter.headers)
    assert 10_000 < size < 20_000
    assert dict(letter.headers)["truncated"] == b"30001"


def test_the_explanation_is_cut() -> None:
    """A header of unlimited length would make the dead letter too long itself."""
    (letter,) = Lab().send(event("房" * 250, 0, 1, minute="分" * 5000)).dead
    assert len(dict(letter.headers)["detail"]) <= 1500


def test_a_key_on_another_partition_is_refused_only_when_asked() -> None:
    """With a partitioner a room cannot be split over two partitions; without one its place does not matter."""
    by_murmur2 = partitioner("murmur2", 8)
    assert by_murmur2 is not None
    right = by_murmur2(b"a")
    for partition, dead in ((right, {}), ((right + 1) % 8, {"partition": 1})):
        lab = Lab(context_of(partition_of=by_murmur2), partition)
        lab.send(GOOD)
        assert lab.total.dead == dead
    lab = Lab(context_of(partition_of=partitioner("any", 8)), 5)
    lab.send(GOOD)
    assert lab.total.dead == {}


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("murmur2", b"21", -973932308 & 0x7FFFFFFF),
        ("murmur2", b"foobar", -790332482 & 0x7FFFFFFF),
        ("crc32", b"123456789", 0xCBF43926),
    ],
)
def test_partitioners_are_the_clients(name: str, key: bytes, value: int) -> None:
    """Values from the Java client's own tests, masked to be positive, and the checksum's usual test value."""
    partition_of = partitioner(name, 1_000_003)
    assert partition_of is not None
    assert partition_of(key) == value % 1_000_003


def test_columns_are_in_offset_order_without_the_dead() -> None:
    """Positions count the batch's messages, so that records can be put in the order of their inputs."""
    given = [event("a", 0, None), Event(b"x", b"?"), clock(3), event("b", 1, 2.5, offset=0, ended=True)]
    decoded = decode_messages([one.at(70 + number) for number, one in enumerate(given)], 0, None)
    assert decoded.position.tolist() == [0, 2, 3]
    assert decoded.rooms == ["a", "", "b"]
    assert decoded.offset.tolist() == [480, 480, 0]
    assert math.isnan(decoded.value[0])
    assert decoded.value[2] == 2.5
    assert decoded.ended.tolist() == [False, False, True]
    assert list(decoded.dead) == [1]


def test_each_record_is_read_by_its_own_headers() -> None:
    """What a record's headers say, or fail to say, holds for those that say the same and for no other."""
    now, late, bad = b"2024-05-01T12:00:00+08:00", b"2024-05-01T11:00:00+08:00", b"noon"
    headers = [now, now, late, late, None, None, bad, bad, now, None, late]
    given = [with_headers(event(f"{row}", 0, 1), *([("clock", raw)] if raw else [])) for row, raw in enumerate(headers)]
    given[9] = stamped(given[9], -30)
    messages = [one.at(offset) for offset, one in enumerate(given)]
    decoded = decode_messages(messages, 0, None)
    why = {number: letter.reason for number, letter in decoded.dead.items()}
    assert why == {2: "ahead", 3: "ahead", 6: "clock", 7: "clock", 9: "ahead", 10: "ahead"}
    assert decoded.rooms == ["0", "1", "4", "5", "8"]


def test_an_empty_batch_is_nothing() -> None:
    """A poll may move the position without a message."""
    lab = Lab()
    assert lab.send([]).outputs == []
    assert lab.fold.rooms() == []


def _columns(**fields: Any) -> list[float]:
    record = decode_messages([event("a", 0, 1, **fields).at(0)], 0, None).records[0]
    assert record is not None
    columns: list[float] = CHANNELS.columns([record])[0].tolist()
    return columns


def test_channels_outside_the_vocabulary_are_the_rest() -> None:
    """Told channels stand by name, the platform's totals are left out, all others add up."""
    columns = _columns(natural={"search": 3, "x": 4, "全部自然流量": 7}, paid={"y": 5})
    names = CHANNELS.names()
    assert dict(zip(names[10:13], columns[10:13], strict=True)) == {
        "natural search": 3,
        "natural feed": 0,
        "paid ads": 0,
    }
    assert columns[-1] == 9
    assert names[-1] == "other"
    assert len(names) == DRIVERS == len(columns)


def test_a_kind_of_channel_that_is_not_named_was_not_measured() -> None:
    """A record without channels says nothing about them; one with natural ones says nothing about paid ones."""
    assert np.isnan(_columns()[10:]).all()
    columns = _columns(natural={"feed": 1})
    assert (columns[10], columns[11]) == (0, 1)
    assert math.isnan(columns[12])


def test_the_shipped_vocabulary_fits() -> None:
    """At most sixteen channels are told apart, each once."""
    assert len(set(DEFAULT_CHANNELS.vocabulary)) == len(DEFAULT_CHANNELS.vocabulary) <= 16
    assert len(DEFAULT_CHANNELS.names()) == DRIVERS


def test_the_text_of_a_refusal_names_field_value_and_expectation() -> None:
    """Whoever reads the dead letters can repair the sender."""
    (letter,) = Lab().send(event("a", 0, 1, minute="12:30")).dead
    assert dict(letter.headers)["detail"].decode() == (
        "minute: got '12:30': expected RFC 3339 with an offset, like 2019-12-02T08:12:00+08:00"
    )
    (letter,) = Lab().send(stamped(event("a", 9, 1), 0)).dead
    assert dict(letter.headers)["detail"].decode() == (
        f"minute: got {text(9)!r}: expected at most 5 minutes ahead of the record's clock"
    )
    (letter,) = (
        Lab()
        .send(Event(b"b", json.dumps({"room_id": "a", "minute": text(0), "metrics": {"watch_ucnt": 1}}).encode()))
        .dead
    )
    assert dict(letter.headers)["detail"].decode() == "key: got 'b': expected the room_id 'a'"
