"""`backtest --against DIR`: which alerts of this run are new, gone, earlier or later than in an earlier run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from roompulse.errors import RoomPulseError
from scorer.grading import AROUND_MINUTES
from scorer.report.alerts import Episode, read_alerts

NEW, GONE, EARLIER, LATER, SAME = CHANGES = ("new", "gone", "earlier", "later", "same")
FILE = "compare.jsonl"
MOST_SHOWN = 40
_STYLES = {NEW: "bold #e69f00", GONE: "bold #56b4e9", EARLIER: "#009e73", LATER: "#cc79a7", SAME: "dim"}
_FOR_EVER = 1 << 62


class Change(Struct, frozen=True):
    """One alert in both runs, or in one of them. `minutes` is how much later it opens in this run, below 0 earlier."""

    change: str
    room_id: str
    kind: str
    opened: str | None
    opened_then: str | None
    minutes: int | None
    severity: str | None
    severity_then: str | None
    alert_id: str | None
    alert_id_then: str | None


def changes(now: Sequence[Episode], then: Sequence[Episode]) -> list[Change]:
    """Every alert of either run, by opening.

    Two are the same alert if they are of one room and one kind, and were open at the same time or opened within
    AROUND_MINUTES of each other. Of several that fit, those that open nearest to each other belong together, each once.
    """
    by_place: dict[tuple[str, str], list[Episode]] = defaultdict(list)
    for one in then:
        by_place[one.alert.room_id, one.alert.kind].append(one)
    fitting = [
        (abs(one.opened - other.opened), one, other)
        for one in now
        for other in by_place[one.alert.room_id, one.alert.kind]
        if _fits(one, other)
    ]
    paired: dict[str, Episode] = {}
    taken: set[str] = set()
    for _, one, other in sorted(fitting, key=lambda pair: (pair[0], pair[1].opened, pair[2].opened)):
        if one.alert.alert_id not in paired and other.alert.alert_id not in taken:
            paired[one.alert.alert_id] = other
            taken.add(other.alert.alert_id)
    found = [(one.opened, _change(one, paired.get(one.alert.alert_id))) for one in now]
    found += [(other.opened, _change(None, other)) for other in then if other.alert.alert_id not in taken]
    return [change for _, change in sorted(found, key=lambda item: (item[0], item[1].room_id, item[1].kind))]


def compare(folder: Path, other: Path) -> list[Change]:
    """Compare two runs' folders and write compare.jsonl into the first. Raises RoomPulseError."""
    found = changes(read_alerts(folder), read_alerts(other))
    path = folder / FILE
    try:
        path.write_bytes(b"".join(msgspec.json.encode(change) + b"\n" for change in found))
    except OSError as error:
        raise RoomPulseError(f"{path}: cannot be written: {error.strerror or error}") from error
    return found


def counts(found: Sequence[Change]) -> dict[str, int]:
    """How many of each."""
    by_change = Counter(change.change for change in found)
    return {name: by_change[name] for name in CHANGES}


def print_changes(found: Sequence[Change], other: Path, console: Console) -> None:
    """What changed as a table; what stayed the same is only counted."""
    changed = [change for change in found if change.change != SAME]
    told = ", ".join(f"{count} {name}" for name, count in counts(found).items())
    table = Table(title=Text(f"Alerts against {other}: {told}"), title_justify="left")
    for name in ("change", "room", "kind", "opens", "opened then", "minutes"):
        table.add_column(name, justify="right" if name == "minutes" else "left", overflow="fold")
    for change in changed[:MOST_SHOWN]:
        table.add_row(Text(change.change, _STYLES[change.change]), *map(Text, cells(change)))
    console.print(table)
    if len(changed) > MOST_SHOWN:
        console.print(f"{len(changed) - MOST_SHOWN} more are in {FILE}", highlight=False)


def cells(change: Change) -> list[str]:
    """Room, kind, openings and minutes as text."""
    opened, then = (("-" if at is None else at[:16].replace("T", " ")) for at in (change.opened, change.opened_then))
    minutes = "-" if change.minutes is None else f"{change.minutes:+d}" if change.minutes else "0"
    return [change.room_id, change.kind, opened, then, minutes]


def as_json(found: Sequence[Change]) -> Mapping[str, object]:
    """Counts, and what changed."""
    return {**counts(found), "changes": [msgspec.to_builtins(change) for change in found if change.change != SAME]}


def _fits(one: Episode, other: Episode) -> bool:
    ends = [_FOR_EVER if of.ended is None else of.ended for of in (one, other)]
    overlap = one.opened <= ends[1] and other.opened <= ends[0]
    return overlap or abs(one.opened - other.opened) <= AROUND_MINUTES


def _change(one: Episode | None, other: Episode | None) -> Change:
    any_of = one or other
    assert any_of is not None
    minutes = None if one is None or other is None else one.opened - other.opened
    name = NEW if other is None else GONE if one is None else EARLIER if minutes and minutes < 0 else LATER
    now, then = (None if of is None else of.alert for of in (one, other))
    return Change(
        SAME if minutes == 0 else name, any_of.alert.room_id, any_of.alert.kind, now.opened if now else None,
        then.opened if then else None, minutes, one.severity if one else None, other.severity if other else None,
        now.alert_id if now else None, then.alert_id if then else None,
    )  # fmt: skip
