"""How well labelled surges and slumps were caught. docs/demo.md gives the rule in words; it must say the same."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from roompulse.minutes import parse_minute

IN_TIME_MINUTES = 5
AFTERMATH_MINUTES = 10


@dataclass(frozen=True, slots=True)
class Injected:
    """A labelled surge or slump; first and last epoch minute, and the factor on the room's traffic at its height."""

    room: str
    kind: str
    first_minute: int
    last_minute: int
    magnitude: float


@dataclass(frozen=True, slots=True)
class Opening:
    """An alert that opened in an epoch minute."""

    room: str
    kind: str
    minute: int


@dataclass(frozen=True, slots=True)
class Scorecard:
    """What was there to find, what was found, and what was cried for nothing."""

    injected: Mapping[str, int]
    caught: Mapping[str, int]
    late: int
    """Alerted while it lasted, but after its first five minutes: counted as missed."""
    false_alerts: int
    echoes: int
    """False alerts that are the other side of a labelled one: it ended, and that looked like a move of its own."""
    hotspots: int
    hotspots_unlabelled: int
    room_hours: float

    def summary(self) -> dict[str, object]:
        """For the summary of the demo."""
        injected, caught = sum(self.injected.values()), sum(self.caught.values())
        return {
            "injected": injected,
            "caught": caught,
            "missed": injected - caught,
            "caught_late": self.late,
            "surges_injected": self.injected.get("surge", 0),
            "surges_caught": self.caught.get("surge", 0),
            "slumps_injected": self.injected.get("slump", 0),
            "slumps_caught": self.caught.get("slump", 0),
            "false_alerts": self.false_alerts,
            "false_alerts_echoes": self.echoes,
            "room_hours": round(self.room_hours, 2),
            "false_alerts_per_room_hour": round(self.false_alerts / self.room_hours, 4) if self.room_hours else None,
            "hotspots": self.hotspots,
            "hotspots_outside_labels": self.hotspots_unlabelled,
        }


def read_labels(path: Path) -> list[Injected]:
    """The labels that `roompulse simulate --labels` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Injected(
                row["room_id"],
                row["kind"],
                parse_minute(row["first_minute"]).epoch,
                parse_minute(row["last_minute"]).epoch,
                float(row["magnitude"]),
            )
            for row in csv.DictReader(file)
        ]


def scorecard(
    labels: Iterable[Injected], openings: Iterable[Opening], room_minutes: Mapping[int, int], first_scored: int
) -> Scorecard:
    """Match alerts with labels. `room_minutes` counts the forecasts by epoch minute; before `first_scored` is warm-up.

    What begins in the warm-up, or so late that its first five minutes are not over, is not judged.
    """
    last = max(room_minutes, default=first_scored)
    by_room: dict[str, list[Injected]] = {}
    for label in labels:
        by_room.setdefault(label.room, []).append(label)
    opened: dict[tuple[str, str], list[int]] = {}
    for opening in openings:
        opened.setdefault((opening.room, opening.kind), []).append(opening.minute)
    injected: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    late = 0
    for label in (label for room in by_room.values() for label in room):
        if not first_scored <= label.first_minute <= last - IN_TIME_MINUTES:
            continue
        injected[label.kind] += 1
        delays = [minute - label.first_minute for minute in opened.get((label.room, label.kind), ())]
        if any(0 <= delay <= IN_TIME_MINUTES for delay in delays):
            caught[label.kind] += 1
        elif any(IN_TIME_MINUTES < delay <= label.last_minute - label.first_minute for delay in delays):
            late += 1
    alerts = [
        Opening(room, kind, minute)
        for (room, kind), minutes in opened.items()
        for minute in minutes
        if minute >= first_scored
    ]
    hotspots = [alert for alert in alerts if alert.kind == "hotspot"]
    unlabelled = [
        alert
        for alert in alerts
        if not any(_explains(label, alert, alert.kind) for label in by_room.get(alert.room, ()))
    ]
    false = [alert for alert in unlabelled if alert.kind != "hotspot"]
    opposite = {"surge": "slump", "slump": "surge"}
    echoes = [
        alert
        for alert in false
        if any(_explains(label, alert, opposite[alert.kind]) for label in by_room.get(alert.room, ()))
    ]
    return Scorecard(
        injected,
        caught,
        late,
        len(false),
        len(echoes),
        len(hotspots),
        len(unlabelled) - len(false),
        sum(count for minute, count in room_minutes.items() if minute >= first_scored) / 60,
    )


def _explains(label: Injected, alert: Opening, kind: str) -> bool:
    """Whether the alert lies in the label or its aftermath and `kind` is the label's; a surge explains a hotspot."""
    wanted = "surge" if kind == "hotspot" else kind
    return label.kind == wanted and label.first_minute <= alert.minute <= label.last_minute + AFTERMATH_MINUTES
