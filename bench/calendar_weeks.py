"""Do time of day, weekday and holidays help a windowed network? On simulated weeks, since the real data spans too few.

    python -m bench.calendar_weeks --out weeks.csv
    roompulse compare weeks.csv --vary time_features=on ...

`roompulse simulate` knows a time of day but no weekday. With `--working-days SHARE` only that share of the people enter
on working days (binomially thinned, all rooms alike): weekends and holidays are busier, with a step at midnight.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roompulse.history import zone_named
from roompulse.history.options import DEFAULT_TIMEZONE
from roompulse.history.times import MinuteReader
from roompulse.holidays import is_holiday
from roompulse.simulation import SimulationSettings, simulate

_MONDAY, _WEEKEND = 4, 5
"""The first Monday of 1970 was its fifth day; days of the week from which on it is weekend, Monday being 0."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write room, minute and watch_ucnt. Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="CSV file to write")
    parser.add_argument("--rooms", type=int, default=3, metavar="N", help="how many rooms (default %(default)s)")
    parser.add_argument("--days", type=int, default=28, metavar="N", help="how many days (default %(default)s)")
    parser.add_argument("--start", default="2025-09-22 00:00", metavar="TIME", help="(default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the simulation (default %(default)s)")
    parser.add_argument("--working-days", type=float, default=1.0, metavar="SHARE", help="(default %(default)s)")
    args = parser.parse_args(argv)
    start = MinuteReader(zone_named(DEFAULT_TIMEZONE))(args.start)[0]
    settings = SimulationSettings(
        rooms=args.rooms, minutes=1440 * args.days, seed=args.seed, continuous=True, start=start,
        missing_rate=0.0, null_rate=0.0, late_rate=0.0, duplicate_rate=0.0,
    )  # fmt: skip
    rng = np.random.default_rng(args.seed)
    with args.out.open("x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("room_id", "minute", "watch_ucnt"))
        for delivery in simulate(settings):
            for row in delivery.rows:
                day = np.array((row.minute.epoch + row.minute.offset) // 1440)
                count = int(row.record.metrics.watch_ucnt or 0)
                kept = rng.binomial(count, args.working_days) if is_working(day) else count
                writer.writerow((row.record.room_id, row.record.minute, kept))
    return 0


def is_working(days: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each of these local days since 1970 is Monday to Friday and no public holiday."""
    return np.asarray(((days - _MONDAY) % 7 < _WEEKEND) & ~is_holiday(days))


if __name__ == "__main__":
    sys.exit(main())
