"""How many room-minutes a second `roompulse backtest` scores on one core, from a CSV file to result files.

    python -m bench.backtest                      # 2,000 simulated rooms for two hours, three times
    python -m bench.backtest --rooms 500 --json

Each run is a process of its own; one over a single minute of the same rooms gives the cost of the start, which is taken
off. Seconds are of CPU time: they are those of the wall on a core that nobody else uses.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--rooms", type=int, default=2000, help="simulated rooms (default %(default)s)")
    parser.add_argument("--minutes", type=int, default=120, help="default %(default)s")
    parser.add_argument("--repeat", type=int, default=3, help="runs (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON on the last line")
    args = parser.parse_args(arguments)
    result = measure(args.rooms, args.minutes, args.repeat)
    _print(result)
    if args.json:
        print(json.dumps(result))
    return 0


def measure(rooms: int, minutes: int, repeat: int) -> dict[str, Any]:
    """Room-minutes a second of CPU, the median of the runs and each of them."""
    with tempfile.TemporaryDirectory(prefix="roompulse-") as folder:
        long, short = Path(folder, "long.csv"), Path(folder, "short.csv")
        for file, length in ((long, minutes), (short, 1)):
            options = ("--continuous", "--rooms", str(rooms), "--minutes", str(length), "--out", str(file))
            subprocess.run(_command("simulate", *options), check=True, stdout=subprocess.DEVNULL)
        runs = []
        for number in range(repeat):
            start_s, few = _run(
                _command("backtest", str(short), "--out", str(Path(folder, f"short{number}")), "--json")
            )
            whole_s, events = _run(
                _command("backtest", str(long), "--out", str(Path(folder, f"long{number}")), "--json")
            )
            runs.append((events - few) / (whole_s - start_s))
    return {
        "rooms": rooms,
        "room_minutes": events,
        "room_minutes_per_s": round(statistics.median(runs)),
        "runs": [round(run) for run in runs],
    }


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "roompulse", *arguments]


def _run(command: list[str]) -> tuple[float, int]:
    """CPU seconds of a backtest, and the events that it scored."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, json.loads(output.splitlines()[-1])["events_in"]


def _print(result: dict[str, Any]) -> None:
    table = Table(title=f"backtest of {result['rooms']:,} rooms, {result['room_minutes']:,} room-minutes")
    table.add_column("run", justify="right")
    table.add_column("room-minutes a CPU second", justify="right")
    for number, run in enumerate(result["runs"], 1):
        table.add_row(str(number), f"{run:,}")
    table.add_section()
    table.add_row("median", f"{result['room_minutes_per_s']:,}")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
