"""`roompulse calibrate FILES --out DIR`: from alerts a reader wants per room-day to the evidence that opens one.

The history is run under several bars at once; what opened under each is counted by size of the room and by category.
The bundle that is written has the same network, and bars for every budget from 0.25 to 8 alerts per room-day.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from roompulse.bundle import refuse_existing, write_bundle
from roompulse.errors import InputError
from roompulse.history import HistoryRow, add_history_options, history_options, read_history, say_on_stderr
from roompulse.labels import read_labels
from roompulse.progress import ReplayProgress
from roompulse.rules import BUDGET_KNOTS, Rules
from roompulse.settings import add_settings, load_settings
from roompulse.summary import add_json, print_summary
from scorer.budgets import LEAST_DAYS, TRIED, calibrated, count_openings, rate_table, total
from scorer.grading import Grading
from scorer.wiring import chosen_bundle, open_model

EXAMPLES = """\
examples:
  roompulse calibrate history.csv --out calibrated
  roompulse calibrate history.csv --labels labels.csv --out calibrated
  roompulse score --model calibrated --surge-budget 2"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    add_history_options(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="new folder for the model with its new bars")
    parser.add_argument(
        "--labels", metavar="FILE", help="from `labels` or `simulate`: say how much of it each bar would find"
    )
    add_json(parser)
    add_settings(parser, "model")


def run(args: argparse.Namespace) -> int:
    """Calibrate and write the bundle. Returns 0. Raises RoomPulseError."""
    settings = load_settings(args)
    refuse_existing(Path(args.out))
    labels = read_labels(Path(args.labels)) if args.labels else None
    gradings = [] if labels is None else [Grading(labels) for _ in TRIED]
    bundle = chosen_bundle(settings)
    context = open_model(bundle, settings, None)
    with ReplayProgress() as progress:
        rows = _watched(read_history(args.files, history_options(args)), progress, gradings)
        found = count_openings(rows, context, gradings)
    every = total(found.values())
    days = float(every.days[0].sum())
    if not days:
        raise InputError("no minute had a forecast to be judged by: nothing to calibrate with", file=args.files[0])
    if days < LEAST_DAYS:
        say_on_stderr(f"{days:.2g} room-days of history say little: the bars are guesses below {LEAST_DAYS:.0f}")
    rules = calibrated(context.rules, found)
    account: dict[str, object] = {
        "room_days": round(days, 2),
        "room_days_by_category": {
            name: round(float(counts.days[0].sum()), 2) for name, counts in sorted(found.items())
        },
        "bars_tried": list(TRIED),
        "alerts_per_room_day": rate_table(every),
        "budgets": list(BUDGET_KNOTS),
        "surge_bars": [list(bars) for bars in rules.surge_bars],
        "slump_bars": [list(bars) for bars in rules.slump_bars],
    }
    if gradings:
        graded = [grading.summary() for grading in gradings]
        account["labels"] = graded[0]["labels"]
        account |= {name: [_short(summary[name]) for summary in graded] for name in ("precision", "recall")}
    specification = replace(bundle.specification, rules=_changed(rules))
    card = dict(bundle.card) | {"calibration": account}
    written = write_bundle(Path(args.out), specification, bundle.model, card, bundle.golden, bundle.report)
    print_summary(account | {"bundle": args.out, "model": written.label}, as_json=args.json)
    return 0


def _changed(rules: Rules) -> dict[str, object]:
    """What differs from the defaults, as a bundle carries it."""
    default: dict[str, object] = msgspec.to_builtins(Rules())
    return {name: value for name, value in msgspec.to_builtins(rules).items() if value != default[name]}


def _short(share: object) -> float | None:
    return round(share, 3) if isinstance(share, float) else None


def _watched(rows: Iterable[HistoryRow], progress: ReplayProgress, gradings: Sequence[Grading]) -> Iterator[HistoryRow]:
    for number, row in enumerate(rows, 1):
        progress.update(number, row.minute)
        for grading in gradings:
            grading.see([row])
        yield row
