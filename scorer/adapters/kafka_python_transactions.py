"""The writing half of the event log over kafka-python: one transaction at a time, under one stable transactional id.

What kafka-python 3.0 leaves to its caller, found by test against Apache Kafka 4.3:

- Its transactional calls wait for ever where the broker is away: here they run in a thread, waited for in limits.
- A record that could not be delivered in time fails without failing the transaction, which would commit without it:
  here every record's outcome is looked at before the commit.
- After a refused `send_offsets_to_transaction` the refused offsets stay in the producer and would go out with its next
  transaction: here a producer that had an error is thrown away. Its successor, under the same transactional id, first
  aborts whatever was left open.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from kafka.errors import KafkaError, KafkaTimeoutError, UnknownError
from kafka.structs import OffsetAndMetadata, TopicPartition

from roompulse.errors import BrokerError, FencedError, UnknownOutcome
from roompulse.kafka_client import TRANSACTION_TIMEOUT_S, discard_producer, make_producer, started
from roompulse.kafka_client import TRANSACTION_WAIT_S as WAIT_S
from roompulse.kafka_errors import broker_errors, is_name_taken, is_unsent, translated
from roompulse.settings import Settings
from scorer.adapters.kafka_python_bulk import failure_of, give_all, was_split
from scorer.ports import Output

FLUSH_S = 0.5
"""A flush is looked after this often: it waits this long for each of its batches, and for a split one in vain."""


class KafkaPythonTransactions:
    """Transactions that write outputs and positions of the `topic` together."""

    def __init__(self, settings: Settings, topic: str, committed: Callable[[int], int | None]) -> None:
        """Take over the transactional id: an earlier process's open transaction is aborted, the process fenced.

        `committed` reads the group's offset of a partition. Raises BrokerError within the connect timeout.
        """
        self._settings = settings
        self._topic = topic
        self._committed = committed
        self._name = f"{settings.group_id}-{settings.instance}"
        self._superseded: FencedError | None = None
        self._failed = False
        self._begun_at = 0.0
        self._records: list[Any] = []
        self._batches: list[Any] = []
        self._singly = False
        self._offered: dict[int, int] = {}
        self._known: dict[int, int] = {}
        self._outcome: Future[None] | None = None
        self._producer: Any = None
        self._renew()

    def begin(self) -> None:
        """Begin. Raises FencedError for good once another process has taken over the transactional id."""
        if self._superseded is not None:
            raise self._superseded
        if self._producer is None:
            self._renew()
        with broker_errors("cannot begin a transaction"):
            self._producer.begin_transaction()
        self._begun_at = time.monotonic()
        self._failed, self._offered, self._outcome = False, {}, None
        self._records, self._batches = [], []

    def send(self, outputs: Iterable[Output]) -> None:
        """Hand records over; a failed delivery shows at the commit. Waits only for the metadata of a new topic."""
        places: dict[tuple[str, int], list[Output]] = {}
        for output in outputs:
            places.setdefault(output[:2], []).append(output)
        try:
            for (topic, partition), some in places.items():
                singly = len(some) if self._singly else 1
                for _, _, key, value, headers in some[:singly]:
                    self._records.append(self._producer.send(topic, value, key, list(headers), partition))
                self._batches += give_all(self._producer, TopicPartition(topic, partition), some[singly:])
        except KafkaError as error:
            raise self._judged("cannot write", error) from error

    def send_positions(self, positions: Mapping[int, int], membership: Any) -> None:
        """Add the positions, as the member that `membership` describes. FencedError where the group has moved on."""
        offsets = {TopicPartition(self._topic, p): OffsetAndMetadata(o, "", -1) for p, o in positions.items()}
        try:
            started(self._producer.send_offsets_to_transaction, offsets, membership).result(WAIT_S)
        except TimeoutError as error:
            self._failed = True
            raise BrokerError(f"cannot write positions: no answer for {WAIT_S:g} s") from error
        except KafkaError as error:
            raise self._judged("cannot write positions", error) from error
        self._offered = dict(positions)

    def commit(self) -> None:
        """Commit, after all deliveries. On UnknownOutcome call again, which asks the broker what became of it."""
        if self._outcome is None:
            self._deliver()
            self._outcome = started(self._producer.commit_transaction)
        elif not self._outcome.done() or self._outcome.exception() is not None:
            self._find_out()
            return
        try:
            self._outcome.result(WAIT_S)
            self._known |= self._offered
        except TimeoutError as error:
            raise UnknownOutcome(f"no answer to a commit for {WAIT_S:g} s") from error
        except KafkaError as error:
            if is_unsent(error):
                self._outcome = None
                raise self._judged("cannot commit", error) from error
            if is_name_taken(error) and not self._expired():
                raise self._judged("cannot commit", error) from error
            raise UnknownOutcome(str(translated("no clear answer to a commit", error))) from error

    def abort(self) -> None:
        """Abort. Raises UnknownOutcome where a commit may have happened; call `commit` again instead.

        Where the broker is away this takes up to 5 s and the connect timeout, and the next `begin`, or the broker's own
        limit (10 s, checked every 10 s), makes the abort come true.
        """
        if self._outcome is not None and self._superseded is None:
            raise UnknownOutcome("a commit was sent already: it cannot be aborted any more, only asked about")
        self._outcome = None
        if not self._failed and self._producer is not None:
            try:
                started(self._producer.abort_transaction).result(WAIT_S / 4)
                return
            except (TimeoutError, KafkaError):
                self._failed = True
        self._discard()
        if self._superseded is None:
            with contextlib.suppress(BrokerError):
                self._renew()

    def close(self) -> None:
        """Let go of the producer; an open transaction is left to be aborted. Never raises."""
        self._discard()

    def _renew(self) -> None:
        producer = make_producer(self._settings, self._name)
        try:
            with broker_errors(f"cannot start transactions as {self._name!r}"):
                producer.init_transactions()
        except BrokerError:
            discard_producer(producer)
            raise
        self._producer = producer

    def _discard(self) -> None:
        if self._producer is not None:
            discard_producer(self._producer)
            self._producer = None

    def _deliver(self) -> None:
        """Wait until every record is written. Raises BrokerError where one was not."""
        deadline = time.monotonic() + WAIT_S
        try:
            while True:
                try:
                    self._producer.flush(FLUSH_S)
                    break
                except (UnknownError, KafkaTimeoutError):
                    # A batch too large for its topic was split, or a part of it, of which a flush is not always told.
                    self._refuse_split()
                    if time.monotonic() >= deadline:
                        raise
        except KafkaError as error:
            raise self._judged("cannot deliver records", error) from error
        for record in self._records:
            if record.exception is not None:
                raise self._judged("cannot deliver a record", record.exception) from record.exception
        self._refuse_split()
        for batch in self._batches:
            if (failure := failure_of(batch)) is not None:
                raise self._judged("cannot deliver records", failure) from failure

    def _refuse_split(self) -> None:
        """Of a batch that was handed over as a whole nobody is told what became of its parts."""
        if any(map(was_split, self._batches)):
            self._singly = self._failed = True
            raise BrokerError("a topic takes less at once than was sent: from now on records are sent singly")

    def _find_out(self) -> None:
        """Put an end to a commit without an answer, and read from the group's offsets what became of it."""
        self._discard()
        try:
            self._renew()  # from here on the old commit cannot happen any more
            now = {partition: self._committed(partition) for partition in self._offered}
        except BrokerError as error:
            raise UnknownOutcome(f"still no answer to a commit: {error}") from error
        if all(self._known.get(partition) == offered for partition, offered in self._offered.items()):
            raise UnknownOutcome("a commit that moved no position leaves no trace to tell its outcome by")
        if now == self._offered:
            self._known |= self._offered
            return
        self._outcome = None
        self._failed = True
        if any((now[partition] or 0) > offered for partition, offered in self._offered.items()):
            raise FencedError(f"the group has moved on: {now} is committed, not {self._offered}")
        raise BrokerError("the commit did not happen")

    def _judged(self, doing: str, error: BaseException) -> BrokerError:
        """Our error for one inside a transaction: fenced, or taken back by the broker because it took too long."""
        self._failed = True
        if not is_name_taken(error):
            return translated(doing, error)
        if self._expired():
            return BrokerError(
                f"{doing}: the transaction was open for over {TRANSACTION_TIMEOUT_S:g} s and was aborted"
            )
        self._superseded = FencedError(f"{doing}: another process runs under the name {self._name!r} (--instance-id)")
        return self._superseded

    def _expired(self) -> bool:
        return time.monotonic() - self._begun_at >= TRANSACTION_TIMEOUT_S
