"""What holds for any sequence of records."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from roompulse.minutes import parse_minute
from roompulse.rooms import KINDS, SEVERITIES
from scorer.pipeline.fold import Fold
from scorer.ports import Output
from tests.properties.streams import Given, Oracle, shape, streams
from tests.scorer.fakes import START, TOPICS, Lab, clock, context_of, event, state_of

CONTEXT = context_of(memory=0.1)
"""One context for all: the fold must not keep anything in it that shows."""

_quick = settings(max_examples=15, deadline=None)


def fold(stream: list[Given], cuts: list[int] | None = None, partition: int = 0) -> Lab:
    """Fold a stream in batches that end at `cuts`."""
    lab = Lab(CONTEXT, partition)
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts or [])})
    for start, end in pairwise(edges):
        lab.send([record.event() for record in stream[start:end]])
    return lab


def by_room(outputs: list[Output], *topics: str) -> dict[bytes, list[tuple[str, bytes | None]]]:
    """The bytes written about each room on these topics, in order."""
    rooms: dict[bytes, list[tuple[str, bytes | None]]] = defaultdict(list)
    for output in outputs:
        if output.topic in topics:
            rooms[output.key or b""].append((output.topic, output.value))
    return dict(rooms)


_cuts = st.lists(st.integers(0, 200), max_size=12)


@given(streams(), _cuts)
@_quick
def test_any_cut_into_batches_gives_the_same_bytes_and_state(stream: list[Given], cuts: list[int]) -> None:
    """One batch, any batches, one record at a time: the same records in order, the same state and counts."""
    whole = fold(stream)
    for other in (fold(stream, cuts), fold(stream, list(range(len(stream))))):
        assert other.all == whole.all
        assert state_of(other.fold) == state_of(whole.fold)
        for name in ("events", "clocks", "status", "dead", "blanks", "sessions", "alerts", "words", "covered"):
            assert getattr(other.total, name) == getattr(whole.total, name)
        assert np.allclose(other.total.judged, whole.total.judged), "sums of fractions, added in another order"


@given(streams(), st.integers(0, 3))
@_quick
def test_alone_or_in_company(stream: list[Given], partition: int) -> None:
    """A room's forecasts and alerts are the same bytes without all other rooms, and on any partition."""
    topics = TOPICS.forecasts, TOPICS.alerts
    closing = Given(None, 500)
    together = by_room(fold([*stream, closing], partition=partition).all, *topics)
    for room in {record.room for record in stream if record.room and not record.word}:
        mine = [record for record in [*stream, closing] if record.room in (room, None)]
        assert by_room(fold(mine).all, *topics)[room.encode()] == together[room.encode()]


@given(streams(), streams(size=20))
@_quick
def test_an_aborted_step_changes_nothing(stream: list[Given], other: list[Given]) -> None:
    """What was stepped and thrown away leaves the state, and what comes next, as if it had never been."""
    lab = fold(stream)
    before = state_of(lab.fold)
    messages = [record.event().at(number) for number, record in enumerate(other)]
    first = lab.fold.step(messages)
    lab.fold.step(messages[: len(messages) // 2])
    assert state_of(lab.fold) == before
    assert lab.fold.step(messages).lines == first.lines


@given(streams(), _cuts)
@_quick
def test_every_opening_has_exactly_one_end(stream: list[Given], cuts: list[int]) -> None:
    """At most one open alert per room and kind; after a final clock none is open, and the compacted topic agrees."""
    lab = fold([*stream, Given(None, 500)], cuts)
    opened: dict[tuple[str, str], str] = {}
    ids: set[str] = set()
    for output in lab.all:
        if output.topic != TOPICS.alerts:
            continue
        alert = json.loads(output.value or b"")
        place = alert["room_id"], alert["kind"]
        if alert["event"] == "open":
            assert place not in opened
            assert alert["alert_id"] not in ids
            ids.add(alert["alert_id"])
            opened[place] = alert["alert_id"]
        else:
            assert opened[place] == alert["alert_id"]
            if alert["event"] != "update":
                del opened[place]
    assert opened == {}
    kept = {output.key: output.value for output in lab.all if output.topic == TOPICS.alerts_open}
    assert set(kept.values()) <= {None}
    assert {(key or b"").decode() for key in kept} == ids


@given(streams(), _cuts)
@_quick
def test_a_plain_oracle_agrees(stream: list[Given], cuts: list[int]) -> None:
    """Status of every record, blanks, sessions, watermark and hotlists, against a few lines of plain Python."""
    lab = fold(stream, cuts)
    expected: dict[tuple[str, int], list[float]] = {}
    written: list[tuple[str, int]] = []
    hotlists: list[tuple[int, list[Any]]] = []
    for output in lab.all:
        if output.topic == TOPICS.forecasts:
            record = json.loads(output.value or b"")
            place = record["room_id"], parse_minute(record["minute"]).epoch - START
            written.append(place)
            expected[place] = record["quantiles"]["0.5"]
        elif output.topic == TOPICS.hotlist:
            record = json.loads(output.value or b"")
            hotlists.append((parse_minute(record["minute"]).epoch - START, record["rooms"]))
    oracle = Oracle()
    for record in stream:
        oracle.take(record, expected)
    assert written == oracle.forecasts
    counts = {status: oracle.statuses.count(status) for status in set(oracle.statuses)}
    found = {**lab.status} | {"dead": sum(lab.total.dead.values()), "clock": lab.total.clocks}
    found["word"] = sum(lab.total.words.values())
    assert {status: count for status, count in found.items() if count} == counts
    assert (lab.total.blanks, lab.total.sessions) == (oracle.blanks, oracle.sessions)
    assert lab.fold.head.watermark == START + (oracle.watermark or 0)
    assert [(minute, [row["room_id"] for row in rows]) for minute, rows in hotlists] == [
        (minute, [room for room, _ in rows]) for minute, rows in oracle.hotlists
    ]
    for (_, rows), (_, plain) in zip(hotlists, oracle.hotlists, strict=True):
        assert [row["excess"] for row in rows] == [float(f"{excess:.4g}") for _, excess in plain]
        assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))


@given(streams(), _cuts)
@_quick
def test_every_event_is_accounted_for(stream: list[Given], cuts: list[int]) -> None:
    """Each record is one forecast, duplicate, correction, late one or dead letter; or it is a clock, or a word."""
    lab = fold(stream, cuts)
    assert lab.total.events + lab.total.clocks + sum(lab.total.words.values()) == len(stream)
    assert lab.total.events == sum(lab.status.values()) + sum(lab.total.dead.values())
    topics = [output.topic for output in lab.all]
    assert topics.count(TOPICS.forecasts) == lab.status["accepted"]
    assert topics.count(TOPICS.dead_letters) == sum(lab.total.dead.values())
    assert topics.count(TOPICS.alerts) == topics.count(TOPICS.alerts_open) == sum(lab.total.alerts.values())


_HEAD = {"alert_id", "event", "kind", "severity", "room_id", "opened", "minute", "actual", "expected", "low", "high"}
_ALERT = _HEAD | {"tail_probability", "deviation_percent", "drivers", "text", "model"}


@given(streams())
@_quick
def test_records_have_the_documented_shape(stream: list[Given]) -> None:
    """Fields as the design lists them, four significant digits, sorted quantiles, no -0, NaN or infinity."""
    for output in fold([*stream, Given(None, 500)]).all:
        if output.topic == TOPICS.dead_letters or output.value is None:
            continue
        assert re.search(rb"NaN|Infinity|[:,\[]-0(\.0*)?[,\]}]", output.value) is None, output.value
        record = json.loads(output.value)
        if output.topic == TOPICS.forecasts:
            shape(record, {"room_id", "minute", "model", "quantiles"})
            low, median, high = (np.array(record["quantiles"][name]) for name in ("0.1", "0.5", "0.9"))
            assert low.shape == median.shape == high.shape == (10,)
            assert ((low >= 0) & (low <= median) & (median <= high)).all()
            assert all(float(f"{number:.4g}") == number for number in [*low, *median, *high])
        elif output.topic == TOPICS.hotlist:
            shape(record, {"minute", "partition", "rooms"})
            for row in record["rooms"]:
                shape(row, {"rank", "room_id", "actual", "expected", "excess", "deviation_percent"})
        else:
            shape(record, _ALERT, frozenset({"reason"}))
            assert record["event"] in {"open", "update", "resolve", "retract"}
            assert record["kind"] in KINDS
            assert record["severity"] in SEVERITIES
            assert ("reason" in record) == (record["event"] == "resolve")
            assert all(driver.keys() == {"name", "actual", "expected"} for driver in record["drivers"])


@given(streams(), streams(size=20))
@_quick
def test_the_state_goes_through_bytes_and_back(stream: list[Given], other: list[Given]) -> None:
    """A fold loaded from the rows and head of another continues with the same bytes."""
    lab = fold(stream)
    rooms = lab.fold.rooms()
    data = lab.fold.rows_of(rooms).tobytes()
    loaded = Fold(0, context_of(memory=0.1))
    loaded.load(lab.fold.head, rooms, np.frombuffer(bytearray(data), CONTEXT.dtype))
    messages = [record.event().at(number) for number, record in enumerate([*other, Given(None, 500)])]
    one, same = lab.fold.step(messages), loaded.step(messages)
    assert same.lines == one.lines
    lab.fold.apply(one)
    loaded.apply(same)
    assert state_of(loaded) == state_of(lab.fold)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12_000)), max_size=30), _cuts)
@_quick
def test_forgetting_does_not_depend_on_the_batches(visits: list[tuple[int, int]], cuts: list[int]) -> None:
    """Rooms that come and go over weeks: the same rooms are remembered, with the same state, for any cut."""
    records = [event(f"room {room}", minute, 1) for room, minute in sorted(visits, key=lambda visit: visit[1] // 700)]
    whole, single, some = Lab(CONTEXT), Lab(CONTEXT), Lab(CONTEXT)
    whole.send(records, clock(12_001))
    edges = sorted({0, len(records), *(cut % (len(records) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        some.send(records[start:end])
    some.send(clock(12_001))
    for record in [*records, clock(12_001)]:
        single.send(record)
    assert state_of(whole.fold) == state_of(single.fold) == state_of(some.fold)
    assert whole.all == single.all == some.all
