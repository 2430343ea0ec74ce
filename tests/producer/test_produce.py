"""`roompulse produce` on a real Kafka."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from producer.publisher import KafkaPublisher, kafka_publisher
from roompulse.cli import main
from roompulse.errors import BrokerError
from roompulse.history import HistoryOptions, encode_row, read_history
from roompulse.kafka_client import make_consumer, make_producer
from roompulse.local_server import free_port
from roompulse.minutes import QUIET_MINUTES, format_minute
from roompulse.settings import Settings
from roompulse.simulation import SimulationSettings, simulate
from roompulse.topics import Topics
from tests.require import shared_data
from tests.services.kafka import Kafka


@pytest.fixture
def settings(kafka: Kafka) -> Settings:
    """Settings with a topic prefix of their own."""
    return Settings(bootstrap_servers=kafka.address, topic_prefix=f"{uuid.uuid4().hex[:8]}.", partitions=3)


def flags(settings: Settings) -> list[str]:
    """The settings as a command's flags."""
    where = ["--bootstrap-servers", settings.bootstrap_servers, "--topic-prefix", settings.topic_prefix]
    return [*where, "--partitions", str(settings.partitions)]


def consume(settings: Settings) -> list[Any]:
    """All records on the topic of room-minutes, partition by partition."""
    from kafka import TopicPartition

    topic = Topics(settings.topic_prefix).minutes
    consumer = make_consumer(settings, auto_offset_reset="earliest")
    partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    records: list[Any] = []
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for batch in consumer.poll(timeout_ms=1000).values():
            records += batch
    consumer.close()
    return sorted(records, key=lambda record: (record.partition, record.offset))


def test_each_row_arrives_once_on_the_partition_of_its_room(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Clones of the platform's export: same bytes as the rows, one partition a room, in time order, clocks last."""
    history = str(shared_data("douyin_predict", "predict.csv"))
    started = time.time()
    assert main(["produce", history, "--speed", "max", "--rooms", "5", "--json", *flags(settings)]) == 0
    said = capsys.readouterr()
    summary = json.loads(said.out.splitlines()[-1])
    assert (summary["rows_read"], summary["events_sent"], summary["clocks_sent"]) == (696, 5 * 696, 3)
    assert f"created {settings.topic_prefix}live.room.minutes" in said.err
    records = consume(settings)
    minutes = [record for record in records if record.key is not None]
    rooms: dict[bytes, list[Any]] = {}
    for record in minutes:
        rooms.setdefault(record.key, []).append(record)
    originals = [row.record.minute for row in read_history([history], HistoryOptions())]
    assert sorted(rooms) == [f"predict-000{number}".encode() for number in range(1, 6)]
    for sent in rooms.values():
        assert len({record.partition for record in sent}) == 1
        assert [msgspec.json.decode(record.value)["minute"] for record in sent] == originals
        assert all(dict(record.headers)["clock"].decode() == at for record, at in zip(sent, originals, strict=True))
        assert all(record.timestamp >= started * 1000 - 1000 for record in sent), "Kafka's timestamp is the wall clock"
    last_row = list(read_history([history], HistoryOptions()))[-1]
    over = format_minute(last_row.minute.epoch + QUIET_MINUTES, 480)
    for partition in range(3):
        last = [record for record in records if record.partition == partition][-1]
        assert last.key is None
        assert msgspec.json.decode(last.value) == {"minute": over}


def test_the_room_decides_the_partition_as_in_every_kafka_client(settings: Settings, tmp_path: Path) -> None:
    """murmur2 of the key, the published values of Kafka's own partitioner."""
    history = tmp_path / "h.csv"
    names = ["21", "foobar", "a-little-bit-long-string", "直播间"]
    lines = [f"{name},2024-01-01 10:00,1\n" for name in names]
    history.write_text("room_id,minute,watch_ucnt\n" + "".join(lines), encoding="utf-8")
    assert main(["produce", str(history), "--speed", "max", "--no-clock", *flags(settings)]) == 0
    found = {record.key.decode(): record.partition for record in consume(settings)}
    # From org.apache.kafka.common.utils.UtilsTest: murmur2("21") etc., made positive, modulo the partitions.
    known = {"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536}
    assert {name: (value & 0x7FFFFFFF) % 3 for name, value in known.items()} == {name: found[name] for name in known}


def test_the_same_bytes_go_onto_the_topic_as_into_a_backtest(settings: Settings) -> None:
    """The bilibili sessions, record by record."""
    history = str(shared_data("bilibili_live_2019", "sessions_minutes.csv"))
    columns = "room_id=room_id,minute=minute,watch_ucnt=danmaku"
    assert main(["produce", history, "--columns", columns, "--speed", "max", *flags(settings)]) == 0
    rows = read_history([history], HistoryOptions(columns={"watch_ucnt": "danmaku"}))
    assert sorted((r.key, r.value) for r in consume(settings) if r.key is not None) == sorted(map(encode_row, rows))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_replay_says_what_it_sent(settings: Settings, number: signal.Signals, code: int) -> None:
    """Ctrl-C and SIGTERM: the summary counts what is on the topic, and there are no clocks."""
    command = [sys.executable, "-m", "roompulse", "produce", str(shared_data("douyin_predict", "predict.csv"))]
    process = subprocess.Popen(
        [*command, "--speed", "1200", "--json", *flags(settings)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    assert b"created" in process.stderr.readline()
    time.sleep(1.5)
    os.kill(process.pid, number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == code
    assert json.loads(out)["events_sent"] == len(consume(settings)) > 0


def test_without_a_broker_the_error_is_clear_and_quick(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Within the connect timeout, with the address, exit code 1."""
    history = tmp_path / "h.csv"
    history.write_text("room_id,minute,watch_ucnt\na,2024-01-01 10:00,1\n")
    address = f"127.0.0.1:{free_port()}"
    started = time.monotonic()
    assert main(["produce", str(history), "--bootstrap-servers", address, "--connect-timeout-s", "2"]) == 1
    assert time.monotonic() - started < 10
    assert f"cannot reach Kafka at {address}" in capsys.readouterr().err


def test_nothing_to_replay_is_a_failure(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file whose rows are all bad does not end in a quiet success."""
    history = tmp_path / "h.csv"
    history.write_text("room_id,minute,watch_ucnt\na,2024-01-01 10:00,nan\n")
    assert main(["produce", str(history), "--speed", "max", *flags(settings)]) == 1
    said = capsys.readouterr().err
    assert "h.csv, line 2, column watch_ucnt: got 'nan'" in said
    assert "no row to replay" in said
    assert consume(settings) == []


def test_a_record_that_cannot_be_delivered_is_an_error(settings: Settings) -> None:
    """The broker refuses a record beyond the topic's limit: said at the flush at the latest."""
    with kafka_publisher(settings) as publisher:
        publisher.send(b"a", os.urandom(3_000_000), [])
        with pytest.raises(BrokerError, match=r"did not reach .*live\.room\.minutes"):
            publisher.flush()


def test_a_topic_that_must_not_be_created_is_asked_for(settings: Settings) -> None:
    """With --no-create-topics the error says what to do."""
    with (
        pytest.raises(BrokerError, match="does not exist"),
        kafka_publisher(replace(settings, create_topics=False)),
    ):
        pass


def test_a_flood_is_held_back(settings: Settings) -> None:
    """However fast records come, only so many are under way: memory stays bounded."""
    with kafka_publisher(settings):
        pass
    producer = make_producer(settings)
    publisher = KafkaPublisher(producer, Topics(settings.topic_prefix).minutes)
    for number in range(60_000):
        publisher.send(b"%d" % (number % 100), os.urandom(1000), [])
        assert len(publisher._marks) <= 33
    publisher.flush()
    producer.close()
    assert len(consume(settings)) == 60_000


def test_a_streamed_simulation_is_the_simulation(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The records of the same seed, each with the minute of its delivery as its clock, and the labels beside them."""
    labels = tmp_path / "labels.csv"
    wanted = ["--rooms", "20", "--minutes", "60", "--seed", "9", "--late-rate", "0.1", "--continuous"]
    command = ["simulate", *wanted, "--surges-per-room-hour", "2", "--labels", str(labels), "--speed", "max", "--json"]
    assert main([*command, *flags(settings)]) == 0
    summary = json.loads(capsys.readouterr().out)
    simulated = SimulationSettings(rooms=20, minutes=60, seed=9, late_rate=0.1, continuous=True, surges_per_room_hour=2)
    expected = [
        (*encode_row(row), format_minute(*delivery.minute).encode())
        for delivery in simulate(simulated)
        for row in delivery.rows
    ]
    sent = [(r.key, r.value, dict(r.headers)["clock"]) for r in consume(settings) if r.key is not None]
    assert sorted(sent) == sorted(expected)
    assert summary["events_sent"] == len(expected)
    assert len(labels.read_text().splitlines()) - 1 == summary["surges"] + summary["slumps"] > 0
