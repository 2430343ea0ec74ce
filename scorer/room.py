"""`roompulse room ID`: one room as the checkpoint holds it. Only reads."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from roompulse.errors import CheckpointError, UsageError
from roompulse.minutes import format_minute, parse_minute
from roompulse.rooms import layout_of, room_dtype
from roompulse.settings import REDIS, Settings, add_settings, load_settings, masked
from roompulse.summary import add_json, print_summary
from scorer.adapters.redis_place import place_of
from scorer.adapters.redis_rooms import SavedRoom, find_room
from scorer.pipeline.follow import Follows, model_code
from scorer.ports import Saved
from scorer.recovery import read_head
from scorer.room_view import room_view
from scorer.wiring import bundle_with

_MINUTES_A_LINE = 10

EXAMPLES = """\
examples:
  roompulse room room-17
  roompulse room room-17 --json | jq .open_alerts"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    parser.add_argument("room", metavar="ID", help="the room's id")
    add_settings(parser, *REDIS, "connect_timeout_s", "model", "registry")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Show the room. Returns 0. Raises CheckpointError where it is not there, or cannot be read."""
    settings = load_settings(args)
    try:
        args.room.encode()
    except UnicodeEncodeError:
        raise UsageError(f"ID: got {args.room!a}: expected UTF-8") from None
    found = find_room(place_of(settings), settings.redis_prefix, args.room, timeout_s=settings.connect_timeout_s)
    if found is None:
        raise CheckpointError(
            f"no room {args.room!r} in Redis at {masked(settings.redis_url)} under the prefix {settings.redis_prefix}: "
            "nobody has sent it yet, or it has been idle for seven days"
        )
    view = _view(args.room, found, settings)
    if args.json:
        print_summary(view, as_json=True)
    else:
        _show(view)
    return 0


def _view(room_id: str, found: SavedRoom, settings: Settings) -> dict[str, Any]:
    """The room's state in words. Raises CheckpointError where another version wrote it."""
    head = read_head(Saved(found.applied, found.head, ()))
    if head.shape is None or head.layout != layout_of(dtype := room_dtype(*head.shape)):
        raise CheckpointError("the checkpoint was written by another version of RoomPulse: its rooms cannot be read")
    row = np.frombuffer(found.row, dtype)[0]
    return room_view(room_id, row) | {
        "partition": found.partition,
        "applied": found.applied,
        "model": _label(int(row["model"]), head.head.follows, settings),
    }


def _label(code: int, follows: Follows, settings: Settings) -> str | None:
    """The label of the model whose state a room holds, or the beginning of its hash where its bundle is not here."""
    followed = next((turn.model for turn in follows.turns if model_code(turn.model) == code), None)
    if followed is None:
        return None
    bundle = bundle_with(followed, settings)
    return followed[:8] if bundle is None else bundle.label


def _show(view: Mapping[str, Any]) -> None:
    console = Console(highlight=False)
    plain = ("room_id", "partition", "model", "last_minute", "session_start", "session_over", "served_by", "spread")
    for name in (*plain, "threshold_shift", "snoozed_until", "hot_minutes"):
        console.print(Text(f"{name.replace('_', ' '):<16} {_cell(view[name])}"), soft_wrap=True)
    for name in ("interval_factors", "budget_shift", "evidence"):
        parts = "  ".join(f"{part} {_cell(value)}" for part, value in view[name].items())
        console.print(Text(f"{name.replace('_', ' '):<16} {parts}"), soft_wrap=True)
    console.print(_window_table(view["window"], view["last_minute"]))
    console.print(_forecast_table(view["forecast"], view["last_minute"]))
    for alert in view["open_alerts"]:
        told = "{kind} {severity}, open since {opened}, largest deviation {peak_deviation}, id {alert_id}"
        console.print(Text(told.format(**alert)), soft_wrap=True)
    if not view["open_alerts"]:
        console.print("no alert is open")


def _window_table(values: list[float | None], last_minute: str) -> Table:
    last = parse_minute(last_minute)
    table = Table("from", *(f"+{step}" for step in range(_MINUTES_A_LINE)), title="window", box=box.SIMPLE_HEAD)
    first = last.epoch - len(values) + 1
    for start in range(0, len(values), _MINUTES_A_LINE):
        clock = format_minute(first + start, last.offset)[11:16]
        table.add_row(clock, *map(_cell, values[start : start + _MINUTES_A_LINE]))
    return table


def _forecast_table(quantiles: Mapping[str, list[float | None]], last_minute: str) -> Table:
    last = parse_minute(last_minute)
    steps = range(1, len(next(iter(quantiles.values()))) + 1)
    clocks = (format_minute(last.epoch + step, last.offset)[11:16] for step in steps)
    table = Table("quantile", *clocks, title="forecast", box=box.SIMPLE_HEAD)
    for name, row in quantiles.items():
        table.add_row(name, *map(_cell, row))
    return table


def _cell(value: object) -> str:
    """A value for a person; a room's id may hold no control characters, so that it cannot steer the terminal."""
    return "-" if value is None else f"{value:,.15g}" if isinstance(value, float) else str(value)
