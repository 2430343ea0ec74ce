"""`roompulse hotspots`: a network that learnt one series is laid beside another; where it is far off is a hotspot.

roompulse hotspots cases.csv --train new_total --apply new_local --order newest-first --out hotspots
"""

from __future__ import annotations

import argparse
import codecs
from collections.abc import Sequence
from dataclasses import asdict, replace
from math import inf, nan
from pathlib import Path
from typing import Any

from roompulse.bundle import HOTSPOT
from roompulse.errors import RoomPulseError, UsageError
from roompulse.history import say_on_stderr
from roompulse.summary import add_json, print_summary
from trainer.hotspots_series import NEWEST_FIRST, OLDEST_FIRST, Rows, Series, contradiction, read_rows, series_of
from trainer.preset_command import epoch_bar
from trainer.presets import PRESETS
from trainer.seeds import seed_number

_SETTINGS = next(settings for settings in PRESETS.values() if settings.kind == HOTSPOT)

EXAMPLES = """\
examples:
  roompulse hotspots cases.csv --train new_total --apply new_local --order newest-first
  roompulse hotspots sales.csv.gz --train week_1 --apply week_2 --threshold 25 --out hotspots"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options. TensorFlow is not needed for that."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    add = parser.add_argument
    add("file", metavar="FILE", help="CSV with a header, plain or gzip: an index or dates, and columns of numbers")
    add("--train", required=True, metavar="COLUMN", help="the series to learn from")
    add("--apply", required=True, metavar="COLUMN", help="the series to look at; may be the same")
    add(
        "--order",
        choices=(NEWEST_FIRST, OLDEST_FIRST),
        default=OLDEST_FIRST,
        help="how the rows lie in the file; the network reads forward in time (default %(default)s)",
    )
    add("--index", metavar="COLUMN", help="names the rows (default: the first column); a row without is left out")
    add("--encoding", type=_encoding, default="utf-8", help="of the text, such as gb18030 (default %(default)s)")
    add(
        "--threshold",
        type=_percent,
        default=10.0,
        metavar="PERCENT",
        help="a hotspot deviates by more than that from its forecast, up or down (default %(default)g)",
    )
    add(
        "--reference-indexing",
        action="store_true",
        help="compare each value with the forecast of the next index, as the reference's listing does",
    )
    add("--seed", type=seed_number, default=0, metavar="N", help="the same seed, the same bytes (default %(default)s)")
    add("--out", type=Path, metavar="DIR", help="also writes hotspots.csv and report.html into this new folder")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Read, train, compare, print and write. Returns the exit code; raises RoomPulseError."""
    rows = read_rows(args.file, list(dict.fromkeys([args.train, args.apply])), args.index, args.encoding)
    learnt, asked = (series_of(rows, name, args.order) for name in (args.train, args.apply))
    try:
        from trainer.exploration_files import refuse_existing
        from trainer.hotspots_report import print_hotspots, write_study
        from trainer.hotspots_study import check_length, compare, predict, train_on
    except ImportError as error:
        raise RoomPulseError(f"the study needs the extra `train`: pip install 'roompulse[train]' ({error})") from error
    if args.out is not None:
        refuse_existing(args.out)
    for series in (learnt, asked):
        check_length(series, _SETTINGS.window, args.file)
    told = _remarks(rows, (learnt, asked), args.order)
    for line in told:
        say_on_stderr(line)
    with epoch_bar(_SETTINGS.epochs) as progress:
        model, losses = train_on(learnt, replace(_SETTINGS, seed=args.seed), progress)
    table = compare(
        rows,
        asked,
        predict(model, asked, _SETTINGS.window),
        args.threshold,
        reference_indexing=args.reference_indexing,
    )
    title = f"{args.apply} against a network that learnt {args.train}: more than {args.threshold:g} % off"
    summary: dict[str, Any] = {
        "train": args.train,
        "apply": args.apply,
        "compared": len(table),
        "hotspots": sum(row.hotspot for row in table),
        "above": sum(row.hotspot and row.direction == "above" for row in table),
        "below": sum(row.hotspot and row.direction == "below" for row in table),
        "zero_actuals": sum(row.deviation_percent is None for row in table),
        "threshold_percent": args.threshold,
        "reference_indexing": args.reference_indexing,
        "loss": float(f"{losses[-1]:.4g}"),
    }
    if args.out is not None:
        write_study(args.out, title, table, losses, args.threshold, [*told, _how(args)])
        summary["out"] = str(args.out)
    if args.json:
        summary["rows"] = [asdict(row) for row in table]
    else:
        print_hotspots(table, title)
    print_summary(summary, as_json=args.json)
    return 0


def _remarks(rows: Rows, series: Sequence[Series], order: str) -> list[str]:
    """What was left out, and what looks like a mistake."""
    found = [f"{rows.without_index:,} rows have no index and were left out"] if rows.without_index else []
    blank = {each.name: each.blanks for each in series if each.blanks}
    found += [f"{count:,} blank cells of {name} were left out" for name, count in blank.items()]
    turned = contradiction(rows, order)
    return [*found, *([turned] if turned else [])]


def _how(args: argparse.Namespace) -> str:
    which = "of the next index, as the reference lists them" if args.reference_indexing else "made for it"
    return (
        f"Trained on {args.train} ({_SETTINGS.epochs} epochs, look-back {_SETTINGS.window}, seed {args.seed}), rows "
        f"{args.order}; each value beside the forecast {which}, truncated to a whole number."
    )


def _encoding(name: str) -> str:
    try:
        if "0,\n".encode(codecs.lookup(name).name) == b"0,\n":
            return name
    except (LookupError, UnicodeError):
        pass
    raise UsageError(f"--encoding: got {name!r}, expected an encoding that contains ASCII, such as utf-8 or gb18030")


def _percent(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = nan
    if not 0 <= value < inf:
        raise argparse.ArgumentTypeError(f"got {text}, expected a number from 0 up")
    return value
