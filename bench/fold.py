"""What an event costs the pure fold, by stage: CPU time of one thread, with no Kafka and no Redis.

    python -m bench.fold                          # 10,000 rooms, 4 partitions, a table
    python -m bench.fold --rooms 1000000 --minutes 2 --json

Some simulated rooms run for an hour; their state is copied into as many rooms as are wanted. Then every room sends a
record a minute, in an order shuffled anew each minute, and the partitions fold them in batches as the scoring loop
does. Messages are made before each batch, off the clock; the batch's messages are cold to the cache as after a poll.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.fold_rooms import Fleet
from bench.stages import Stages
from scorer.owned import Owned
from scorer.pipeline.partition import Head
from scorer.ports import Message
from scorer.recovery import SavedHead

STAGES = {
    "decode": ["scorer.pipeline.fold:decode_messages"],
    "gather": ["scorer.pipeline.fold:Fold.rows_of"],
    "columns": ["roompulse.straight:StraightReader.columns"],
    "features": ["scorer.pipeline.wave:observe"],
    "network": ["scorer.pipeline.outlook:_step"],
    "gate, calibration": [
        "scorer.pipeline.wave:calibrate", "scorer.pipeline.wave:misses", "scorer.pipeline.wave:learn",
        "scorer.pipeline.wave:take_in", "scorer.pipeline.wave:choose", "scorer.pipeline.wave:widened_quantiles",
        "scorer.pipeline.wave:round4",
    ],
    "alerts": ["scorer.pipeline.judge:judge"],
    "hotlist, fleet": ["scorer.pipeline.batch:_Batch._tally_hot", "scorer.pipeline.batch:_Batch._tally_moves"],
    "encode": ["scorer.pipeline.batch:_Batch._write"],
    "counts": ["scorer.pipeline.batch:count_wave"],
    "apply": ["scorer.owned:Owned.apply"],
}  # fmt: skip
"""What is measured apart, by the functions that do it; all else of a fold is `waves`."""
REST, SAVED = "waves", "checkpoint rows"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--rooms", type=int, default=10_000, help="rooms in all (default %(default)s)")
    parser.add_argument("--minutes", type=int, default=10, help="minutes that are measured (default %(default)s)")
    parser.add_argument("--partitions", type=int, default=4, metavar="N", help="default %(default)s")
    parser.add_argument("--max-batch", type=int, default=8000, metavar="N", help="events a turn (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON on the last line")
    args = parser.parse_args(arguments)
    result = measure(args.rooms, args.minutes, args.partitions, args.max_batch)
    _print(result)
    if args.json:
        print(json.dumps(result))
    return 0


def measure(rooms: int, minutes: int, partitions: int, max_batch: int) -> dict[str, Any]:
    """Fold so many minutes of so many rooms; microseconds of CPU an event, in all and by stage."""
    fleet = Fleet(rooms, minutes, partitions)
    owned = [Owned(fold, 0, 0, saved_at=-1) for fold in fleet.folds()]
    stages, events, records, alerts = Stages(), 0, 0, 0
    gc.collect()
    gc.freeze()  # as the scoring loop does
    with stages.wrapped(STAGES):
        for partition, batch in _batches(fleet, max_batch // partitions):
            one = owned[partition]
            with stages.measuring(REST):
                outcome = one.fold.step(batch)
            with stages.measuring(REST):
                one.apply(outcome, batch[-1].offset + 1)
            with stages.measuring(SAVED):
                one.hand_over(SavedHead("", "", partitions, Head()), whole=True)
            one.saved()
            events += outcome.tally.events
            records += len(outcome.lines)
            alerts += sum(outcome.tally.alerts.values())
    gc.unfreeze()
    by_stage = {name: round(1e6 * stages.cpu_s.get(name, 0.0) / events, 2) for name in (*STAGES, REST, SAVED)}
    return {
        "rooms": rooms,
        "partitions": partitions,
        "max_batch": max_batch,
        "events": events,
        "records": records,
        "alerts": alerts,
        "cpu_us_per_event": round(sum(by_stage.values()) - by_stage[SAVED], 2),
        "by_stage": by_stage,
    }


def _batches(fleet: Fleet, size: int) -> Iterator[tuple[int, list[Message]]]:
    """The partitions in turn, `size` messages each; minutes run into each other as they do in a topic."""
    waiting: list[list[Message]] = [[] for _ in range(fleet.partitions)]
    for minute in fleet.minutes():
        for partition, messages in enumerate(minute):
            waiting[partition] += messages
        while any(len(messages) >= size for messages in waiting):
            for partition, messages in enumerate(waiting):
                if messages:
                    yield partition, messages[:size]
                    del messages[:size]
    for partition, messages in enumerate(waiting):
        if messages:
            yield partition, messages


def _print(result: dict[str, Any]) -> None:
    table = Table(title=f"{result['rooms']:,} rooms, {result['events']:,} events, {result['alerts']:,} of alerts")
    table.add_column("stage")
    table.add_column("CPU us an event", justify="right")
    for name, cost in result["by_stage"].items():
        if name != SAVED:
            table.add_row(name, f"{cost:.2f}")
    table.add_section()
    table.add_row("fold", f"{result['cpu_us_per_event']:.2f}")
    table.add_row(SAVED, f"{result['by_stage'][SAVED]:.2f}")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
