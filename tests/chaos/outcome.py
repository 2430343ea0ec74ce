"""What a trial leaves behind, to be held against the reference: committed records, and the saved points."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import redis
from kafka import TopicPartition
from kafka.errors import KafkaError

from roompulse.errors import BrokerError
from roompulse.kafka_client import make_consumer
from roompulse.settings import Settings
from roompulse.topics import Topics
from tests.chaos.feed import ends
from tests.chaos.stream import PARTITIONS

WITHIN_S = 150.0
READ_S = 60.0

Read = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
"""Key, value and headers of one record."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`records` in order by (topic without its prefix, partition); `points` by partition: what is saved of it."""

    records: dict[tuple[str, int], list[Read]]
    points: dict[int, Any]


def until_committed(settings: Settings, topics: Topics) -> str:
    """Wait until the group has read everything: empty, or what is missing when the time is over."""
    wanted = ends()
    deadline = time.monotonic() + WITHIN_S
    while True:
        found: Any = None
        try:
            consumer = make_consumer(settings, settings.group_id)
            try:
                while time.monotonic() < deadline:
                    places = {at: TopicPartition(topics.minutes, at) for at in wanted}
                    found = {at: consumer.committed(place, timeout_ms=5000) for at, place in places.items()}
                    if found == wanted:
                        return ""
                    time.sleep(0.2)
            finally:
                consumer.close(autocommit=False)
        except (BrokerError, KafkaError) as error:
            found = error
        if time.monotonic() > deadline:
            return f"hang: after {WITHIN_S:g} s the group stands at {found}, not at {wanted}"


def read_outcome(settings: Settings, topics: Topics, redis_port: int) -> Outcome:
    """Everything committed, and what Redis holds. Raises TimeoutError where the topics cannot be read to their ends."""
    return Outcome(_read(settings, topics), _points(redis_port, settings.redis_prefix))


def _read(settings: Settings, topics: Topics) -> dict[tuple[str, int], list[Read]]:
    consumer = make_consumer(settings)
    try:
        places = [TopicPartition(topic, at) for topic in topics.outputs for at in range(PARTITIONS)]
        found: dict[tuple[str, int], list[Read]] = {(place.topic, place.partition): [] for place in places}
        consumer.assign(places)
        consumer.seek_to_beginning()
        last = consumer.end_offsets(places)
        deadline = time.monotonic() + READ_S
        while any(consumer.position(place) < last[place] for place in places):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the output cannot be read to its end within {READ_S:g} s")
            for place, records in consumer.poll(timeout_ms=200).items():
                found[place.topic, place.partition] += [
                    (record.key, record.value, _without_prefix(record.headers, topics)) for record in records
                ]
    finally:
        consumer.close(autocommit=False)
    return {(topic.removeprefix(topics.prefix), at): records for (topic, at), records in found.items()}


def _without_prefix(headers: Any, topics: Topics) -> tuple[tuple[str, bytes], ...]:
    """A dead letter names the topic that it comes from, and each trial has topics of its own."""
    own = topics.minutes.encode()
    return tuple((name, b"" if value == own else value) for name, value in headers)


def _points(port: int, prefix: str) -> dict[int, Any]:
    points = {}
    with redis.Redis(port=port) as client:
        for at in range(PARTITIONS):
            stem = f"{prefix}:{{{at}}}"
            head: Any = client.hgetall(f"{stem}:head")
            if not head:
                continue
            saved = json.loads(head[b"head"])
            del saved["topic_id"]
            rooms: Any = client.hgetall(f"{stem}:rooms:{head[b'generation'].decode()}")
            points[at] = (int(head[b"applied"]), saved, dict(sorted(rooms.items())))
    return points


def difference(found: Outcome, reference: Outcome) -> str:
    """The first difference, in words; empty where there is none."""
    for place, wanted in reference.records.items():
        got = found.records[place]
        for number, (one, other) in enumerate(zip(got, wanted, strict=False)):
            if one != other:
                return f"{place[0]} partition {place[1]}, record {number}: got {one!r}, expected {other!r}"
        if len(got) != len(wanted):
            more = got[len(wanted) :] or wanted[len(got) :]
            return (
                f"{place[0]} partition {place[1]}: {len(got)} records, expected {len(wanted)}; the first: {more[0]!r}"
            )
    for at, point in reference.points.items():
        held = found.points.get(at)
        if held != point:
            return f"checkpoint of partition {at}: {_unlike(held, point)}"
    return ""


def _unlike(held: Any, point: Any) -> str:
    if held is None:
        return "there is none"
    if held[0] != point[0]:
        return f"it stands at {held[0]}, expected {point[0]}"
    if held[1] != point[1]:
        return f"head {held[1]!r}, expected {point[1]!r}"
    rooms = [room for room in point[2].keys() | held[2].keys() if point[2].get(room) != held[2].get(room)]
    return f"{len(rooms)} rooms differ, such as {sorted(rooms)[0]!r}"
