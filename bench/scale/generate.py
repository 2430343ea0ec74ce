"""The load generator, a process of its own: each room's event once a minute, spread evenly, or all as fast as it can.

    python -m bench.scale.generate --bootstrap-servers H:P --topic T --rooms N --minutes 2            # a backlog
    python -m bench.scale.generate ... --seconds 120 --start 1764000000.0                             # paced

Event n of a paced load is due at start + n * 60 / rooms and carries the minute in which its round over the rooms began.
Prints how many were sent, by how much the latest left too late, and the CPU time of it, as one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import count
from typing import Any

from confluent_kafka import KafkaError, Producer

from bench.scale.payloads import Payloads

TICK_S = 0.05
FLUSH_S = 60.0


def main() -> int:
    """Send, wait until all is delivered, and say so. Returns 1 where the broker did not take everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--rooms", type=int, required=True)
    parser.add_argument("--first-minute", type=int, default=0, help="epoch minute of step 0")
    parser.add_argument("--step", type=int, default=0, help="begin with this minute of the load")
    parser.add_argument("--minutes", type=int, default=0, help="send so many minutes at once")
    parser.add_argument("--seconds", type=float, default=0.0, help="or at their pace for so long")
    parser.add_argument("--start", type=float, default=0.0, help="when the first event is due, in seconds since 1970")
    args = parser.parse_args()
    sender = Sender(args.bootstrap_servers, args.topic)
    if args.minutes:
        payloads = Payloads(args.step + args.minutes)
        begun_s = time.process_time()
        for step in range(args.step, args.step + args.minutes):
            sender.send(payloads, step, args.first_minute + step, range(args.rooms))
        late_s = 0.0
    else:
        begun_s = time.process_time()
        late_s = _send_paced(sender, args.rooms, args.seconds, args.start)
    sender.finish()
    cpu_s = round(time.process_time() - begun_s, 3)
    print(json.dumps({"sent": sender.sent, "failed": sender.failed, "late_s": round(late_s, 4), "cpu_s": cpu_s}))
    return 1 if sender.failed else 0


class Sender:
    """A producer that counts. It is idempotent, so that the topic holds every event once."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self.sent = self.failed = 0
        self._topic = topic
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 5,
                "batch.size": 256 * 1024,
                "queue.buffering.max.messages": 500_000,
                "queue.buffering.max.kbytes": 500_000,
                "delivery.report.only.error": True,
                "log_level": 3,  # what is tried again is no news
                "on_delivery": self._delivered,
            }
        )

    def send(self, payloads: Payloads, step: int, epoch: int, rooms: range) -> None:
        """Hand over one event of each of these rooms."""
        record, produce, topic = payloads.minute(step, epoch), self._producer.produce, self._topic
        for room in rooms:
            key, value = record(room)
            try:
                produce(topic, value, key)
            except BufferError:
                self._wait(key, value)
        self._producer.poll(0)
        self.sent += len(rooms)

    def finish(self) -> None:
        """Wait for what is under way; what is left counts as failed."""
        self.failed += self._producer.flush(FLUSH_S)

    def _wait(self, key: bytes, value: bytes) -> None:
        while True:
            self._producer.poll(0.05)
            try:
                self._producer.produce(self._topic, value, key)
            except BufferError:
                continue
            return

    def _delivered(self, error: KafkaError | None, _: Any) -> None:
        self.failed += error is not None


def _send_paced(sender: Sender, rooms: int, seconds: float, start_s: float) -> float:
    """Send what is due, tick by tick; returns by how many seconds the latest event left too late."""
    rate_per_s = rooms / 60
    payloads = Payloads(int(seconds / 60) + 1)
    total, late_s = int(seconds * rate_per_s), 0.0
    first_minute = int(start_s // 60)
    for step in count():
        begin, end = step * rooms, min((step + 1) * rooms, total)
        if begin >= end:
            return late_s
        while sender.sent < end:
            now_s = time.time()
            due = min(int((now_s - start_s) * rate_per_s) + 1 if now_s >= start_s else 0, end)
            if due > sender.sent:
                late_s = max(late_s, now_s - start_s - sender.sent / rate_per_s)
                sender.send(payloads, step, first_minute + step, range(sender.sent - begin, due - begin))
            time.sleep(max(0.0, now_s + TICK_S - time.time()))
    raise AssertionError("unreachable")


if __name__ == "__main__":
    sys.exit(main())
