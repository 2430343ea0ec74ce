"""The floor: a loop that only consumes, decodes, encodes and produces, in transactions, straight on a Kafka client.

    python -m bench.scale.bare --client confluent --bootstrap-servers H:P --topic IN --output OUT --like FORECASTS ...

Client settings, decoder, encoder and the records' shape are the scorer's; the numbers come from real forecasts on the
topic `--like`. Nothing is kept, nothing is checked beyond what the client and the decoder raise. Runs until SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from kafka.structs import OffsetAndMetadata

from bench.scale.probe import committed_reader
from roompulse.kafka_client import make_consumer, make_producer
from roompulse.records import Forecast, decode_minute, encode
from roompulse.settings import Settings
from roompulse.stop_signal import StopSignal
from roompulse.topics import FORECAST_SCHEMA, SCHEMA_HEADER
from scorer.adapters.confluent_client import BATCH_BYTES, consumer_config, producer_config

POLL_S = 0.2
ANSWER_S = 30.0
EXAMPLES = 1000
_HEADERS: list[tuple[str, str | bytes | None]] = [(SCHEMA_HEADER, FORECAST_SCHEMA.encode())]


@dataclass(frozen=True, slots=True)
class Job:
    """From `topic` to `output`, as `settings.group_id`, at most `settings.max_batch` in a transaction.

    `answer` makes the bytes of a forecast from those of a room-minute.
    """

    settings: Settings
    topic: str
    output: str
    answer: Callable[[bytes], bytes]


def main() -> int:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--client", "--bootstrap-servers", "--topic", "--output", "--like", "--group"):
        parser.add_argument(name, required=True)
    parser.add_argument("--max-batch", type=int, required=True)
    args = parser.parse_args()
    settings = Settings(bootstrap_servers=args.bootstrap_servers, group_id=args.group, max_batch=args.max_batch)
    job = Job(settings, args.topic, args.output, answer_like(examples(args.bootstrap_servers, args.like)))
    loop = through_confluent if args.client == "confluent" else through_kafka_python
    stopping = StopSignal()
    events = loop(job, lambda: stopping.asked)
    print(json.dumps({"events_in": events}))
    return 0


def examples(bootstrap_servers: str, topic: str) -> list[Forecast]:
    """Some forecasts of the first partition."""
    consumer = committed_reader(bootstrap_servers)
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    values = [message.value() for message in consumer.consume(EXAMPLES, 5.0) if message.error() is None]
    consumer.close()
    return [msgspec.json.decode(value, type=Forecast) for value in values if value is not None]


def answer_like(forecasts: list[Forecast]) -> Callable[[bytes], bytes]:
    """Decode a room-minute and encode a forecast for it, with the numbers of these in turn."""
    following = cycle(forecasts)

    def answer(value: bytes) -> bytes:
        record, like = decode_minute(value), next(following)
        return encode(Forecast(record.room_id, record.minute, like.model, like.quantiles))

    return answer


def through_confluent(job: Job, stop: Callable[[], bool]) -> int:
    """The loop over confluent-kafka; returns the number of events."""
    reading = {"auto.offset.reset": "earliest", "enable.partition.eof": False}
    consumer = Consumer(consumer_config(job.settings, ANSWER_S) | reading)
    producer = Producer(producer_config(job.settings, job.settings.group_id, BATCH_BYTES))
    producer.init_transactions(ANSWER_S)
    consumer.subscribe([job.topic])
    events = 0
    while not stop():
        first = consumer.poll(POLL_S)
        if first is None:
            continue
        producer.begin_transaction()
        for message in [first, *consumer.consume(job.settings.max_batch - 1, 0)]:
            trouble, value, partition = message.error(), message.value(), message.partition()
            if trouble is not None or value is None or partition is None:
                raise KafkaException(trouble)
            producer.produce(job.output, job.answer(value), message.key(), partition, headers=_HEADERS)
            events += 1
        positions = consumer.position(consumer.assignment())
        producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), ANSWER_S)
        producer.commit_transaction(ANSWER_S)
    consumer.close()
    return events


def through_kafka_python(job: Job, stop: Callable[[], bool]) -> int:
    """The loop over kafka-python; returns the number of events."""
    consumer: Any = make_consumer(job.settings, job.settings.group_id, auto_offset_reset="earliest")
    producer: Any = make_producer(job.settings, job.settings.group_id)
    producer.init_transactions()
    consumer.subscribe([job.topic])
    events = 0
    while not stop():
        found = consumer.poll(int(POLL_S * 1000), job.settings.max_batch)
        if not found:
            continue
        producer.begin_transaction()
        for at, messages in found.items():
            for message in messages:
                producer.send(job.output, job.answer(message.value), message.key, _HEADERS, at.partition)
            events += len(messages)
        positions = {at: OffsetAndMetadata(consumer.position(at), "", -1) for at in found}
        producer.send_offsets_to_transaction(positions, consumer.group_metadata())
        producer.commit_transaction()
    producer.close()
    consumer.close(autocommit=False)
    return events


if __name__ == "__main__":
    sys.exit(main())
