"""Reads topics from Kafka: committed records only, without a group, so that nobody else notices."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from kafka import TopicPartition

from roompulse.errors import BrokerError, UsageError
from roompulse.kafka_client import make_consumer
from roompulse.kafka_errors import broker_errors
from roompulse.minutes import parse_clock
from roompulse.settings import Settings
from roompulse.topics import MINUTE_SCHEMA, SCHEMA_HEADER
from watch.feed import MINUTES, Seen

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Since:
    """Where reading starts: at the first record written at `written_ms` or later; None is the end as it is now."""

    written_ms: int | None


EARLIEST, LATEST = Since(0), Since(None)


def parse_since(text: str, now_s: float | None = None) -> Since:
    """Read `earliest`, `latest`, an RFC 3339 time, or how long ago: 90s, 10m, 2h, 1d. Raises UsageError."""
    if text in {"earliest", "latest"}:
        return EARLIEST if text == "earliest" else LATEST
    if text[-1:] in _UNITS_S and text[:-1].isascii() and text[:-1].isdigit():
        ago_s = int(text[:-1]) * _UNITS_S[text[-1]]
        return Since(max(0, int(((time.time() if now_s is None else now_s) - ago_s) * 1000)))
    try:
        return Since(parse_clock(text))
    except ValueError as error:
        raise UsageError(f"--since: got {text!r}: expected earliest, latest, 10m, 2h, or a time: {error}") from None


class KafkaFeed:
    """Follows topics. Raises BrokerError where Kafka cannot be reached or a topic is missing."""

    def __init__(self, settings: Settings, topics: Mapping[str, str], since: Since) -> None:
        """`topics` gives each kind its topic's name."""
        self._kinds = {name: kind for kind, name in topics.items()}
        self._consumer = make_consumer(settings, max_poll_records=5000)
        try:
            with broker_errors("cannot start reading"):
                self._start(since)
        except BaseException:
            self._consumer.close()
            raise

    def _start(self, since: Since) -> None:
        places = []
        for name in self._kinds:
            partitions = self._consumer.partitions_for_topic(name)
            if not partitions:
                raise BrokerError(f"topic {name} does not exist (`roompulse topics create` makes it)")
            places += [TopicPartition(name, number) for number in sorted(partitions)]
        self._consumer.assign(places)
        if since == EARLIEST:
            self._consumer.seek_to_beginning(*places)
        else:
            ends = self._consumer.end_offsets(places)
            found = {}
            if since.written_ms is not None:
                found = self._consumer.offsets_for_times(dict.fromkeys(places, since.written_ms))
            for place in places:
                first = found.get(place)
                self._consumer.seek(place, ends[place] if first is None else first.offset)
        self._places = places

    def poll(self, max_wait_s: float) -> list[Seen]:
        """The next committed records."""
        with broker_errors("cannot read"):
            polled = self._consumer.poll(timeout_ms=int(max_wait_s * 1000))
        return [
            Seen(kind, record.value, record.timestamp / 1000)
            for place, records in polled.items()
            for kind in (self._kinds[place.topic],)
            for record in records
            if record.value is not None and (kind != MINUTES or _is_minute(record.headers))
        ]

    def at_end(self) -> bool:
        """Whether everything committed by now has been read."""
        return not self.behind()

    def behind(self) -> int:
        """How many offsets lie between what has been read and what is committed by now."""
        with broker_errors("cannot read"):
            ends = self._consumer.end_offsets(self._places)
            return sum(max(end - int(self._consumer.position(place)), 0) for place, end in ends.items())

    def close(self) -> None:
        """Disconnect."""
        with broker_errors("cannot disconnect"):
            self._consumer.close()


def _is_minute(headers: list[tuple[str, bytes]]) -> bool:
    """Whether a record of the input topic is a room-minute: clocks and the like share the topic."""
    return dict(headers).get(SCHEMA_HEADER, MINUTE_SCHEMA.encode()) == MINUTE_SCHEMA.encode()
