"""`roompulse compare`: the studies' networks, their options and the whole field of rivals on the same rows.

roompulse compare history.csv --vary window=10,100,200 --vary scaler=minmax,standard,robust --out compared
roompulse compare history.csv --presets univariate-2 --vary time_features=off,on --epochs 10 --budget-minutes 30
roompulse compare history.csv --presets univariate-1 --tune 20
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from roompulse.channels import DEFAULT_CHANNELS
from roompulse.errors import RoomPulseError, UsageError
from roompulse.history import HistoryReport, add_history_options, history_options, read_history, say_on_stderr
from roompulse.summary import add_json, print_summary
from trainer.compare_grid import COMPARED, candidates
from trainer.compare_parts import BY_ROOM, BY_TIME, Parts, parts_of
from trainer.seeds import seed_number
from trainer.series import series_sessions

EXAMPLES = """\
examples:
  roompulse compare history.csv --vary window=10,30,100 --out compared
  roompulse compare history.csv --presets univariate-1 --tune 20 --budget-minutes 60"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options. TensorFlow is not needed for that."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    add_history_options(parser)
    add = parser.add_argument_group("comparison").add_argument
    add(
        "--presets",
        default=",".join(COMPARED[1:] + COMPARED[:1]),
        metavar="NAME,...",
        help="networks to train (default %(default)s)",
    )
    add("--base", action="append", default=[], metavar="OPTION=VALUE", help="changes all windowed networks alike")
    add(
        "--vary",
        action="append",
        default=[],
        metavar="OPTION=VALUE,...",
        help="trains each windowed network once more for each value: window, scaler, activation, dropout, l2, "
        "time_features=off,on, direct=off,on, fill, units=50-50-50, learning_rate or batch_size; one at a time",
    )
    add("--rivals", choices=("all", "baselines"), default="all", help="who else is judged (default %(default)s)")
    add("--split", choices=(BY_TIME, BY_ROOM), help="what is held out (default: rooms from 4 rooms on, else time)")
    add("--epochs", type=_from_one, metavar="N", help="passes over the training part (default: the presets')")
    add("--steps", type=_from_one, default=1200, metavar="N", help="of the step network (default %(default)s)")
    add(
        "--most-windows",
        type=_from_one,
        default=20_000,
        metavar="N",
        help="learns from and judges by so many, evenly spread, where there are more (default %(default)s)",
    )
    add(
        "--tune",
        type=_from_one,
        metavar="N",
        help="searches N times for the first windowed network's window, units, dropout and learning rate, judged by "
        "time-aware cross-validation inside the training part",
    )
    add("--seed", type=seed_number, default=0, metavar="N", help="for all of it (default %(default)s)")
    add("--budget-minutes", type=_at_least(0, float), metavar="N", help="begins no training after so long")
    add("--out", type=Path, metavar="DIR", help="also writes compare.csv and report.html into this new folder")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Train, judge, print and write. Raises RoomPulseError."""
    grid = candidates(args.presets, args.base, args.vary, args.epochs, args.seed)
    if args.tune and not any(candidate.settings for candidate in grid):
        raise UsageError("--tune: searches for windowed networks; --presets names none of them")
    every = any(candidate.settings and candidate.settings.every_series for candidate in grid)
    try:
        from trainer.compare_report import print_comparison, write_comparison
        from trainer.compare_run import Effort, compare
        from trainer.exploration_files import refuse_existing
    except ImportError as error:
        raise RoomPulseError(f"comparing needs the extra `train`: pip install 'roompulse[train]' ({error})") from error
    if args.out is not None:
        refuse_existing(args.out)  # before the minutes of training, not after
    parts = _read(args, every)
    budget_s = None if args.budget_minutes is None else 60 * args.budget_minutes
    effort = Effort(args.steps, args.most_windows, args.tune or 0, args.rivals == "all", budget_s, args.seed)
    compared = compare(", ".join(args.files), parts, grid, effort)
    if args.out is not None:
        write_comparison(args.out, compared)
    if args.json:
        print_summary(asdict(compared), as_json=True)
    else:
        print_comparison(compared)
    return 0


def _read(args: argparse.Namespace, every: bool) -> Parts:
    report = HistoryReport(say=say_on_stderr)
    rows = read_history(args.files, history_options(args), report)
    sessions = series_sessions(rows, DEFAULT_CHANNELS if every else None)
    if report.bad_rows:
        say_on_stderr(f"{report.bad_rows:,} bad rows were left out, {report.rows:,} rows used")
    return parts_of(sessions, args.split, args.seed, ", ".join(args.files))


def _at_least(least: int, kind: Callable[[str], float]) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = kind(text)
        if not value >= least:
            raise argparse.ArgumentTypeError(f"got {text}, expected a number from {least} up")
        return value

    read.__name__ = "number"
    return read


_from_one = _at_least(1, int)
