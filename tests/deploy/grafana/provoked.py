"""What somebody or something does to a live installation besides sending room-minutes."""

from __future__ import annotations

import json
from collections.abc import Iterable

from msgspec import Struct

from roompulse.bundle import Bundle, default_bundle, load_bundle
from roompulse.control import PLAIN, Challenge, FollowModel, ServeForecast
from roompulse.kafka_client import make_producer
from roompulse.records import encode
from roompulse.settings import Settings
from roompulse.topics import CONTROL_SCHEMA, FEEDBACK_SCHEMA, MINUTE_SCHEMA, SCHEMA_HEADER, SNOOZE_SCHEMA
from roompulse.words import NOISE, USEFUL, Feedback, Snooze
from tests.journeys.live import Live

REFUSED = (b"room c-3 has 12 viewers", b'{"room_id":"c-3","metrics":{"watch_ucnt":1}}') * 20

Sent = tuple[str, bytes, bytes | None, int | None]
"""Schema, value, key and partition of a record; without a partition the key decides."""


def refuse(live: Live) -> None:
    """Records that have to be dead letters, for two reasons, and many enough for the rule."""
    _send(live, ((MINUTE_SCHEMA, value, b"c-3", None) for value in REFUSED))


def promote(live: Live, champion: Bundle, partitions: int) -> None:
    """Make a bundle the champion of every partition, and try the shipped one in its shadow."""
    shipped = load_bundle(default_bundle())
    told = (FollowModel(champion.hash, champion.label, spread_minutes=2), Challenge(shipped.hash, shipped.label))
    _send(live, ((CONTROL_SCHEMA, encode(one), None, partition) for partition in range(partitions) for one in told))


def serve_plain(live: Live, partition: int) -> None:
    """Demote the network of a partition."""
    _send(live, [(CONTROL_SCHEMA, encode(ServeForecast(PLAIN)), None, partition)])


def have_a_say(live: Live) -> None:
    """Two verdicts and a snooze, on alerts that are told by then."""
    told = [json.loads(lines[0]) for lines in live.by_room(live.topics.alerts).values()]
    first, second, third = told[:3]
    words: list[tuple[str, Struct, str]] = [
        (FEEDBACK_SCHEMA, Feedback(alert["room_id"], alert["alert_id"], verdict), alert["room_id"])
        for alert, verdict in ((first, USEFUL), (second, NOISE))
    ]
    words.append((SNOOZE_SCHEMA, Snooze(third["room_id"], "2100-01-01T00:00:00Z"), third["room_id"]))
    _send(live, ((schema, encode(word), room.encode(), None) for schema, word, room in words))


def broker_of(live: Live) -> tuple[str, ...]:
    """The options that lead a command to the installation's topics."""
    return ("--bootstrap-servers", live.bootstrap, "--topic-prefix", live.topics.prefix)


def _send(live: Live, records: Iterable[Sent]) -> None:
    producer = make_producer(Settings(bootstrap_servers=live.bootstrap))
    for schema, value, key, partition in records:
        producer.send(live.topics.minutes, value, key, [(SCHEMA_HEADER, schema.encode())], partition)
    producer.flush(timeout=30)
    producer.close(timeout=5)
