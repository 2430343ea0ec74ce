"""What somebody or something does to a live installation besides sending room-minutes."""

from __future__ import annotations

import json

from roompulse.bundle import Bundle, default_bundle, load_bundle
from roompulse.control import PLAIN, Challenge, Control, FollowModel, ServeForecast
from roompulse.kafka_client import make_producer
from roompulse.records import encode
from roompulse.settings import Settings
from roompulse.topics import CONTROL_SCHEMA, SCHEMA_HEADER
from tests.journeys.live import Live

REFUSED = (b"room c-3 has 12 viewers", b'{"room_id":"c-3","metrics":{"watch_ucnt":1}}') * 20


def refuse(live: Live) -> None:
    """Records that have to be dead letters, for two reasons, and many enough for the rule."""
    producer = make_producer(Settings(bootstrap_servers=live.bootstrap))
    for value in REFUSED:
        producer.send(live.topics.minutes, value, b"c-3")
    producer.flush(timeout=30)
    producer.close(timeout=5)


def promote(live: Live, champion: Bundle, partitions: int) -> None:
    """Make a bundle the champion, and try the shipped one in its shadow."""
    shipped = load_bundle(default_bundle())
    told = (FollowModel(champion.hash, champion.label, spread_minutes=2), Challenge(shipped.hash, shipped.label))
    for partition in range(partitions):
        _control(live, partition, *told)


def serve_plain(live: Live, partition: int) -> None:
    """Demote the network of a partition."""
    _control(live, partition, ServeForecast(PLAIN))


def have_a_say(live: Live) -> None:
    """Two verdicts and a snooze, on alerts that are told by then."""
    told = [json.loads(lines[0]) for lines in live.by_room(live.topics.alerts).values()]
    for alert, verdict in zip(told, ("useful", "noise"), strict=False):
        asked = ("--room", alert["room_id"], "--verdict", verdict)
        live.must("feedback", alert["alert_id"], *asked, *broker_of(live))
    live.must("snooze", told[-1]["room_id"], "--for", "1h", *broker_of(live))


def broker_of(live: Live) -> tuple[str, ...]:
    """The options that lead a command to the installation's topics."""
    return ("--bootstrap-servers", live.bootstrap, "--topic-prefix", live.topics.prefix)


def _control(live: Live, partition: int, *controls: Control) -> None:
    producer = make_producer(Settings(bootstrap_servers=live.bootstrap))
    headers = [(SCHEMA_HEADER, CONTROL_SCHEMA.encode())]
    for control in controls:
        producer.send(live.topics.minutes, encode(control), None, headers, partition)
    producer.flush(timeout=30)
    producer.close(timeout=5)
