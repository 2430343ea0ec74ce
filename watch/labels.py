"""`roompulse labels --out FILE`: what people said of alerts, with the alerts, as a CSV file."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from kafka import TopicPartition

from roompulse.errors import BrokerError, RecordError
from roompulse.history import say_on_stderr
from roompulse.kafka_client import make_consumer
from roompulse.kafka_errors import broker_errors
from roompulse.labels import VERDICT_HEADER, guarded
from roompulse.records import Alert, decode_with
from roompulse.settings import KAFKA, Settings, add_settings, load_settings
from roompulse.summary import add_json, print_summary
from roompulse.text_file import new_text_file
from roompulse.topics import FEEDBACK_SCHEMA, SCHEMA_HEADER, Topics
from roompulse.words import VERDICTS, Feedback, decode_feedback

POLL_S = 0.5
_alert = msgspec.json.Decoder(Alert)

EXAMPLES = """\
examples:
  roompulse labels --out labels.csv
  roompulse backtest history.csv --labels labels.csv --out judged"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the new CSV file (.gz packs it)")
    add_settings(parser, *KAFKA, "topic_prefix", "connect_timeout_s")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Read both topics up to their ends as of now, and write the file. Returns 0. Raises RoomPulseError."""
    settings = load_settings(args)
    topics = Topics(settings.topic_prefix)
    found = Verdicts()
    with new_text_file(args.out) as file:  # before the topics are read, not after
        for record in records_up_to_now(settings, topics.minutes):
            found.take_input(record.key, record.value, dict(record.headers))
        for record in records_up_to_now(settings, topics.alerts):
            found.take_alert(record.value)
        rows = found.rows()
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(VERDICT_HEADER)
        lines.writerows([guarded(cell) for cell in row] for row in rows)
    lost = len(found.newest) - len(rows)
    if lost:
        say_on_stderr(f"{lost} verdicts left out: {topics.alerts} has no such alert of their rooms (any more)")
    if found.unreadable:
        say_on_stderr(f"{found.unreadable} records of {topics.alerts} cannot be read: RoomPulse did not write them")
    counts = {verdict: sum(row[3] == verdict for row in rows) for verdict in VERDICTS}
    print_summary({"labels": len(rows)} | counts | {"left_out": lost, "out": str(args.out)}, as_json=args.json)
    return 0


@dataclass(slots=True)
class Verdicts:
    """The newest verdict on each alert, and the alerts that they are of, by room and alert id."""

    newest: dict[tuple[str, str], Feedback] = field(default_factory=dict)
    unreadable: int = 0
    """Records of the alert topic that are no alerts."""
    _alerts: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def take_input(self, key: bytes | None, value: bytes | None, headers: dict[str, bytes | None]) -> None:
        """Take in a record of the input topic; what is no verdict, or what the scorer refused, is passed over."""
        if headers.get(SCHEMA_HEADER) != FEEDBACK_SCHEMA.encode() or value is None:
            return
        try:
            feedback = decode_feedback(value)
        except RecordError:
            return  # it lies on the topic of dead letters, with the reason
        if key == feedback.room_id.encode():
            self.newest[feedback.room_id, feedback.alert_id] = feedback

    def take_alert(self, value: bytes | None) -> None:
        """Take in a record of the alert topic: any of an alert's records says when it opened."""
        if value is None:
            return
        try:
            alert = decode_with(_alert, value)
        except RecordError:
            self.unreadable += 1
            return
        place = alert.room_id, alert.alert_id
        if place in self.newest:
            self._alerts[place] = alert.kind, alert.opened

    def rows(self) -> list[tuple[str, str, str, str, str, str]]:
        """The file's rows, by room, opening and kind."""
        found = []
        for place, feedback in self.newest.items():
            if (alert := self._alerts.get(place)) is not None:
                kind, opened = alert
                found.append((place[0], kind, opened, feedback.verdict, feedback.note or "", place[1]))
        return sorted(found, key=lambda row: (row[0], row[2], row[1]))


def records_up_to_now(settings: Settings, topic: str) -> Iterator[Any]:
    """Every committed record of a topic, from the first one kept to the ends as of the start. Raises BrokerError."""
    consumer = make_consumer(settings, max_poll_records=5000)
    try:
        with broker_errors(f"cannot read {topic}"):
            partitions = consumer.partitions_for_topic(topic)
            if not partitions:
                raise BrokerError(f"topic {topic} does not exist (`roompulse topics create` makes it)")
            places = [TopicPartition(topic, number) for number in sorted(partitions)]
            consumer.assign(places)
            ends = consumer.end_offsets(places)
            consumer.seek_to_beginning(*places)
        while True:
            with broker_errors(f"cannot read {topic}"):
                if all(consumer.position(place) >= ends[place] for place in places):
                    return
                polled = consumer.poll(timeout_ms=int(POLL_S * 1000))
            for place, records in polled.items():
                yield from (record for record in records if record.offset < ends[place])
    finally:
        with broker_errors("cannot disconnect"):
            consumer.close()
