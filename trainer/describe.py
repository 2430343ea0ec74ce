"""`roompulse describe`: what a history holds, before anything is learnt from it.

roompulse describe predict.csv
roompulse describe sessions.csv --columns room_id=room_id,minute=minute,watch_ucnt=danmaku --period 60 --out exploration
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roompulse.errors import InputError, RoomPulseError
from roompulse.history import HistoryReport, add_history_options, history_options, read_history, say_on_stderr
from roompulse.summary import add_json, print_summary

if TYPE_CHECKING:
    from trainer.exploration_plots import Tables
    from trainer.history_frame import HistoryFrame

DEFAULT_PERIOD = 1440

EXAMPLES = """\
examples:
  roompulse describe predict.csv
  roompulse describe sessions.csv --columns room_id=room,minute=time,watch_ucnt=viewers --out exploration
  roompulse describe history.csv --fill zero --period 60 --json"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options. Nothing of pandas is needed for that."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    add_history_options(parser)
    group = parser.add_argument_group("exploration")
    add = group.add_argument
    add(
        "--fill",
        choices=("none", "zero"),
        default="none",
        help="zero: take every minute between a room's first and last one that is missing as 0, as the reference study "
        "does; gaps and dead streams are found before that (default %(default)s)",
    )
    add(
        "--period",
        type=_period,
        metavar="MINUTES",
        help=f"period of the seasonal decomposition (default {DEFAULT_PERIOD:,}, a day; two full periods are needed)",
    )
    add("--out", type=Path, metavar="DIR", help="new folder for report.html and the CSV tables")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Explore the files and tell. Raises RoomPulseError where there is nothing to tell of."""
    try:
        from trainer import exploration_files, exploration_tables
        from trainer.history_frame import frame_of
    except ImportError as error:
        raise RoomPulseError(f"describing needs the extra `train`: pip install 'roompulse[train]' ({error})") from error
    if args.out is not None:
        exploration_files.refuse_existing(args.out)
    report = HistoryReport(say=say_on_stderr)
    frame = frame_of(read_history(args.files, history_options(args), report))
    if frame.minutes.empty:
        raise InputError(f"no row to describe ({report.bad_rows:,} bad rows)", file=", ".join(args.files))
    summary: dict[str, Any] = {"files": args.files, "rows": report.rows, "bad_rows": report.bad_rows, "fill": args.fill}
    found, tables = explore(frame, fill=args.fill == "zero", period=args.period)
    summary |= found
    if args.out is not None:
        exploration_files.write(args.out, ", ".join(args.files), summary, tables)
        summary["out"] = str(args.out)
    if args.json:
        print_summary(summary, as_json=True)
    else:
        exploration_tables.show(summary)
    return 0


def explore(frame: HistoryFrame, *, fill: bool, period: int | None) -> tuple[dict[str, Any], Tables]:
    """The summary and the tables behind it. Raises RoomPulseError where a period was asked for that does not fit."""
    from trainer import exploration as of
    from trainer.calendar_days import profile
    from trainer.exploration_plots import Tables
    from trainer.history_frame import fill_zero
    from trainer.seasons import audience_of, decompose, why_not

    gaps, sessions = of.gaps_of(frame), of.sessions_of(frame)
    summary = of.overview(frame)
    summary["gaps"] = {"count": len(gaps), "minutes": int(gaps["minutes"].sum()), "longest": of.records(gaps.head(20))}
    summary["dead_streams"] = of.dead_streams(frame.minutes, sessions)
    used = fill_zero(frame) if fill else frame
    summary["filled_minutes"] = len(used.minutes) - len(frame.minutes)
    metrics, channels, correlations = of.metrics_of(used.minutes), of.channels_of(used), of.correlations_of(used)
    days, unknown_years = profile(used.minutes)
    summary |= {"metrics": of.records(metrics), "channels": of.records(channels)}
    summary |= {"profile": of.records(days), "years_without_holidays": unknown_years}
    summary["correlations_with_target"] = of.strongest(correlations)
    audience = audience_of(used.minutes)
    refusal = why_not(audience, period or DEFAULT_PERIOD)
    if refusal is not None and period is not None:
        raise RoomPulseError(f"--period {period}: no seasonal decomposition: {refusal}")
    seasons = None if refusal is not None else decompose(audience, period or DEFAULT_PERIOD)
    summary["decomposition"] = (
        {"refused": refusal}
        if seasons is None
        else {
            "period": seasons.period,
            "minutes": len(seasons.table),
            "interpolated_minutes": seasons.interpolated,
            "trend_strength": of.round4(seasons.trend_strength),
            "seasonal_strength": of.round4(seasons.seasonal_strength),
        }
    )
    return summary, Tables(metrics, channels, gaps, sessions, days, correlations, audience, seasons, frame.offset)


def _period(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 2 <= value <= 1_000_000:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number of minutes from 2 to 1,000,000")
    return value
