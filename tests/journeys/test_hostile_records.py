"""Bad records between good ones, on real Kafka and Redis: each becomes a dead letter, and nothing else changes."""

from __future__ import annotations

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Producer
from kafka import KafkaAdminClient

from tests.asyncapi import Document
from tests.journeys.bad_records import BAD, BY_KEY, Bad, noise
from tests.journeys.good_rooms import Sent, clock_after, records_of, write_history
from tests.journeys.live import Live, backtest, lines_by_room
from tests.journeys.running import RunningScorer
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer

PARTITIONS = 2
LARGEST = 8 * 1024 * 1024
LETTER_LIMIT = 1_000_000


class Hostile(NamedTuple):
    """One run: where each bad record lay, what the metrics and the summary said, and the quiet run's results."""

    live: Live
    places: dict[tuple[int, int], Bad]
    good: int
    dead_by_reason: dict[str, float]
    summary: dict[str, Any]
    quiet: Path


@pytest.fixture(scope="module")
def hostile(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    """Good rooms with every bad record in between, scored live; the good rooms alone, backtested."""
    folder = tmp_path_factory.mktemp("hostile")
    history = folder / "history.csv"
    write_history(history)
    quiet = folder / "quiet"
    backtest(quiet, str(history), "--partitions", str(PARTITIONS))
    with RedisServer() as redis:
        live = Live(kafka.address, redis.url, f"h{uuid.uuid4().hex[:8]}.")
        _create_topics(live)
        command = live.score_command("--partitioner", "murmur2")
        with RunningScorer(command, folder / "scorer") as scorer:
            scorer.until_ready()
            good, places = _send(live, history)
            scorer.until_events(good + len(places))
            dead_by_reason = scorer.metric("roompulse_dead_letters_total")
            summary = scorer.stop()
        yield Hostile(live, places, good, dead_by_reason, summary, quiet)


def _create_topics(live: Live) -> None:
    """All topics, the input with room for large records; the dead letters keep the usual limit."""
    admin = KafkaAdminClient(bootstrap_servers=live.bootstrap)
    config = {"max.message.bytes": str(LARGEST)}
    admin.create_topics(
        {live.topics.minutes: {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": config}}
    )
    admin.close()
    live.create_topics(PARTITIONS)


def _send(live: Live, history: Path) -> tuple[int, dict[tuple[int, int], Bad]]:
    """Send everything; returns how many good ones there are and where the bad ones lie."""
    good = list(records_of(history))
    # Legitimate, if unusual: unknown fields are ignored, whatever their size.
    good[20] = good[20]._replace(value=good[20].value[:-1] + f',"note":"{noise(5_000_000)}"}}'.encode())
    # This client sends what kafka-python's refuses to: headers without a value, and no key and no value at all.
    producer = Producer(
        {"bootstrap.servers": live.bootstrap, "partitioner": "murmur2_random", "message.max.bytes": LARGEST}
    )
    waiting, every = list(BAD), len(good) // len(BAD)
    places: dict[tuple[int, int], Bad] = {}

    def send(sent: Sent | Bad, partition: int) -> None:
        def delivered(error: object, message: Any) -> None:
            assert error is None, error
            if isinstance(sent, Bad):
                places[message.partition(), message.offset()] = sent

        headers: list[tuple[str, str | bytes | None]] = list(sent.headers)
        producer.produce(
            live.topics.minutes, sent.value, sent.key, partition=partition, headers=headers, on_delivery=delivered
        )
        producer.poll(0)

    for number, record in enumerate(good):
        send(record, BY_KEY)
        if number % every == every - 1 and waiting:
            bad = waiting.pop(0)
            send(bad, 0 if bad.key is None else bad.partition)
    for partition in range(PARTITIONS):
        send(clock_after(history), partition)
    assert producer.flush(60) == 0
    assert len(places) == len(BAD)
    return len(good), places


def _letters(hostile: Hostile) -> Iterator[tuple[Bad, Any, dict[str, bytes]]]:
    """Every bad record with its dead letter and that letter's headers, found by where the record lay."""
    found = {}
    for partition, records in hostile.live.records(hostile.live.topics.dead_letters).items():
        for record in records:
            headers = dict(record.headers)
            assert len(headers) == len(record.headers), "a header twice"
            assert int(headers["partition"]) == partition, "a letter lies on another partition than its record"
            found[partition, int(headers["offset"])] = record, headers
    assert found.keys() == hostile.places.keys()
    for place, bad in hostile.places.items():
        yield bad, *found[place]


def test_each_bad_record_has_one_letter_with_the_reason_and_what_was_expected(hostile: Hostile) -> None:
    """One letter for each, none for a good record: reason, field, what was got and what was expected."""
    for bad, _, headers in _letters(hostile):
        detail = headers["detail"].decode()
        assert (headers["reason"].decode(), bad.detail in detail) == (bad.reason, True), (bad.name, detail)
        field, _, rest = detail.partition(": ")
        assert field, (bad.name, detail)
        assert "got" in rest or "missing" in rest, (bad.name, detail)
        assert "expected" in rest.lower() or "out of range" in rest, (bad.name, detail)
        assert headers["topic"].decode() == hostile.live.topics.minutes
        assert not any(ord(character) < 32 for character in detail), "it may end up on a terminal"


def test_a_letter_holds_the_original_bytes(hostile: Hostile) -> None:
    """Key and value as they were; what is too large for the topic is cut, and says how long it was."""
    cut = set()
    for bad, letter, headers in _letters(hostile):
        if "truncated" not in headers:
            nothing = b"" if bad.key is None else None  # a record of no key and no value could not be written
            assert (letter.key, letter.value) == (bad.key, nothing if bad.value is None else bad.value), bad.name
            continue
        cut.add(bad.name)
        value, key = bad.value or b"", bad.key or b""
        assert int(headers["truncated"]) == len(value), bad.name
        assert value.startswith(letter.value), bad.name
        assert key.startswith(letter.key), bad.name
        assert min(len(value), LETTER_LIMIT) * 0.98 <= len(letter.key + letter.value) <= LETTER_LIMIT, bad.name
    assert cut == {"5 MB", "100,000 channels", "a key of 1 MB"}


def test_letters_keep_the_order_of_their_records(hostile: Hostile) -> None:
    """Within a partition the letters lie as the records lay."""
    for records in hostile.live.records(hostile.live.topics.dead_letters).values():
        offsets = [int(dict(record.headers)["offset"]) for record in records]
        assert offsets == sorted(offsets)


def test_the_good_rooms_are_forecast_as_if_nothing_had_happened(hostile: Hostile) -> None:
    """Forecasts, alerts and each partition's hotlist are those of a backtest of the good rooms alone."""
    live, quiet = hostile.live, hostile.quiet
    assert live.by_room(live.topics.forecasts) == lines_by_room(quiet / "forecasts.jsonl")
    alerts = lines_by_room(quiet / "alerts.jsonl")
    assert alerts, "a history without alerts shows little"
    assert live.by_room(live.topics.alerts) == alerts
    hotlists = defaultdict(list)
    for line in (quiet / "hotlist.jsonl").read_bytes().splitlines():
        hotlists[json.loads(line)["partition"]].append(line)
    assert {at: [value for _, value in found] for at, found in live.read(live.topics.hotlist).items()} == hotlists


def test_live_records_are_as_the_asyncapi_document_says(hostile: Hostile) -> None:
    """Every record on every output topic: headers, key and value."""
    document = Document(hostile.live.topics.prefix)
    seen = Counter[str]()
    for topic in hostile.live.topics.outputs:
        for records in hostile.live.records(topic).values():
            seen.update(document.check(topic, record.key, record.value, record.headers) for record in records)
    assert seen["forecast"] == hostile.good
    assert seen["deadLetter"] == len(BAD)
    too_few_rooms_for_it = {"fleetEvent"}
    inputs = {"roomMinute", "clock", "feedback", "snooze", "control"}
    assert seen.keys() == document.messages.keys() - inputs - too_few_rooms_for_it


def test_every_record_is_accounted_for(hostile: Hostile) -> None:
    """The metric counts by reason, the summary adds up."""
    given = {reason: count for reason, count in hostile.dead_by_reason.items() if count}
    assert given == Counter(bad.reason for bad in BAD)
    summary = hostile.summary
    counts = {name: summary[name] for name in ("events_in", "forecasts_out", "dead_letters", "late", "duplicate")}
    expected = {"events_in": hostile.good + len(BAD), "forecasts_out": hostile.good, "dead_letters": len(BAD)}
    assert counts == expected | {"late": 0, "duplicate": 0}
    assert summary["unaccounted"] == 0
