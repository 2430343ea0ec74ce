"""How many room-minutes a second `roompulse backtest` scores on one core, from a CSV file to result files.

    python -m bench.backtest                      # 2,000 simulated rooms for two hours, three times
    python -m bench.backtest --rooms 500 --json

Each run is a process of its own; one over a single minute of the same rooms gives the cost of the start, which is taken
off. Seconds are of CPU time: they are those of the wall on a core that nobody else uses. The goal is 40,000; `ratio` is
what was reached of it.
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

from bench.scale.options import add_forms, positive
from bench.scale.report import Report, deliver

GOAL = 40_000


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code: 1 where not every room-minute was scored."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--rooms", type=positive, default=2000, help="simulated rooms (default: %(default)s)")
    parser.add_argument("--minutes", type=positive, default=120, help="of each room (default: %(default)s)")
    parser.add_argument("--repeat", type=positive, default=3, help="runs (default: %(default)s)")
    add_forms(parser)
    args = parser.parse_args(argv)
    return deliver(measure(args.rooms, args.minutes, args.repeat), as_json=args.json, as_markdown=args.markdown)


def measure(rooms: int, minutes: int, repeat: int) -> Report:
    """Room-minutes a second of CPU, each run's and the median."""
    with tempfile.TemporaryDirectory(prefix="roompulse-") as folder:
        long, short = Path(folder, "long.csv"), Path(folder, "short.csv")
        for file, length in ((long, minutes), (short, 1)):
            options = ("--continuous", "--rooms", str(rooms), "--minutes", str(length), "--out", str(file))
            subprocess.run(_command("simulate", *options), check=True, stdout=subprocess.DEVNULL)
        rates, faults, lines = [], [], _rows_in(long)
        for number in range(repeat):
            few_s, few = _run(_command("backtest", str(short), "--out", str(Path(folder, f"short{number}")), "--json"))
            all_s, events = _run(_command("backtest", str(long), "--out", str(Path(folder, f"long{number}")), "--json"))
            rates.append((events - few) / (all_s - few_s))
            if events != lines:
                faults.append(f"run {number + 1} scored {events:,} of {lines:,} room-minutes")
    rate = statistics.median(rates)
    runs = " ".join(f"{one:,.0f}" for one in rates)
    verdict = f"at least {GOAL:,}: {'kept' if rate >= GOAL else 'missed'}"
    return Report(
        f"Backtest of {rooms:,} rooms, {lines:,} room-minutes",
        ("rooms", "room-minutes a CPU second", "runs", "CPU us a room-minute"),
        [(f"{rooms:,}", f"{rate:,.0f} ({verdict})", runs, f"{1e6 / rate:.1f}")],
        rate,
        {"backtest": 1e6 / rate},
        rate / GOAL,
        more={"rooms": rooms, "room_minutes": lines, "runs": [round(one) for one in rates]},
        faults=faults,
    )


def _rows_in(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines) - 1


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


if __name__ == "__main__":
    sys.exit(main())
