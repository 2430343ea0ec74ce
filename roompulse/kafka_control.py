"""Writes a control record to every partition of the input topic, in one transaction: all are told, or none."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from roompulse.errors import BrokerError, InputError
from roompulse.kafka_client import TRANSACTION_WAIT_S, discard_producer, make_producer, started
from roompulse.kafka_errors import broker_errors
from roompulse.kafka_topics import describe_topics
from roompulse.settings import Settings
from roompulse.topics import CONTROL_SCHEMA, SCHEMA_HEADER, Topics

_FRAME_BYTES = 200
"""More than what Kafka puts around a single record: the limit of a topic is on both."""

Tell = Callable[[bytes], int]
"""Sends the value of a control record to every partition and returns how many there are.

Raises BrokerError; InputError where the topic does not take so large a record.
"""


@contextmanager
def control_teller(settings: Settings) -> Iterator[Tell]:
    """Connect, and give what tells every partition. Raises BrokerError before anything is sent where that cannot be.

    All who tell a topic share one transactional id: whoever comes next ends what a killed one left open, for which the
    scorers would have to wait.
    """
    topic = Topics(settings.topic_prefix).minutes
    (state,) = describe_topics(settings, [topic])
    if not state.partitions:
        raise BrokerError(f"topic {topic} does not exist (`roompulse topics create` makes it)")
    limit = int(state.config.get("max.message.bytes", 1 << 62))
    producer = make_producer(settings, f"{topic}-control")

    def tell(value: bytes) -> int:
        if len(value) + _FRAME_BYTES > limit:
            raise InputError(
                f"the record has {len(value):,} bytes, and topic {topic} takes {limit:,} (max.message.bytes)"
            )
        _send_all(producer, topic, value, state.partitions)
        return state.partitions

    try:
        _within(f"cannot write to {topic}", started(producer.init_transactions))
        yield tell
    finally:
        discard_producer(producer)


def _send_all(producer: Any, topic: str, value: bytes, partitions: int) -> None:
    """Send to each partition in one transaction. Raises BrokerError; then nobody is told, or the answer was lost."""
    doing = f"cannot write to {topic}"
    headers = [(SCHEMA_HEADER, CONTROL_SCHEMA.encode())]
    try:
        with broker_errors(doing):
            producer.begin_transaction()
            sent = [producer.send(topic, value, None, headers, partition) for partition in range(partitions)]
            producer.flush(timeout=TRANSACTION_WAIT_S)
            for record in sent:
                record.get(timeout=0)
    except BrokerError:
        with contextlib.suppress(BrokerError):
            _within(doing, started(producer.abort_transaction), TRANSACTION_WAIT_S / 4)
        raise
    _within(f"{doing}: no clear answer to the commit", started(producer.commit_transaction))


def _within(doing: str, outcome: Future[None], wait_s: float = TRANSACTION_WAIT_S) -> None:
    """Wait for a transactional call, which of itself never gives up. Raises BrokerError."""
    try:
        with broker_errors(doing):
            outcome.result(wait_s)
    except TimeoutError as error:
        raise BrokerError(f"{doing}: no answer for {wait_s:g} s") from error
