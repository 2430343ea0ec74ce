"""The writing half of the event log over confluent-kafka: one transaction at a time, under one stable transactional id.

librdkafka looks at every delivery before it commits, limits its calls, and lets a commit without an answer be asked
about by calling it again. What it leaves to its caller, found by test against Apache Kafka 4.3:

- A producer that had an error may not go on: after a refused record its next transaction lacks sequence numbers. Here
  it is thrown away; its successor under the same transactional id first aborts whatever was left open.
- A commit that took too long ends in the same error whether the broker has taken the transaction back or carried it
  out: here that counts as unknown, and the group's offsets tell.
- Sending positions can take for ever, whatever limit it is given, once the group's coordinator has dropped out of the
  cluster's metadata (librdkafka issue 5511). Here it has a limit, and the producer is thrown away.
- It does not split a batch that is too large for its topic: whoever makes this says how large one may be.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from roompulse.errors import BrokerError, FencedError, UnknownOutcome
from roompulse.kafka_client import TRANSACTION_TIMEOUT_S
from roompulse.kafka_client import TRANSACTION_WAIT_S as WAIT_S
from roompulse.settings import Settings
from scorer.adapters.confluent_client import FENCED, error_of, producer_config, translated
from scorer.adapters.deadline import call_within
from scorer.ports import Output

GRACE_S = 5.0
"""The library's own limit should come first."""


class ConfluentTransactions:
    """Transactions that write outputs and positions of the `topic` together."""

    def __init__(self, settings: Settings, topic: str, batch_bytes: int) -> None:
        """Take over the transactional id: an earlier process's open transaction is aborted, the process fenced.

        Raises BrokerError within the connect timeout.
        """
        self._settings, self._topic, self._batch_bytes = settings, topic, batch_bytes
        self._name = f"{settings.group_id}-{settings.instance}"
        self._superseded: FencedError | None = None
        self._begun_at = 0.0
        self._failed = self._unknown = False
        self._refused: KafkaError | None = None
        self._producer: Producer | None = None
        self._renew()

    def serve(self) -> None:
        """Let the library say what it has to say; otherwise that piles up while nothing is written."""
        if self._producer is not None:
            with contextlib.suppress(KafkaException):  # a fatal error shows in the next call of its transaction
                self._producer.poll(0)

    def begin(self) -> None:
        """Begin. Raises FencedError for good once another process has taken over the transactional id."""
        if self._superseded is not None:
            raise self._superseded
        if self._producer is None:
            self._renew()
        self._failed, self._unknown, self._refused, self._begun_at = False, False, None, time.monotonic()
        assert self._producer is not None
        try:
            self._producer.begin_transaction()
        except KafkaException as error:
            raise self._judged("cannot begin a transaction", error) from error

    def send(self, outputs: Iterable[Output]) -> None:
        """Hand records over; a failed delivery shows at the commit."""
        assert self._producer is not None
        produce = self._producer.produce
        try:
            for topic, partition, key, value, headers in outputs:
                while True:
                    try:
                        produce(
                            topic, value, key, partition, headers=headers if type(headers) is list else list(headers)
                        )
                        break
                    except BufferError:
                        self._producer.poll(0.05)
        except KafkaException as error:
            raise self._judged("cannot write", error) from error

    def send_positions(self, positions: Mapping[int, int], membership: Any) -> None:
        """Add the positions, as the member that `membership` describes. FencedError where the group has moved on."""
        assert self._producer is not None
        doing = "cannot write positions"
        offsets = [TopicPartition(self._topic, partition, offset) for partition, offset in positions.items()]
        try:
            call_within(WAIT_S + GRACE_S, self._producer.send_offsets_to_transaction, offsets, membership, WAIT_S)
        except KafkaException as error:
            raise self._judged(doing, error) from error
        except TimeoutError as error:
            self._discard()
            raise BrokerError(f"{doing}: {error}") from None

    def commit(self) -> None:
        """Commit, after all deliveries. On UnknownOutcome call again, which waits on for the same outcome."""
        if self._producer is None:
            gone = "cannot commit: the transaction is gone"
            raise UnknownOutcome(gone) if self._unknown else BrokerError(gone)
        try:
            self._producer.commit_transaction(WAIT_S)
        except KafkaException as raised:
            error = error_of(raised)
            taken = error.code() in FENCED and not self._expired()
            known = not self._unknown and (error.txn_requires_abort() or taken)
            judged = self._judged("cannot commit", raised)
            if known:
                raise judged from raised
            self._unknown = True
            raise UnknownOutcome(f"no clear answer to a commit: {judged}") from raised
        self._unknown = False

    def abort(self) -> None:
        """Abort. Raises UnknownOutcome where a commit may have happened: the group's offsets will tell.

        Where the broker is away this takes up to 5 s and the connect timeout, and the next `begin`, or the broker's own
        limit (10 s, checked every 10 s), makes the abort come true.
        """
        if self._producer is not None and not self._failed and not self._unknown:
            with contextlib.suppress(KafkaException):  # the successor's first call has the same effect
                self._producer.abort_transaction(WAIT_S / 4)
                return
        self._discard()
        if self._superseded is None:
            with contextlib.suppress(BrokerError):
                self._renew()
        if self._unknown:
            raise UnknownOutcome("a commit was sent already: it cannot be aborted any more")

    def close(self) -> None:
        """Let go of the producer; an open transaction is left to be aborted. Never raises."""
        self._discard()

    def _renew(self) -> None:
        config = producer_config(self._settings, self._name, self._batch_bytes)
        producer = Producer(config | {"on_delivery": self._delivered})
        try:
            producer.init_transactions(self._settings.connect_timeout_s)
        except KafkaException as raised:
            error = error_of(raised)
            if error.code() in {KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN}:
                waited = f"tried for {self._settings.connect_timeout_s:g} s"
                raise BrokerError(f"cannot reach Kafka at {self._settings.bootstrap_servers} ({waited})") from raised
            raise translated(f"cannot start transactions as {self._name!r}", error) from raised
        self._producer = producer

    def _delivered(self, error: KafkaError | None, _: Any) -> None:
        """Keep why the first record was not written; what fails after it only says that the transaction failed."""
        if error is not None and error.code() not in {KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT}:
            self._refused = self._refused or error

    def _discard(self) -> None:
        """Let go of the producer and of what it has not delivered: nothing waits for a broker that is away."""
        if self._producer is not None:
            self._producer.purge()
            self._producer = None

    def _judged(self, doing: str, raised: KafkaException) -> BrokerError:
        """Our error for one inside a transaction: fenced, or taken back by the broker because it took too long."""
        error = error_of(raised)
        self._failed = True
        self.serve()
        if self._refused is not None:
            doing = f"{doing} ({self._refused.name()})"
        if error.fatal():
            self._discard()
        if error.code() not in FENCED:
            return translated(doing, error)
        self._discard()
        if self._expired():
            return BrokerError(
                f"{doing}: the transaction was open for over {TRANSACTION_TIMEOUT_S:g} s and was aborted"
            )
        self._superseded = FencedError(f"{doing}: another process runs under the name {self._name!r} (--instance-id)")
        return self._superseded

    def _expired(self) -> bool:
        return time.monotonic() - self._begun_at >= TRANSACTION_TIMEOUT_S
