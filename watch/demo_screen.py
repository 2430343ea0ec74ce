"""The demo's picture: hot rooms, open alerts, and how the pipeline is doing. Pure: state in, lines out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Group
from rich.table import Table
from rich.text import Text

from roompulse.records import Alert, HotRoom
from watch.glyphs import FORECAST_STYLE, KIND_STYLES, QUIET_STYLE, Glyphs, plain
from watch.lines import clock
from watch.overview import KEPT_MINUTES, Overview

_HEAD_LINES, _TITLE_LINES = 3, 4  # two titles, the hot rooms' column heads, one blank line
_LEAST_HOT_ROOMS = 3
_OTHER_COLUMNS = 60  # what the hot rooms' table needs beside the sparkline's minutes
_LEAST_MINUTES = 8
_LABEL_WIDTH = 19  # sign, kind, severity
_SEVERITY_STYLES = {"critical": "bold reverse", "warning": "bold"}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the picture has to say besides the rooms. `metrics` and `board` are addresses, None where there is none.

    `had_board`: there was a board when it began, so that none now is one that has ended.
    """

    speed: float
    warm_up_minutes: int
    metrics: str | None
    now_s: float
    ending: bool = False
    board: str | None = None
    had_board: bool = False


def screen(overview: Overview, standing: Standing, glyphs: Glyphs, width: int, height: int) -> Group:
    """A picture of at most `height` lines, none wider than `width`; tables share what the head leaves."""
    hot = overview.hot_rooms()
    alerts = sorted(overview.open_alerts.values(), key=lambda alert: (alert.opened, alert.alert_id), reverse=True)
    lines_each = 1 if width >= 180 else 2
    free = max(height - _HEAD_LINES - _TITLE_LINES, _LEAST_HOT_ROOMS + 1)
    # Alerts take what they need up to half of the space, and what the hot rooms leave.
    most = max(free // 2, free - max(len(hot), _LEAST_HOT_ROOMS)) // lines_each
    shown = alerts[: max(most, 1)]
    rows = max(free - max(len(shown) * lines_each, 1), 1)
    title = f"open alerts: {len(alerts)}" + (f", the newest {len(shown)} here" if len(alerts) > len(shown) else "")
    return Group(
        *_head(overview, standing, glyphs, width),
        _rule("hot rooms: furthest above their forecast", width, glyphs),
        _hot_table(overview, hot[:rows], glyphs, width),
        Text(""),
        _rule(title, width, glyphs),
        *(line for alert in shown for line in _alert_lines(alert, glyphs, width, lines_each)),
    )


def _head(overview: Overview, standing: Standing, glyphs: Glyphs, width: int) -> list[Text]:
    first = min(overview.forecast_minutes, default=overview.minute)
    warm_up_left = standing.warm_up_minutes - (overview.minute - first)
    state = ("", "")
    if standing.ending:
        state = ("  ending: what is under way is being scored", FORECAST_STYLE)
    elif overview.forecasts and warm_up_left > 0:
        state = (f"  warming up, {warm_up_left} minutes to go", FORECAST_STYLE)
    delay = overview.delay_s()
    figures = [
        (f"{len(overview.rooms):,}", "rooms"),
        (f"{overview.events_per_second(standing.now_s):,.0f}", "events/s"),
        ("" if delay is None else f"{delay:.2f} s", "delay"),
        (f"{overview.forecasts:,}", "forecasts"),
        (f"{len(overview.openings):,}", "alerts"),
    ]
    pace = Text(f" {glyphs.dot} ").join(
        Text.assemble((number, "bold"), f" {unit}") for number, unit in figures if number
    )
    board = "the board has ended  " if standing.had_board else ""
    if standing.board:
        board = f"board at {standing.board}  "
    waiting = "waiting for the first forecast"
    lines = [
        Text.assemble(
            ("RoomPulse  ", "bold"),
            (clock(overview.minute_text) or waiting, "bold" if overview.minute_text else ""),
            (f"  {standing.speed:g} times real time", QUIET_STYLE),
            state,
        ),
        pace,
        Text(
            board + (f"metrics at {standing.metrics}  " if standing.metrics else "") + "Ctrl-C ends with a summary",
            style=QUIET_STYLE,
        ),
    ]
    for line in lines:
        line.no_wrap = True
        line.truncate(width, overflow="ellipsis")
    return lines


def _rule(title: str, width: int, glyphs: Glyphs) -> Text:
    line = Text(f"{glyphs.rule * 2} {title} ", style="bold", no_wrap=True)
    line.append(glyphs.rule * max(0, width - len(line)))
    line.truncate(width)
    return line


def _hot_table(overview: Overview, hot: list[HotRoom], glyphs: Glyphs, width: int) -> Table | Text:
    if not hot:
        return Text("the first minute is not over yet" if overview.forecasts else "", style=QUIET_STYLE)
    minutes = min(KEPT_MINUTES, max(width - _OTHER_COLUMNS, _LEAST_MINUTES))
    table = Table(
        box=None,
        padding=(0, 1, 0, 0),
        width=min(width, _OTHER_COLUMNS + KEPT_MINUTES),
        pad_edge=False,
        header_style=QUIET_STYLE,
    )
    table.add_column("  room", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(f"last {minutes} minutes, next 10", no_wrap=True, width=minutes + 11)
    for name, least in (("came", 6), ("forecast", 8), ("deviation", 9)):
        table.add_column(name, justify="right", no_wrap=True, min_width=least)
    kinds = {alert.room_id: alert.kind for alert in overview.open_alerts.values()}
    for room in hot:
        kind = kinds.get(room.room_id, "")
        style = KIND_STYLES.get(kind, "")
        table.add_row(
            Text(f"{glyphs.signs.get(kind, ' ')} {plain(room.room_id)}", style=style),
            _sparkline(overview, room, glyphs, minutes, style),
            Text(f"{room.actual:,.0f}", style="bold"),
            f"{room.expected:,.0f}",
            "" if room.deviation_percent is None else f"{room.deviation_percent:+,.0f} %",
        )
    return table


def _sparkline(overview: Overview, hot: HotRoom, glyphs: Glyphs, minutes: int, style: str) -> Text:
    trace = overview.rooms.get(hot.room_id)
    if trace is None:
        return Text("")
    past = trace.last(minutes, overview.minute)
    top = max([value for value in [*past, *trace.medians] if not math.isnan(value)], default=1.0)
    return Text.assemble(
        (glyphs.sparkline(past, top), style),
        (glyphs.divider, QUIET_STYLE),
        (glyphs.sparkline(trace.medians, top), FORECAST_STYLE),
    )


def _alert_lines(alert: Alert, glyphs: Glyphs, width: int, lines: int) -> list[Text]:
    """The sentence in so many lines beside its label; on a very narrow screen, without the label's severity."""
    label = Text()
    label.append(f"{glyphs.signs.get(alert.kind, ' ')} {plain(alert.kind):<8}", KIND_STYLES.get(alert.kind, ""))
    if width >= 60:
        label.append(f"{plain(alert.severity)}", _SEVERITY_STYLES.get(alert.severity, ""))
        label.append(" " * (_LABEL_WIDTH - len(label)))
    indent = len(label)
    told = wrapped(plain(alert.text), width - indent, lines, glyphs.ellipsis)
    told += [""] * (lines - len(told))
    made = [label + Text(told[0]), *(Text(" " * indent + part) for part in told[1:])]
    for line in made:
        line.no_wrap = True
    return made


def wrapped(text: str, width: int, lines: int, ellipsis: str) -> list[str]:
    """Text in at most so many lines of `width` cells, broken between words; an ellipsis where some is left out."""
    made = [""]
    for word in text.split(" "):
        longer = f"{made[-1]} {word}" if made[-1] else word
        if cell_len(longer) <= width or not made[-1]:
            made[-1] = longer
        elif len(made) < lines:
            made.append(word)
        else:
            made[-1] = longer
            break
    return [
        line if cell_len(line) <= width else set_cell_size(line, max(width - 1, 0)).rstrip() + ellipsis for line in made
    ]
