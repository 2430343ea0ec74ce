"""What fires on the real sessions, and a page of the strongest alerts to look at."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from bench.alerts_openings import Floats, Opening, openings
from bench.datasets import bilibili_grid
from roompulse.text_file import text_file
from trainer.svg import lines

SHOWN = 24
BEFORE_MINUTES, AFTER_MINUTES = 40, 25


def real(page: Path | None = None, **_: object) -> dict[str, Any]:
    """Alerts per room-hour by kind on the Bilibili sessions; `page` is where the strongest are drawn."""
    counts = bilibili_grid()
    opened = openings(counts)
    hours = float((~np.isnan(counts)).sum()) / 60
    if page is not None:
        with text_file(page) as file:
            file.write(_page(counts, opened, hours))
    kinds = Counter(alert.kind for alert in opened)
    return {"real_room_hours": hours} | {
        f"real_{kind}s_per_room_hour": kinds[kind] / hours for kind in ("surge", "slump", "hotspot")
    }


def _page(counts: Floats, opened: list[Opening], hours: float) -> str:
    strongest = sorted(opened, key=lambda alert: (-alert.surprise, alert.room, alert.minute))[:SHOWN]
    figures = "".join(
        f"<figure><figcaption>{escape(_caption(counts, alert))}</figcaption>{_plot(counts, alert)}</figure>"
        for alert in strongest
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Strongest alerts on real sessions</title>'
        "<style>body{font:15px system-ui;max-width:720px;margin:2em auto}figure{margin:2em 0}</style>"
        f"<h1>The {len(strongest)} strongest of {len(opened)} alerts</h1>"
        f"<p>{hours:,.0f} room-hours of Bilibili sessions, comments a minute. The short bar is above the minute in "
        f"which the alert opened; minutes that the recorder missed are gaps.</p>{figures}</html>\n"
    )


def _caption(counts: Floats, alert: Opening) -> str:
    low, expected, high = alert.interval
    came = counts[alert.room, alert.minute]
    return (
        f"{alert.kind} in room {alert.room}: {came:g} where {expected:.3g} were expected ({low:.3g} to {high:.3g}), "
        f"surprise {alert.surprise:.1f} digits"
    )


def _plot(counts: Floats, alert: Opening) -> str:
    first = max(alert.minute - BEFORE_MINUTES, 0)
    part = counts[alert.room, first : alert.minute + AFTER_MINUTES]
    minutes = np.arange(first, first + len(part)) - alert.minute
    marked = np.where((minutes == 0) | (minutes == 1), np.nanmax(part), np.nan)  # a short bar above the minute
    return lines(minutes, {"comments": part, "opened": marked}, ("minutes from the opening", "comments a minute"))
