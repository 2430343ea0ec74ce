"""How good the forecasts of a bundle are, raw and as served, beside every rival on the same rows.

    python -m bench.forecast standard --folds DIR      the three real data sets and rooms that stream for a whole day
    python -m bench.forecast files HISTORY.csv --learn OTHERS.csv --columns ... --model BUNDLE

`--folds` holds the networks of a cross-validation (`python -m trainer.default_model --folds DIR`); without it the rooms
that the shipped network learnt from are left out, since it has seen them. Rivals that learn do so from `--learn`, or
from what the shipped network learnt from. Nothing is trained on Douyin or AIOps.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.datasets import aiops_sessions, whole_days
from bench.judging import judge, judge_folds
from roompulse.bundle import default_bundle, load_bundle
from roompulse.errors import RoomPulseError
from roompulse.history import add_history_options, history_options, read_history
from trainer.cross_validation import FOLDS, folds_by_room
from trainer.default_model import (
    RIVALS_EVERY,
    SIMULATED_ROOMS,
    TRAINING_SEED,
    bilibili_sessions,
    douyin_sessions,
    simulated_sessions,
)
from trainer.reporting import print_results
from trainer.rivals import rivals, spreads
from trainer.sessions import Session, count_of, sessions_from


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.forecast", description="Judge a bundle's forecasts.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True)
    standard = commands.add_parser("standard", help="the real data sets beside the repository", allow_abbrev=False)
    standard.add_argument("--folds", type=Path, metavar="DIR", help="networks of a cross-validation by room")
    files = commands.add_parser("files", help="history files of your own", allow_abbrev=False)
    add_history_options(files)
    files.add_argument("--learn", action="append", default=[], metavar="FILE", help="what the rivals learn from")
    for command in (standard, files):
        command.add_argument("--model", type=Path, default=default_bundle(), metavar="DIR", help="the bundle")
        command.add_argument("--json", action="store_true", help="one JSON object on the last line")
    args = parser.parse_args(argv)
    try:
        outcomes = _standard(args) if args.command == "standard" else _files(args)
    except RoomPulseError as error:
        print(f"bench.forecast: {error}", file=sys.stderr)
        return error.exit_code
    for title, outcome in outcomes.items():
        print_results({title: outcome["network"], f"{title}, as served": outcome["served"]})
        print(_sentence(outcome))
    if args.json:
        print(json.dumps(outcomes))
    return 0


def _files(args: argparse.Namespace) -> dict[str, Any]:
    sessions = _read(args, args.files)
    training = _read(args, args.learn) if args.learn else _learnt()
    field = rivals(training)
    return {", ".join(args.files): judge(load_bundle(args.model), field, spreads(field, training), sessions)}


def _standard(args: argparse.Namespace) -> dict[str, Any]:
    bundle, training = load_bundle(args.model), _learnt()
    outcomes: dict[str, Any] = {}
    if args.folds is not None:
        folds = [load_bundle(args.folds / f"fold-{fold}") for fold in range(FOLDS)]
        parts = folds_by_room(bilibili_sessions(), folds[0].card["settings"]["seed"])
        outcomes[f"bilibili, {FOLDS} folds by room"] = judge_folds(folds, parts)
    field = rivals(training)
    widths = spreads(field, training)
    others = {"douyin, unseen": douyin_sessions(), "AIOps, unseen": aiops_sessions(), "whole days": whole_days()}
    return outcomes | {name: judge(bundle, field, widths, found) for name, found in others.items() if found}


def _learnt() -> list[Session]:
    return [*bilibili_sessions(), *simulated_sessions(TRAINING_SEED, SIMULATED_ROOMS)[::RIVALS_EVERY]]


def _read(args: argparse.Namespace, files: Sequence[str]) -> list[Session]:
    return sessions_from(map(count_of, read_history(list(files), history_options(args))))


def _sentence(outcome: Mapping[str, Any]) -> str:
    """Where the network loses, and what the gate made of it."""
    lost, gated = outcome["loses"], outcome["gated_share"]
    text = f"The network loses at {', '.join(lost)}." if lost else "The network loses nowhere."
    text += f" The gate served the mean instead in {gated:.1%} of the minutes"
    rooms = [f"{room} {share:.0%}" for room, share in outcome["gated_by_room"].items() if share >= 0.05]
    return text + (f" ({', '.join(rooms[:12])}).\n" if rooms else ".\n")


if __name__ == "__main__":
    sys.exit(main())
