"""The model that RoomPulse ships: `make model` trains it again.

    python -m trainer.default_model                      cross-validate, train, put it into the package
    python -m trainer.default_model --out models/again   the same, into a new folder

It learns from the Bilibili development sessions and from simulated rooms. The figures on the card are from networks
that never saw the rooms they are judged by (three folds by room); what ships is then trained on all of them alike.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from roompulse.bundle import default_bundle, refuse_existing
from roompulse.errors import InputError, RoomPulseError
from roompulse.history import HistoryOptions, read_history
from roompulse.minutes import parse_minute
from roompulse.model_card import JUDGED_BY
from roompulse.simulation import DEFAULT_START, SimulationSettings, simulate_counts
from roompulse.summary import add_json, print_summary
from trainer.cross_validation import FOLDS, cross_validate_and_fit
from trainer.evaluation import loses_to, score
from trainer.export import export
from trainer.fitting import TrainingSettings
from trainer.leaderboard import outcome_of
from trainer.packing import metadata, pack
from trainer.report import report_page
from trainer.reporting import print_results, progress_bar
from trainer.rivals import rivals, spreads
from trainer.served_network import served_width
from trainer.sessions import LIMITS, Session, count_of, describe, hash_of, sessions_from

NAME, VERSION = "step", "1"
SIMULATED_ROOMS, JUDGING_ROOMS, SIMULATED_MINUTES = 300, 60, 480
TRAINING_SEED, JUDGING_SEED = 1001, 2002
RIVALS_EVERY = 6
"""Rivals learn from every sixth simulated session: 23,000 forecasts, and more give them nothing but time."""
SHARED_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
"""Beside the repository; ROOMPULSE_SHARED_DATA names another folder."""


def main(argv: Sequence[str] | None = None) -> int:
    """Train the shipped model. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.default_model", description="Train the shipped model.", allow_abbrev=False
    )
    add = parser.add_argument
    add("--out", type=Path, help="write the bundle here instead of replacing the shipped one")
    add("--steps", type=int, default=TrainingSettings().steps, help="training steps (default %(default)s)")
    add("--members", type=int, default=TrainingSettings().members, help="networks in one (default %(default)s)")
    add("--folds", type=Path, metavar="DIR", help="keep the networks of the cross-validation here, one bundle a fold")
    add_json(parser)
    args = parser.parse_args(argv)
    try:
        summary = make(args.out, TrainingSettings(steps=args.steps, members=args.members), args.folds)
    except RoomPulseError as error:
        print(f"default model: {error}", file=sys.stderr)
        return error.exit_code
    print_summary(summary, as_json=args.json)
    return 0


def make(out: Path | None, settings: TrainingSettings, folds: Path | None = None) -> dict[str, Any]:
    """Judge by cross-validation, train on everything, write the bundle. Returns the summary."""
    target = out or default_bundle().with_name("step-default.new")
    refuse_existing(target)
    sessions, simulated, unseen = (
        bilibili_sessions(),
        simulated_sessions(TRAINING_SEED, SIMULATED_ROOMS),
        simulated_sessions(JUDGING_SEED, JUDGING_ROOMS),
    )
    with progress_bar(settings, trainings=FOLDS + 1) as progress:
        judged_by = f"bilibili, {FOLDS} folds by room"
        scored, weights = cross_validate_and_fit(sessions, simulated, settings, progress, folds)
    outcomes = {judged_by: outcome_of(scored)}
    data_hash = hash_of([*sessions, *simulated])
    model = export(weights, metadata(NAME, VERSION, data_hash))
    learnt = [*sessions, *simulated[::RIVALS_EVERY]]
    field = rivals(learnt)
    widths = spreads(field, learnt)
    for title, others in {
        "simulated rooms, unseen": unseen[:100],
        "douyin, one room, unseen": douyin_sessions(),
    }.items():
        if others:
            outcomes[title] = outcome_of(score(model, served_width(weights), field, others, widths))
    card = {
        "data": {"hash": data_hash, "bilibili": describe(sessions), "simulated": describe(simulated)},
        "split": f"{FOLDS} folds by room for the figures; the shipped network is trained on all rooms",
        "settings": asdict(settings),
        JUDGED_BY: judged_by,
        "results": outcomes,
        "loses": {title: loses_to(outcome) for title, outcome in outcomes.items()},
        "limits": LIMITS,
    }
    page = report_page(f"{NAME} {VERSION}: {judged_by}", scored, outcomes[judged_by])
    bundle = pack(target, NAME, VERSION, weights, model, data_hash, card, page)
    print_results(outcomes)
    if out is None:
        # The repository keeps the one before; nothing that was released is changed.
        shutil.rmtree(default_bundle(), ignore_errors=True)
        target.rename(default_bundle())
    return {"bundle": str(out or default_bundle()), "model": bundle.label, "hash": bundle.hash}


def bilibili_sessions() -> list[Session]:
    """Comments a minute in 41 rooms; minutes that the recorder missed (recorded = 0) are blanks, not zeros."""
    columns = {"room_id": "room_id", "minute": "minute", "watch_ucnt": "danmaku"}
    return _sessions(
        shared_file("bilibili_live_2019", "sessions_minutes.csv"),
        HistoryOptions(columns=columns, where=(("recorded", "1"),)),
    )


def douyin_sessions() -> list[Session]:
    """One room's day in the platform's own export, to judge by only; empty where the file is not there."""
    path = shared_file("douyin_predict", "predict.csv", needed=False)
    return _sessions(path, HistoryOptions()) if path.exists() else []


def simulated_sessions(seed: int, rooms: int) -> list[Session]:
    """Sessions of simulated rooms, surges and slumps included."""
    start = parse_minute(DEFAULT_START)
    counts = simulate_counts(SimulationSettings(rooms=rooms, minutes=SIMULATED_MINUTES, start=start, seed=seed))
    return sessions_from(
        (f"simulated-{seed}-{room}", start.epoch + minute, count)
        for room, row in enumerate(counts)
        for minute, count in enumerate(row.tolist())
    )


def _sessions(path: Path, options: HistoryOptions) -> list[Session]:
    return sessions_from(map(count_of, read_history([str(path)], options)))


def shared_file(*parts: str, needed: bool = True) -> Path:
    """A file of the shared real data. Raises InputError where it is needed and not there."""
    path = Path(os.environ.get("ROOMPULSE_SHARED_DATA", SHARED_DATA)).joinpath(*parts)
    if needed and not path.exists():
        raise InputError("not found; ROOMPULSE_SHARED_DATA names the folder that holds it", file=str(path))
    return path


if __name__ == "__main__":
    sys.exit(main())
