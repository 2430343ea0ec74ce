"""The peer: Quix Streams with nothing but a smoothed z-score of the target, its state kept exactly once.

Runs in an environment of its own (bench/peer-requirements.txt), so it imports nothing of RoomPulse. Until SIGTERM.
"""

from __future__ import annotations

import argparse
import math
from typing import Any

from quixstreams import Application  # type: ignore[import-not-found] # not in RoomPulse's environment

SMOOTHING = 0.05
COMMIT_EVERY_S = 1.0
"""Longer than the scorer's batches take: the peer has less to commit."""


def main() -> None:
    """Score until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--bootstrap-servers", "--group", "--topic", "--output", "--state"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    app = Application(
        broker_address=args.bootstrap_servers,
        consumer_group=args.group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=COMMIT_EVERY_S,
        state_dir=args.state,
        producer_extra_config={"compression.type": "lz4", "linger.ms": 20, "batch.size": 256 * 1024},
        consumer_extra_config={"fetch.wait.max.ms": 50},
        loglevel="WARNING",
    )
    events = app.topic(args.topic, key_deserializer="str", value_deserializer="json")
    scores = app.topic(args.output, key_serializer="str", value_serializer="json")
    app.dataframe(events).apply(score, stateful=True).to_topic(scores)
    app.run()


def score(event: dict[str, Any], state: Any) -> dict[str, Any]:
    """How many smoothed deviations the target lies from its smoothed mean."""
    value = event["metrics"]["watch_ucnt"]
    mean, variance = state.get("level", (value, 0.0))
    away = value - mean
    state.set("level", (mean + SMOOTHING * away, (1 - SMOOTHING) * (variance + SMOOTHING * away * away)))
    z = away / math.sqrt(variance) if variance > 0 else 0.0
    return {"room_id": event["room_id"], "minute": event["minute"], "z": round(z, 3)}


if __name__ == "__main__":
    main()
