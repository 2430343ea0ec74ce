"""What one poll of confluent-kafka gave, put in order: messages and ends by partition, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from operator import methodcaller
from typing import Any

from confluent_kafka import KafkaError

from scorer.ports import Batch, Headers, Message

NO_PARTITION = -1
"""Where an error belongs to no partition."""

NOT_HELD = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}
"""The topic does not hold the offset."""

UNREADABLE: Headers = [("schema", b"unreadable headers")]

_NOT_STARTED = 1 << 62

_headers = methodcaller("headers")
"""The library returns a broken list and leaves its error behind; called like this, that is found at once."""


def batches_of(
    found: Iterable[Any], positions: MutableMapping[int, int], troubles: MutableMapping[int, KafkaError]
) -> dict[int, Batch]:
    """The batches of the partitions in `positions`, which move on; the first error of each goes into `troubles`.

    What comes after an error of its partition is left out: something before it may be missing.
    """
    messages: dict[int, list[Message]] = {}
    reached: dict[int, int] = {}
    for record in found:
        partition, offset, error = record.partition(), record.offset(), record.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                if partition not in troubles:
                    reached[partition] = offset
            elif partition is None or partition < 0:
                troubles.setdefault(NO_PARTITION, error)
            elif partition in positions:  # before its start nobody asked for an offset
                troubles.setdefault(partition, error)
        # One that was revoked by the same poll has no position any more.
        elif offset >= positions.get(partition, _NOT_STARTED) and partition not in troubles:
            messages.setdefault(partition, []).append(
                Message(offset, record.timestamp()[1], record.key(), record.value(), headers_of(record))
            )
            reached[partition] = offset + 1
    return _moved(messages, reached, positions)


def headers_of(record: Any) -> Headers:
    """The headers of a record. The library cannot give a name that is no text: then a schema that nobody knows."""
    try:
        return _headers(record) or ()
    except (SystemError, UnicodeDecodeError):
        return UNREADABLE


def _moved(
    messages: Mapping[int, list[Message]], reached: Mapping[int, int], positions: MutableMapping[int, int]
) -> dict[int, Batch]:
    batches = {}
    for partition, position in reached.items():
        if position > positions.get(partition, _NOT_STARTED):
            positions[partition] = position
            batches[partition] = Batch(messages.get(partition, []), position)
    return batches
