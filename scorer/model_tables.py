"""What a person sees of the registry: one line a bundle, or one bundle's card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from roompulse.model_card import MEASURES
from scorer.followed import PLAIN_MEAN, Followed, ranges

WIDTH = 120
"""Without a terminal; the tables are then read in files and pagers."""


def print_listing(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a bundle."""
    console = _console()
    if not rows:
        console.print(Text(f"{folder}: no bundle yet; `roompulse models promote BUNDLE` takes one in"))
        return
    table = Table(title="mean absolute error on held-out rooms, counts a minute", title_justify="left")
    for name in ("label", "alias", "kind", "data"):
        table.add_column(name, overflow="fold")
    for name in (*MEASURES, "best baseline", "80 % holds"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(Text(row["label"]), ", ".join(row["aliases"]), *_cells(row))
    console.print(table)
    for row in rows:
        if "damaged" in row:
            console.print(_plain(f"damaged: {row['damaged']}"), soft_wrap=True)


def _cells(row: Mapping[str, Any]) -> list[Text]:
    if "damaged" in row:
        return [Text("damaged")]
    cells = [str(row["kind"]), str(row["data_hash"])[:8]]
    heldout = row["heldout"]
    if heldout is None:
        return [*map(_plain, cells), Text("no figures")]
    cells += [_number(heldout["mae"].get(measure)) for measure in MEASURES]
    cells += [f"{heldout['best_baseline']} {_number(heldout['best_baseline_mae'])}"]
    cells += ["-" if heldout["coverage_80"] is None else f"{heldout['coverage_80']:.1%}"]
    return list(map(_plain, cells))


def print_followed(partitions: Sequence[Followed], missing: Sequence[int]) -> None:
    """What the partitions follow, those that follow the same on one line."""
    console = _console()
    if not partitions:
        console.print("no partition has a checkpoint yet: what they follow is not known")
        return
    table = Table(title="what the partitions follow, as their checkpoints say", title_justify="left")
    for name in ("partitions", "champion", "since", "rooms turn until", "challenger", "serves"):
        table.add_column(name, overflow="fold")
    alike: dict[tuple[str | None, ...], list[Followed]] = {}
    for one in partitions:
        alike.setdefault((one.champion, one.turning_until, one.challenger, one.served), []).append(one)
    for (champion, until, challenger, served), ones in alike.items():
        since = min((one.since for one in ones if one.since is not None), default="-")
        cells = (ranges(one.partition for one in ones), champion, since, until or "-", challenger or "-", served)
        table.add_row(*map(_plain, cells))
    console.print(table)
    if missing:
        console.print(_plain(f"no checkpoint yet: partition {ranges(missing)}"), soft_wrap=True)
    if any(one.served == PLAIN_MEAN for one in partitions):
        hint = "the network was demoted where the plain mean is served; `roompulse models promote champion` ends that"
        console.print(_plain(hint), soft_wrap=True)


def print_bundle(about: Mapping[str, Any], changes: Sequence[Mapping[str, str]], card: Mapping[str, Any]) -> None:
    """What the bundle is, how it came to its aliases, and its card."""
    console = _console()
    for name in ("label", "folder", "hash", "kind", "data_hash"):
        console.print(_plain(f"{name.replace('_', ' '):<10} {about[name]}"), soft_wrap=True)
    console.print(_plain(f"{'loses':<10} {'; '.join(about['losses']) or 'to no baseline'}"), soft_wrap=True)
    for change in changes:
        console.print(_plain(f"{change['alias']:<10} {change['how']} {change['at']}"))
    _print_part(console, "card", card, 0)


def _print_part(console: Console, name: str, value: object, depth: int) -> None:
    """A card as an outline; whatever has figures by name only becomes one line."""
    lead = "  " * depth + str(name)
    if isinstance(value, Mapping) and not all(isinstance(part, int | float | None) for part in value.values()):
        console.print(_plain(lead))
        for key, part in value.items():
            _print_part(console, key, part, depth + 1)
    elif isinstance(value, Mapping):
        shown = "  ".join(f"{key} {_number(part)}" for key, part in value.items())
        console.print(_plain(f"{lead}: {shown}"), soft_wrap=True)
    elif isinstance(value, list):
        console.print(_plain(lead))
        for part in value:
            _print_part(console, "-", part, depth + 1)
    else:
        console.print(_plain(f"{lead}: {value}"), soft_wrap=True)


def _plain(value: object) -> Text:
    """A card is written by whoever made the bundle: it must not steer the terminal."""
    return Text("".join(sign if sign.isprintable() else "?" for sign in str(value)))


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "-" if value is None else str(value)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=WIDTH, highlight=False)
