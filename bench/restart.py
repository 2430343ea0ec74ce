"""How long a scorer takes to have its rooms back: claiming partitions from Redis and loading their rows.

    python -m bench.restart                       # 1,000,000 rooms over 16 partitions
    python -m bench.restart --rooms 200000 --json

Starts its own Redis with the append-only file on. Rooms as a scorer holds them are saved through the checkpoint itself;
then another owner claims partition after partition, as the loop does before its first commit. `save` is a change of
every room. CPU seconds of this process and of Redis stand beside the time: others may use the machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import redis
from rich.console import Console
from rich.table import Table

from roompulse.bundle import default_bundle, load_bundle
from roompulse.rooms import fresh_rooms, layout_of
from roompulse.settings import Settings
from scorer.adapters.redis_checkpoint import RedisCheckpoint
from scorer.owned import Owned
from scorer.pipeline.fold import Fold
from scorer.pipeline.partition import Context
from scorer.recovery import SavedHead, read_head
from scorer.wiring import open_model
from tests.services.redis import RedisServer

GOAL_S = 15.0


class Meter:
    """Adds up seconds by the clock, and CPU seconds of this process and of Redis, by what was done."""

    def __init__(self, port: int) -> None:
        self._redis: Any = redis.Redis(port=port, protocol=2)
        self.costs: dict[str, list[float]] = {}

    def run(self, name: str, action: Callable[[], object]) -> None:
        """Do it, and add what it cost under this name."""
        before = self._now()
        action()
        costs = self.costs.setdefault(name, [0.0, 0.0, 0.0])
        self.costs[name] = [cost + now - then for cost, now, then in zip(costs, self._now(), before, strict=True)]

    def _now(self) -> tuple[float, float, float]:
        used = self._redis.info("cpu")
        return time.monotonic(), time.process_time(), used["used_cpu_user"] + used["used_cpu_sys"]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--rooms", type=int, default=1_000_000)
    parser.add_argument("--partitions", type=int, default=16)
    parser.add_argument("--json", action="store_true", help="print the result as JSON on the last line")
    args = parser.parse_args()
    with RedisServer() as server:
        meter = Meter(server.port)
        context = open_model(load_bundle(default_bundle()), Settings(), None)
        _fill(meter, RedisCheckpoint(server.url), context, args.rooms, args.partitions)
        kept = _take_over(meter, RedisCheckpoint(server.url), context, args.partitions)
        memory = redis.Redis(port=server.port, protocol=2).info("memory")["used_memory"]
    assert sum(len(owned.fold) for owned in kept) == args.rooms
    result = {
        "rooms": args.rooms,
        "partitions": args.partitions,
        "row_bytes": context.dtype.itemsize,
        "redis_bytes_per_room": round(memory / args.rooms),
        "goal_s": GOAL_S,
    } | {
        name: dict(zip(("seconds", "scorer_cpu_s", "redis_cpu_s"), (round(cost, 3) for cost in costs), strict=True))
        for name, costs in meter.costs.items()
    }
    _print(result)
    if args.json:
        print(json.dumps(result))
    return 0


def _fill(meter: Meter, checkpoint: RedisCheckpoint, context: Context, rooms: int, partitions: int) -> None:
    """Save every partition twice: everything anew, then a change of every room."""
    about = SavedHead(layout_of(context.dtype), "bench", partitions, Fold(0, context).head)
    for partition in range(partitions):
        names = [f"room-{number:08d}" for number in range(partition, rooms, partitions)]
        owned = Owned(Fold(partition, context), 1, 0, -1, anew=True)
        rows = fresh_rooms(len(names), context.dtype)
        rows["last_minute"] = np.arange(len(names))
        owned.fold.load(owned.fold.head, names, rows)
        checkpoint.claim(partition)
        meter.run("save anew", lambda p=partition, o=owned: checkpoint.save(p, o.hand_over(about, whole=True)))  # type: ignore[misc]
        owned.saved()
        owned.position, owned.changed = 2, set(names)
        meter.run("save", lambda p=partition, o=owned: checkpoint.save(p, o.hand_over(about, whole=False)))  # type: ignore[misc]
    checkpoint.close()


def _take_over(meter: Meter, checkpoint: RedisCheckpoint, context: Context, partitions: int) -> list[Owned]:
    """Claim and load every partition, and keep them all, as a scorer does."""
    kept: list[Owned] = []

    def take(partition: int) -> None:
        saved = checkpoint.claim(partition)
        assert saved is not None
        owned = Owned(Fold(partition, context), saved.applied, 0, saved_at=-1)
        owned.load(saved, read_head(saved).head, context.dtype)
        kept.append(owned)

    for partition in range(partitions):
        meter.run("restart", lambda p=partition: take(p))  # type: ignore[misc]
    checkpoint.close()
    return kept


def _print(result: dict[str, Any]) -> None:
    table = Table(
        title=f"{result['rooms']:,} rooms of {result['row_bytes']:,} bytes in {result['partitions']} partitions"
    )
    for column in ("", "seconds", "CPU s, scorer", "CPU s, Redis", "CPU us a room, both"):
        table.add_column(column, justify="right" if column else "left")
    for name in ("save anew", "save", "restart"):
        costs = list(result[name].values())
        both = sum(costs[1:]) / result["rooms"] * 1e6
        table.add_row(name, *(f"{cost:.1f}" for cost in costs), f"{both:.1f}")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
