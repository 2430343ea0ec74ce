"""Many records for one partition at once, through kafka-python: a quarter of what its `send` costs for each of them.

`KafkaProducer.send` (3.0.12) looks up metadata, checks, locks and makes a future for every record: 16 us of CPU, a
third of what scoring an event takes. Here a partition's records go straight into the batches that its sender drains,
under one lock for each batch, and what became of them is asked of the batches. This reaches into the client's own
parts; the contract tests and the crash matrix run over it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from kafka import TopicPartition
from kafka.producer.producer_batch import ProducerBatch
from kafka.record.memory_records import MemoryRecordsBuilder

from scorer.ports import Output


def give_all(producer: Any, at: TopicPartition, outputs: Sequence[Output]) -> list[ProducerBatch]:
    """Hand over `outputs`, all for `at`, in order; returns the batches that hold them.

    The partition has to be in the transaction already, by a record given to `send`. Waits for nothing.
    """
    accumulator = producer._accumulator
    batches: list[ProducerBatch] = []
    done = 0
    while done < len(outputs):
        accumulator._appends_in_progress.increment()
        try:
            with accumulator._tp_lock(at):
                waiting = accumulator._batches[at]
                if not waiting or (taken := _fill(waiting[-1], outputs, done)) == 0:
                    waiting.append(_new_batch(accumulator, at, outputs[done]))
                    accumulator._incomplete.add(waiting[-1])
                    taken = 1 + _fill(waiting[-1], outputs, done + 1)
                if not batches or batches[-1] is not waiting[-1]:
                    batches.append(waiting[-1])
        finally:
            accumulator._appends_in_progress.decrement()
        done += taken
        producer._sender.wakeup()
    return batches


def was_split(batch: ProducerBatch) -> bool:
    """Whether a batch has been cut up, being too large for its topic; what it held is in others then."""
    return bool(batch.produce_future.wait(0)) and not batch.produce_future.is_done


def failure_of(batch: ProducerBatch) -> BaseException | None:
    """Why a batch that is over was not written; None where it was."""
    _, _, failed = batch.produce_future.value
    return None if failed is None else failed(0)


def _fill(batch: ProducerBatch, outputs: Sequence[Output], start: int) -> int:
    """Put outputs from `start` on into a batch until it is full; returns how many it took."""
    append, number = batch.records.append, start
    for number in range(start, len(outputs)):
        _, _, key, value, headers = outputs[number]
        if append(None, key, value, headers) is None:
            break
    else:
        number = len(outputs)
    batch.last_append = time.monotonic()
    return number - start


def _new_batch(accumulator: Any, at: TopicPartition, output: Output) -> ProducerBatch:
    """A batch that begins with this record. It alone has a future: with none, nobody would be told of a split."""
    config = accumulator.config
    records = MemoryRecordsBuilder(config["message_version"], config["compression_attrs"], config["batch_size"])
    batch = ProducerBatch(at, records)
    batch.try_append(None, output.key, output.value, output.headers)
    return batch
