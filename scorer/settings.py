"""`roompulse settings`: what holds for alerts now, and other settings in its place, without a restart.

What holds is read from the checkpoints, which are a second or two behind the log; what is applied goes through the log.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from msgspec import to_builtins
from rich.console import Console
from rich.table import Table
from rich.text import Text

from roompulse.control import ApplySettings, control_value
from roompulse.errors import BrokerError, CheckpointError
from roompulse.overrides import Overrides, read_overrides
from roompulse.settings import KAFKA, REDIS, add_settings, load_settings
from roompulse.summary import add_json, print_summary
from roompulse.thresholds import check_categories
from scorer.followed import Heads, ranges, read_heads, read_known_heads
from scorer.settings_text import Change, changes, tidied, toml_of

EXAMPLES = """\
examples:
  roompulse settings show > settings.toml
  roompulse settings apply settings.toml --dry-run
  roompulse settings apply settings.toml --note "fewer surges of food" """


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare both actions."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    about = {
        "show": "what holds now, as a file that could be applied",
        "apply": "a file's settings in place of all that hold",
    }
    made = {
        name: actions.add_parser(name, help=text, description=text.capitalize() + ".") for name, text in about.items()
    }
    made["show"].add_argument("--partition", type=int, metavar="N", help="of this one, where partitions differ")
    apply = made["apply"]
    apply.add_argument("file", metavar="FILE", help="TOML file with the tables [rules], [category.NAME] and [room.ID]")
    apply.add_argument("--dry-run", action="store_true", help="only show what would change")
    apply.add_argument("--force", action="store_true", help="write the records also where nothing would change")
    apply.add_argument("--note", metavar="TEXT", help="why; for people, and kept with the record")
    add_settings(apply, *KAFKA, "topic_prefix")
    for action in made.values():
        add_settings(action, *REDIS, "connect_timeout_s")
        add_json(action)


def run(args: argparse.Namespace) -> int:
    """Do one of them. Returns 0. Raises RoomPulseError."""
    return _show(args) if args.action == "show" else _apply(args)


def _show(args: argparse.Namespace) -> int:
    heads = read_known_heads(load_settings(args))
    groups = _groups(heads)
    if args.partition is not None and args.partition not in heads.saved:
        raise CheckpointError(f"partition {args.partition} has no checkpoint; there are {ranges(heads.saved)}")
    if args.json:
        rows = [_row(heads, partition) for partition in heads.saved if args.partition in {None, partition}]
        alike = len(groups) == 1
        print_summary({"partitions": rows, "alike": alike, "without_checkpoint": heads.missing}, as_json=True)
        return 0
    settings, partitions = groups[0]
    if args.partition is not None:
        settings, partitions = heads.saved[args.partition].head.follows.settings, [args.partition]
    elif len(groups) > 1:
        others = "; ".join(f"{ranges(others)} hold other settings" for _, others in groups[1:])
        print(f"partitions differ: {others}; --partition N shows those of one", file=sys.stderr)
    _say_missing(heads)
    print(f"# what partition {ranges(partitions)} holds")
    print(toml_of(settings) or "# nothing: the model's own thresholds", end="\n" if settings == Overrides() else "")
    return 0


def _row(heads: Heads, partition: int) -> dict[str, Any]:
    held = to_builtins(heads.saved[partition].head.follows.settings)
    said = {name: tables for name, tables in held.items() if tables}
    return {"partition": partition, "applied": heads.applied[partition], "settings": said}


def _apply(args: argparse.Namespace) -> int:
    settings = replace(load_settings(args), create_topics=False)
    wanted = tidied(read_overrides(Path(args.file)))
    check_categories(wanted.category)
    value = control_value(ApplySettings(wanted, args.note))
    heads = read_heads(settings)
    groups = [(partitions, changes(now, wanted)) for now, partitions in _groups(heads)]
    unknown = not heads.saved or bool(heads.missing)
    if not args.json:
        _print_changes(groups)
        _say_missing(heads)
    needed = unknown or any(found for _, found in groups)
    told: int | None = None
    if not needed and not args.force:
        print("nothing to do; --force writes the records all the same", file=sys.stderr)
    elif not args.dry_run:
        from roompulse.kafka_control import control_teller

        try:
            with control_teller(settings) as tell:
                told = tell(value)
        except BrokerError as error:
            raise BrokerError(f"{args.file} was not applied: {error}; applying it again is safe") from error
    summary: dict[str, Any] = {"changes": sum(len(found) for _, found in groups), "partitions_told": told}
    if args.json:
        summary["differences"] = [
            {"partitions": partitions, "changes": [asdict(change) for change in found]} for partitions, found in groups
        ]
        summary["without_checkpoint"] = heads.missing
    print_summary(summary, as_json=args.json)
    return 0


def _groups(heads: Heads) -> list[tuple[Overrides, list[int]]]:
    """The settings that hold and the partitions that hold them, those of most partitions first."""
    alike: list[tuple[Overrides, list[int]]] = []
    for partition, saved in heads.saved.items():
        now = saved.head.follows.settings
        group = next((partitions for settings, partitions in alike if settings == now), None)
        if group is None:
            alike.append((now, [partition]))
        else:
            group.append(partition)
    return sorted(alike, key=lambda group: -len(group[1]))


def _say_missing(heads: Heads) -> None:
    if not heads.saved:
        print("no partition has a checkpoint yet: what holds is not known", file=sys.stderr)
    elif heads.missing:
        print(f"no checkpoint yet, so that it is not known what holds: {ranges(heads.missing)}", file=sys.stderr)


def _print_changes(groups: Sequence[tuple[Sequence[int], Sequence[Change]]]) -> None:
    for partitions, found in groups:
        where = f"partition {ranges(partitions)}"
        if not found:
            print(f"{where}: nothing changes")
            continue
        table = Table(title=where, title_justify="left")
        for name in ("table", "setting", "now", "then"):
            table.add_column(name, overflow="fold")
        for change in found:
            cells = (f"[{change.table}]", change.key, change.before or "-", change.after or "-")
            table.add_row(*map(Text, cells))
        console = Console(highlight=False)
        (console if console.is_terminal else Console(width=120, highlight=False)).print(table)
