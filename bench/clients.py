"""What an event costs the scorer with each Kafka client: CPU time of whole `roompulse score --exit-at-end` processes.

    python -m bench.clients                       # 300,000 events, each client three times, a table
    python -m bench.clients --rooms 20000 --json

Starts its own Apache Kafka and Redis (append-only file on). Simulated rooms are put on the topic once, then the clients
score it in turn, each time as a group of its own. A further run that finds nothing to do gives the cost of the start,
which is taken off. CPU time is not wall time: others may use the machine meanwhile, and the ratio stays within one run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import uuid
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.services.kafka import Kafka
from tests.services.redis import RedisServer

CLIENTS = ("kafka-python", "confluent")


@dataclass(frozen=True, slots=True)
class Run:
    """One process: CPU seconds, peak memory in MB, and the events that it scored."""

    cpu_s: float
    peak_mb: float
    events: int


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--rooms", type=int, default=10_000, help="rooms, one event a minute each")
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each client")
    parser.add_argument("--max-batch", type=int, default=5000)
    parser.add_argument("--json", action="store_true", help="print the result as JSON on the last line")
    args = parser.parse_args()
    with Kafka() as kafka, RedisServer() as redis:
        services = ("--bootstrap-servers", kafka.address)
        simulated = ("--continuous", "--rooms", str(args.rooms), "--minutes", str(args.minutes), "--speed", "max")
        subprocess.run(_command("simulate", *services, *simulated), check=True)
        scoring = (*services, "--redis-url", redis.url, "--max-batch", str(args.max_batch), "--log-level", "warning")
        result = _measure(args.repeat, scoring)
    _print(result)
    if args.json:
        print(json.dumps(result))
    return 0


def _measure(repeat: int, scoring: tuple[str, ...]) -> dict[str, Any]:
    costs: dict[str, list[float]] = {client: [] for client in CLIENTS}
    peaks: dict[str, float] = {}
    events = 0
    for number in range(repeat):
        for client in CLIENTS if number % 2 == 0 else CLIENTS[::-1]:
            name = uuid.uuid4().hex[:8]
            command = _command(
                "score", *scoring, "--client", client, "--group-id", name, "--redis-prefix", name,
                "--metrics-port", "0", "--exit-at-end", "--json",
            )  # fmt: skip
            scored, nothing = _run(command), _run(command)
            assert nothing.events == 0
            events = scored.events
            costs[client].append((scored.cpu_s - nothing.cpu_s) / scored.events * 1e6)
            peaks[client] = max(peaks.get(client, 0.0), scored.peak_mb)
            print(f"{client}: {costs[client][-1]:.1f} us an event", file=sys.stderr, flush=True)
    median = {client: statistics.median(costs[client]) for client in CLIENTS}
    return {
        "events": events,
        "cpu_us_per_event": {client: round(median[client], 2) for client in CLIENTS},
        "runs": {client: [round(cost, 2) for cost in costs[client]] for client in CLIENTS},
        "peak_mb": {client: round(peaks[client]) for client in CLIENTS},
        "ratio": round(median["confluent"] / median["kafka-python"], 3),
    }


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "roompulse", *arguments]


def _run(command: list[str]) -> Run:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    cpu_s = usage.ru_utime + usage.ru_stime
    return Run(cpu_s, usage.ru_maxrss / 1024, json.loads(output.splitlines()[-1])["events_in"])


def _print(result: dict[str, Any]) -> None:
    table = Table(title=f"{result['events']:,} events, exactly once; ratio {result['ratio']}")
    for column in ("client", "CPU us an event", "runs", "peak memory, MB"):
        table.add_column(column, justify="left" if column == "client" else "right")
    for client in CLIENTS:
        runs = " ".join(f"{cost:.1f}" for cost in result["runs"][client])
        table.add_row(client, f"{result['cpu_us_per_event'][client]:.1f}", runs, str(result["peak_mb"][client]))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
