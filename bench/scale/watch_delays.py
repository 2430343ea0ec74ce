"""Reads committed forecasts as any subscriber would, and takes the time since their events were due.

    python -m bench.scale.watch_delays --bootstrap-servers H:P --topic T --partitions 0 --rooms N --start S --edges 9 19

Room and minute of a forecast tell when its event was due in a paced load (`bench.scale.generate`). So a generator that
falls behind, a full queue in its client and a slow broker all count as delay. Runs until SIGTERM, then prints as one
JSON object how many were seen and the quantiles of their delay, for each window between two `--edges` (seconds after
the start; an event belongs to the window in which it was due) and for all of them together.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition

from bench.scale.payloads import room_number
from bench.scale.probe import committed_reader
from roompulse.minutes import parse_minute
from roompulse.stop_signal import StopSignal

WAIT_S = 0.02
"""How long messages are gathered: so late is a delay told at most, and it counts as delay."""
_MINUTE_AT = slice(36, 56)
"""Where the minute stands in a forecast of `payloads`' rooms."""


def main() -> int:
    """Read until told to stop, then print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partitions", type=int, nargs="+", required=True)
    parser.add_argument("--rooms", type=int, required=True)
    parser.add_argument("--start", type=float, required=True)
    parser.add_argument("--edges", type=float, nargs="+", required=True)
    args = parser.parse_args()
    stopping = StopSignal()
    consumer = committed_reader(args.bootstrap_servers)
    consumer.assign([TopicPartition(args.topic, partition, OFFSET_BEGINNING) for partition in args.partitions])
    pace = Pace(args.rooms, args.start)
    while not stopping.asked:
        pace.see(consumer.consume(10_000, WAIT_S), time.time())
    consumer.close()
    print(json.dumps({"windows": pace.windows(args.edges)}))
    return 0


class Pace:
    """When each event was due, and how long its forecast took."""

    def __init__(self, rooms: int, start_s: float) -> None:
        self._start_s, self._round_s = start_s, 60.0
        self._slot_s = 60.0 / rooms
        self._first_minute = int(start_s // 60)
        self._due_s: list[float] = []
        self._delay_s: list[float] = []

    def see(self, messages: Sequence[Any], now_s: float) -> None:
        """Take in forecasts that came to us at `now_s`. Raises KafkaException."""
        since_start_s = now_s - self._start_s
        for message in messages:
            trouble = message.error()
            if trouble is not None:
                if trouble.code() == KafkaError._PARTITION_EOF:
                    continue
                raise KafkaException(trouble)
            step = parse_minute(message.value()[_MINUTE_AT].decode()).epoch - self._first_minute
            due_s = step * self._round_s + room_number(message.key()) * self._slot_s
            self._due_s.append(due_s)
            self._delay_s.append(since_start_s - due_s)

    def windows(self, edges_s: Sequence[float]) -> list[dict[str, float | int | None]]:
        """Count and quantiles of the delay of the events that were due between each two edges, and of all of them."""
        due_s, delay_s = np.array(self._due_s), np.array(self._delay_s)
        bounds = [*pairwise(edges_s), (edges_s[0], edges_s[-1])]
        return [_quantiles(delay_s[(due_s >= begin) & (due_s < end)]) for begin, end in bounds]


def _quantiles(delay_s: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float | int | None]:
    if not len(delay_s):
        return {"seen": 0, "p50_s": None, "p99_s": None, "max_s": None}
    p50, p99, most = np.quantile(delay_s, [0.5, 0.99, 1.0]).tolist()
    return {"seen": len(delay_s), "p50_s": round(p50, 4), "p99_s": round(p99, 4), "max_s": round(most, 4)}


if __name__ == "__main__":
    sys.exit(main())
