"""The producer of a trial: slices at a pace, and the last ones only when the faults are over."""

from __future__ import annotations

import random
import threading

from roompulse.kafka_client import discard_producer, make_producer
from roompulse.settings import Settings
from tests.chaos.stream import PARTITIONS, SLICES, slices

FREE = 14
"""Slices that come at their pace; the others are waited for by faults that need something to pass, then given."""
LAST = 3
"""Slices that come when all faults are over."""
DELIVERY_S = 90.0


class Feed:
    """Writes the stream onto a topic, in order: idempotent, so that a producer that tries again changes nothing."""

    def __init__(self, settings: Settings, topic: str, chance: random.Random) -> None:
        self.error: BaseException | None = None
        self.written = 0
        self.gap_s = chance.uniform(0.08, 0.3)
        self._settings, self._topic = settings, topic
        self._allowed = threading.Semaphore(FREE)
        self._reserve = SLICES - FREE - LAST
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def until(self, count: int) -> None:
        """Wait until so many slices are written."""
        with self._changed:
            self._changed.wait_for(lambda: self.written >= count or self.error is not None, DELIVERY_S)

    def one_more(self) -> bool:
        """Let a slice of the reserve out; False where there is none."""
        if not self._reserve:
            return False
        self._reserve -= 1
        self._allowed.release()
        return True

    def rest(self) -> None:
        """Let all out and wait until it is written. Raises what went wrong."""
        self._allowed.release(SLICES)
        self._thread.join(DELIVERY_S)
        if self.error is not None:
            raise self.error
        if self._thread.is_alive():
            raise TimeoutError(f"the producer has written {self.written} of {SLICES} slices in time")

    def _run(self) -> None:
        try:
            self._write()
        except BaseException as error:  # noqa: BLE001 - raised by `rest`
            self.error = error
            with self._changed:
                self._changed.notify_all()

    def _write(self) -> None:
        producer = make_producer(self._settings)
        pause = threading.Event()
        try:
            for records in slices():
                self._allowed.acquire()
                sent = [producer.send(self._topic, r.value, r.key, r.headers, r.partition) for r in records]
                for outcome in sent:
                    outcome.get(DELIVERY_S)
                with self._changed:
                    self.written += 1
                    self._changed.notify_all()
                pause.wait(self.gap_s)
        finally:
            discard_producer(producer)


def ends() -> dict[int, int]:
    """Where each partition ends when all is written."""
    records = [record for part in slices() for record in part]
    return {at: sum(record.partition == at for record in records) for at in range(PARTITIONS)}
