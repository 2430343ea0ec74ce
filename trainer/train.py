"""`roompulse train`: history in, a model bundle out.

roompulse train history.csv --out models/mine
roompulse train sessions.csv --columns room_id=room_id,minute=minute,watch_ucnt=danmaku --out models/mine
roompulse train history.csv --preset univariate-2 --out models/reference
roompulse score --model models/mine
"""

from __future__ import annotations

import argparse
import re
from dataclasses import asdict
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roompulse.bundle import refuse_existing
from roompulse.errors import RoomPulseError
from roompulse.history import (
    HistoryReport,
    add_history_options,
    history_options,
    read_history,
    say_on_stderr,
    zone_named,
)
from roompulse.minutes import offset_at
from roompulse.model_card import HELDOUT, JUDGED_BY
from roompulse.summary import add_json, print_summary
from trainer.dead import dead_text
from trainer.preset_command import run_preset
from trainer.presets import add_preset_options, preset_settings
from trainer.seeds import seed_number
from trainer.sessions import (
    LIMITS,
    Session,
    Split,
    all_sessions,
    check_conflicts,
    check_usable,
    count_of,
    describe,
    hash_of,
    living,
    split,
    thinned,
)

if TYPE_CHECKING:
    from trainer.fitting import TrainingSettings


MOST_LEARNT_FROM, MOST_JUDGED = 400_000, 50_000
"""Minutes that rivals learn from and that judge: of more, every second, third session. Each costs kilobytes."""

EXAMPLES = """\
examples:
  roompulse train history.csv --out my-model
  roompulse train history.csv --out my-model --resume
  roompulse train history.csv --preset univariate-2 --out reference"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options. TensorFlow is not needed for that."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    add_history_options(parser)
    group = parser.add_argument_group("training")
    add = group.add_argument
    add("--out", required=True, type=Path, metavar="DIR", help="folder of the new bundle; nothing is overwritten")
    add("--name", type=_name, default="step", help="name of the model (default %(default)s)")
    add("--model-version", type=_name, default="1", metavar="TEXT", help="version of the model (default %(default)s)")
    add("--steps", type=_positive, default=1200, metavar="N", help="training steps (default %(default)s)")
    add("--units", type=_positive, default=16, metavar="N", help="LSTM units of each member (default %(default)s)")
    add("--members", type=_positive, default=3, metavar="N", help="networks merged into one (default %(default)s)")
    add("--batch-size", type=_positive, default=48, metavar="N", help="sequences in a step (default %(default)s)")
    add(
        "--holdout", type=_share, default=0.25, metavar="SHARE", help="share of rooms to judge by (default %(default)s)"
    )
    add(
        "--seed",
        type=seed_number,
        default=0,
        metavar="N",
        help="the same seed gives the same bytes (default %(default)s)",
    )
    add("--resume", action="store_true", help="go on with the training that was interrupted")
    add_preset_options(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Train, judge, write the bundle and print how the network did against the baselines."""
    refuse_existing(args.out)  # before the minutes of training, not after
    if (preset := preset_settings(args)) is not None:
        return run_preset(args, preset)
    sessions, dead = read_sessions(args)
    try:
        from trainer.fitting import TrainingSettings
    except ImportError as error:
        raise RoomPulseError(f"training needs the extra `train`: pip install 'roompulse[train]' ({error})") from error
    settings = TrainingSettings(
        units=args.units, members=args.members, steps=args.steps, batch_size=args.batch_size, seed=args.seed
    )
    parts = split(sessions, args.holdout, args.seed)
    zone = zone_named(args.timezone)
    summary = train(
        parts, settings, args.out, args.name, args.model_version, quiet=args.json, resume=args.resume, zone=zone
    )
    print_summary(summary | {"dead_sessions": dead}, as_json=args.json)
    return 0


def read_sessions(args: argparse.Namespace) -> tuple[list[Session], int]:
    """The sessions of the files that the flags name, and how many dead ones were left out.

    Raises InputError where nothing can be learnt from them.
    """
    report = HistoryReport(say=say_on_stderr)
    options = history_options(args)
    conflicts: list[tuple[str, int]] = []
    every = all_sessions(map(count_of, read_history(args.files, options, report)), conflicts)
    check_conflicts(conflicts, every, ", ".join(args.files))
    sessions, dead = living(every)
    if report.bad_rows:
        say_on_stderr(f"{report.bad_rows:,} bad rows were left out, {report.rows:,} rows used")
    if dead:
        say_on_stderr(f"{dead.total():,} dead sessions were left out: {dead_text(dead)}")
    check_usable(sessions, ", ".join(args.files))
    return sessions, dead.total()


def train(
    parts: Split,
    settings: TrainingSettings,
    out: Path,
    name: str,
    version: str,
    *,
    quiet: bool,
    resume: bool = False,
    zone: tzinfo = UTC,
) -> dict[str, Any]:
    """Fit on the training part, judge on the held-out one, write the bundle. Returns the summary."""
    from trainer.checkpoints import Checkpoints
    from trainer.evaluation import loses_to, score
    from trainer.export import export
    from trainer.fitting import fit
    from trainer.leaderboard import outcome_of
    from trainer.packing import metadata, pack
    from trainer.reporting import print_results, progress_bar
    from trainer.rivals import rivals, spreads
    from trainer.served_network import served_width
    from trainer.train_report import LearningCurve, judged_of, train_page

    data_hash = hash_of(parts.training)
    checkpoints = Checkpoints(out.with_name(f".{out.name}.training"))
    checkpoints.begin({"data": data_hash, "settings": asdict(settings)}, resume=resume)
    curve = LearningCurve()
    with progress_bar(settings) as progress:

        def step(member: int, number: int, loss: float) -> None:
            curve.see(member, number, loss)
            progress(member, number, loss)

        weights = fit(parts.training, settings, step, checkpoints=checkpoints)
    model = export(weights, metadata(name, version, data_hash))
    learnt, judged = thinned(parts.training, MOST_LEARNT_FROM), thinned(parts.heldout, MOST_JUDGED)
    field = rivals(learnt)
    scored = score(model, served_width(weights), field, judged, spreads(field, learnt))
    outcome = outcome_of(scored)
    card = {
        "data": {"hash": data_hash} | describe(parts.training),
        "heldout": {"rule": parts.rule} | describe(judged),
        "settings": asdict(settings),
        JUDGED_BY: HELDOUT,
        "results": {HELDOUT: outcome},
        "loses": loses_to(outcome),
        "limits": LIMITS,
    }
    about = {"split": parts.rule, "time zone": str(zone)} | {key: str(value) for key, value in asdict(settings).items()}
    judged_rows = judged_of(scored, judged, offset_at(judged[0].start, zone))
    page = train_page(f"{name} {version}, held-out sessions", scored, judged_rows, outcome, curve, about)
    bundle = pack(out, name, version, weights, model, data_hash, card, page)
    checkpoints.end()
    if not quiet:
        print_results({"held-out sessions": outcome})
    summary: dict[str, Any] = {
        "bundle": str(out),
        "model": bundle.label,
        "training_sessions": len(parts.training),
        "heldout_sessions": len(judged),
        "split": parts.rule,
    }
    if quiet:
        return summary | {"results": outcome, "loses": loses_to(outcome)}
    return summary | {"loses": ", ".join(loses_to(outcome)) or "nowhere"}


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text):  # it ends up in every forecast and in file names
        raise argparse.ArgumentTypeError(f"got {text!r}, expected up to 64 letters, digits, dots, hyphens, underscores")
    return text


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"got {text}, expected a whole number from 1 up")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"got {text}, expected a share between 0 and 1")
    return value
