"""The report's sections that are mostly words: what the run came to, its alerts, the settings that held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from roompulse.minutes import format_minute
from roompulse.report.judged import Estimate, Judged
from roompulse.report.page import Cell, Section, cards, figure, points, table, text
from roompulse.report.plots import against_diagonal
from roompulse.report.skill import verdict
from roompulse.resampling import Floats
from scorer.report.alerts import Episode

MOST_LISTED = 500


def summary_section(
    summary: Mapping[str, object], judged: Judged | None, rooms: int, days: float, alerts: Sequence[Episode]
) -> Section:
    """The figures that stand out, then what they say of the forecasts."""
    kinds = Counter(one.alert.kind for one in alerts)
    told = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.items()) or "none"
    items = [
        (_shown(summary["events_in"]), "room-minutes read", f"{rooms:,} rooms, {_shown(summary['sessions'])} sessions"),
        (f"{len(alerts):,}", "alerts", told),
        (f"{len(alerts) / days:.2g}" if days else "-", "alerts per room-day", f"{days:.3g} room-days"),
        (_shown(summary["error_at_1"]), "error one minute ahead", f"naive: {_shown(summary['naive_error_at_1'])}"),
        (_shown(summary["coverage_percent"], " %"), "inside the 10-90 % interval", "should be 80 %"),
    ]
    if "precision" in summary:
        found = f"{_shown(summary['labels_found'])} of {_shown(summary['labels_real'])} labels"
        items.append((_percent(summary["recall"]), "recall", found))
        right = f"{_shown(summary['alerts_right'])} right, {_shown(summary['alerts_false'])} false"
        items.append((_percent(summary["precision"]), "precision", right))
    parts = [cards(items)]
    if judged is not None:
        parts.append(points(verdict(judged)))
    return Section("In short", parts)


def alerts_section(alerts: Sequence[Episode], offset: int, last: int) -> Section:
    """Every alert, or the most severe ones of many."""
    if not alerts:
        return Section("Alerts", [text("No alert opened.")])
    shown = list(alerts)
    more = ""
    if len(shown) > MOST_LISTED:
        shown = sorted(sorted(alerts, key=lambda one: -one.rank)[:MOST_LISTED], key=lambda one: one.opened)
        more = f" The {MOST_LISTED} most severe are listed; alerts.jsonl has them all."
    head = ["opened", "room", "kind", "severity", "what was told", "open, minutes", "came", "expected",
            "deviation, %", "tail probability", "ended"]  # fmt: skip
    rows: list[list[str | Cell]] = []
    for one in shown:
        alert = one.alert
        deviation, rare = alert.deviation_percent, alert.tail_probability
        rows.append(
            [
                Cell(_clock(one.opened, offset), one.opened, "key"),
                Cell(alert.room_id, style="room"),
                Cell(alert.kind, style=alert.kind if alert.kind in {"surge", "slump", "hotspot"} else ""),
                Cell(one.severity, one.rank),
                Cell(alert.text, style="told"),
                f"{one.minutes(last):,}",
                *(Cell(_number(value), value) for value in (alert.actual, alert.expected)),
                Cell("-" if deviation is None else f"{deviation:+.0f}", deviation),
                Cell("-" if rare is None else f"{rare:.2g}", rare),
                "still open" if one.ended is None else (one.reason or "").replace("_", " "),
            ]
        )  # fmt: skip
    about = (
        f"n = {len(alerts):,}.{more} Values are those of the opening, severity the highest reached. A heading sorts."
    )
    return Section("Alerts", [text(about), table(head, rows, left=5)])


def tails_section(found: Mapping[str, tuple[Floats, Estimate]], minutes: int) -> Section:
    """Is a tail probability what it says?"""
    if not found:
        return Section("Calibration of the tail probability")
    labels = ("tail probability that the minute was given", "share of minutes with at most that")
    plot = against_diagonal(found, labels, logarithmic=True)
    about = (
        "Each minute's tail probability, as alerts carry it: how rare so large a deviation from the forecast is. Where "
        "a point lies above the dotted line, such minutes come more often than their number says; bursts of the "
        "audience are part of that, since the minutes of alerts count too."
    )
    head = ["given at most", *(f"minutes {name}, %" for name in found)]
    levels = next(iter(found.values()))[0]
    rows = [
        [f"{100 * level:g} %", *(_interval(of, at) for _, of in found.values())]
        for at, level in enumerate(levels.tolist())
    ]
    note = f"n = {minutes:,} minutes. Both axes are logarithmic."
    return Section(
        "Calibration of the tail probability",
        [text(about), figure(plot, "Given against observed", note), table(head, rows)],
    )


def settings_section(groups: Mapping[str, Mapping[str, object]]) -> Section:
    """What held in this run, a table each."""
    tables = [
        table(["name", "value"], [[name, str(value)] for name, value in values.items()], caption=title, left=2)
        for title, values in groups.items()
        if values
    ]
    return Section("Settings of this run", tables)


def _interval(estimate: Estimate, at: int) -> str:
    middle, low, high = (100 * float(end[at]) for end in estimate)
    return f"{middle:.2g} ({low:.2g} to {high:.2g})"


def _clock(epoch: int, offset: int) -> str:
    return format_minute(epoch, offset)[:16].replace("T", " ")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def _shown(value: object, unit: str = "") -> str:
    if value is None:
        return "-"
    return (
        f"{value:,}{unit}"
        if isinstance(value, int)
        else f"{value:.4g}{unit}"
        if isinstance(value, float)
        else str(value)
    )


def _percent(value: object) -> str:
    return f"{100 * value:.0f} %" if isinstance(value, float) else "-"
