"""What is open as of now: the compacted topic's newest record of each key, and the last hours of fleet events."""

from __future__ import annotations

import time
from collections.abc import Set as AbstractSet
from typing import Any

from kafka import TopicPartition

from roompulse.errors import BrokerError
from roompulse.kafka_client import make_consumer
from roompulse.kafka_errors import broker_errors
from roompulse.settings import Settings
from roompulse.topics import Topics

FLEET_LOOKBACK_S = 2 * 3600.0
"""A fleet event is over half an hour after it opened, or ten minutes after its last minute that could be judged."""

_GIVEN_UP_S = 120.0


def read_open(
    settings: Settings, topics: Topics, partitions: AbstractSet[int]
) -> list[tuple[TopicPartition, list[Any]]]:
    """The records of what is open in these partitions, as the client gives them. Raises BrokerError.

    It reads to the ends of what is written, not of what is committed: a transaction whose other records are visible
    already may be about to become visible here. Kafka ends one that hangs within seconds.
    """
    consumer = make_consumer(settings, max_poll_records=5000)
    newest: dict[TopicPartition, dict[bytes | int, Any]] = {}
    try:
        with broker_errors("cannot read what is open"):
            logs = [TopicPartition(topics.alerts_open, number) for number in sorted(partitions)]
            fleets = [TopicPartition(topics.fleet, number) for number in sorted(partitions)]
            consumer.assign(logs + fleets)
            consumer.seek_to_beginning(*logs)
            since_ms = int((time.time() - FLEET_LOOKBACK_S) * 1000)
            found = consumer.offsets_for_times(dict.fromkeys(fleets, since_ms))
            ends = consumer.end_offsets(fleets)
            for place in fleets:
                consumer.seek(place, ends[place] if found.get(place) is None else found[place].offset)
            newest = {place: {} for place in logs + fleets}
            written: dict[TopicPartition, int] = {}
            deadline = time.monotonic() + _GIVEN_UP_S
            while time.monotonic() < deadline:
                for place, records in consumer.poll(timeout_ms=200).items():
                    for record in records:
                        newest[place][record.offset if place.topic == topics.fleet else record.key] = record
                for place in newest:
                    if place not in written and (end := consumer.highwater(place)) is not None:
                        written[place] = end
                if all(place in written and consumer.position(place) >= written[place] for place in newest):
                    break
            else:
                raise BrokerError(f"what is open could not be read to its end within {_GIVEN_UP_S:g} s")
    finally:
        with broker_errors("cannot disconnect"):
            consumer.close()
    return [
        (place, [record for record in records.values() if record.value is not None])
        for place, records in newest.items()
    ]
