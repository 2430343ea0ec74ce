"""`python -m bench.fleet`: fleet events and hotlists of simulated rooms through the very fold that scores live ones.

How often a fleet event opens where none was simulated, how often and when a simulated one is told, and how many of a
hotlist's rooms change from minute to minute. Rooms are spread over partitions as by number.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from roompulse.bundle import default_bundle, load_bundle
from roompulse.history import encode_row
from roompulse.minutes import parse_minute
from roompulse.settings import Settings
from roompulse.simulation import FleetMove, SimulationSettings, simulate
from roompulse.topics import Topics
from scorer.pipeline.fold import Fold
from scorer.pipeline.partition import Context
from scorer.ports import Message, Output
from scorer.wiring import open_model

PARTITIONS = 4
MOVES = (0.2, 0.4, 0.6, 0.8, 1.3, 1.6, 2.5)
MOVE_FROM, MOVE_MINUTES = 60, 15


@dataclass(slots=True)
class Churn:
    """Rooms on hotlists, and those of them that were not on the one of the minute before."""

    rooms: int = 0
    new: int = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--days", type=int, default=4, help="simulated days, a seed each (default %(default)s)")
    parser.add_argument("--rooms", type=int, default=200, help="rooms in all (default %(default)s)")
    parser.add_argument("--seed", type=int, default=600, help="the first seed (default %(default)s)")
    args = parser.parse_args(arguments)
    context = open_model(load_bundle(default_bundle()), Settings(), None)
    found: dict[str, Any] = {"partition_days": args.days * PARTITIONS, "false": [], "churn": {}, "moves": {}}
    churn = Churn()
    for seed in range(args.seed, args.seed + args.days):
        settings = SimulationSettings(rooms=args.rooms, minutes=1440, seed=seed)
        found["false"] += [record["text"] for record in _opened(_run(settings, context, churn))]
    found["churn"] = {"share_new_a_minute": churn.new / max(churn.rooms, 1)}
    for factor in MOVES:
        move = FleetMove(MOVE_FROM, MOVE_MINUTES, factor)
        settings = SimulationSettings(rooms=args.rooms, minutes=120, seed=args.seed, fleet_move=move)
        found["moves"][str(factor)] = [_told(_run(replace(settings, seed=args.seed + more), context, Churn()), settings)
                                       for more in range(3)]  # fmt: skip
    print(json.dumps(found, indent=1))
    return 0


def _run(settings: SimulationSettings, context: Context, churn: Churn) -> list[dict[str, Any]]:
    """Score a simulation; returns its fleet records and counts its hotlists."""
    records = []
    folds = [Fold(partition, context) for partition in range(PARTITIONS)]
    last: dict[int, set[str]] = {}
    for output in _outputs(settings, folds):
        record = json.loads(output.value or b"")
        if output.topic == Topics().fleet:
            records.append(record)
            continue
        rooms = {row["room_id"] for row in record["rooms"]}
        if output.partition in last:
            churn.rooms += len(rooms)
            churn.new += len(rooms - last[output.partition])
        last[output.partition] = rooms
    return records


def _outputs(settings: SimulationSettings, folds: Sequence[Fold]) -> Iterator[Output]:
    offset = 0
    for delivery in simulate(settings):
        batches: list[list[Message]] = [[] for _ in folds]
        for row in delivery.rows:
            key, value = encode_row(row)
            batches[int(row.record.room_id[5:]) % len(folds)].append(Message(offset, -1, key, value, ()))
            offset += 1
        for fold, batch in zip(folds, batches, strict=True):
            outcome = fold.step(batch)
            fold.apply(outcome)
            yield from (
                line.output for line in outcome.lines if line.output.topic in {Topics().fleet, Topics().hotlist}
            )


def _opened(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [record for record in records if record["event"] == "open"]


def _told(records: Sequence[dict[str, Any]], settings: SimulationSettings) -> dict[str, Any]:
    """Partitions that told of the move with the right direction and first minute, and all else that they told."""
    assert settings.fleet_move is not None
    start = settings.start.epoch + settings.fleet_move.first
    direction = "up" if settings.fleet_move.factor > 1 else "down"
    right = [
        record
        for record in _opened(records)
        if record["direction"] == direction and 0 <= parse_minute(record["opened"]).epoch - start <= 1
    ]
    ends = [
        parse_minute(record["minute"]).epoch - start - settings.fleet_move.minutes
        for record in records
        if record["event"] == "resolve" and record["fleet_id"] in {one["fleet_id"] for one in right}
    ]
    return {"right": len(right), "other": len(_opened(records)) - len(right), "resolved_after_minutes": ends}


if __name__ == "__main__":
    raise SystemExit(main())
