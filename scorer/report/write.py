"""Puts the report of a run together and writes it as `report.html` into the run's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roompulse.errors import RoomPulseError
from roompulse.labels import Labelled
from roompulse.minutes import format_minute
from roompulse.report.page import Section, beside, figure, page, text
from roompulse.report.skill import skill_sections
from roompulse.rules import Rules
from scorer.report.actuals import Actuals
from scorer.report.alerts import read_alerts
from scorer.report.audience import Audience, by_hour, by_weekday, course, seasons, why_no_season
from scorer.report.evaluate import judged, read_run
from scorer.report.rooms import chosen_rooms, rooms_section, scored_sessions, sessions_section
from scorer.report.tails import calibration
from scorer.report.told import (
    alerts_section,
    settings_section,
    summary_section,
    tails_section,
)
from scorer.totals import MINUTES_A_DAY, room_days

MOST_JUDGED = 150_000
"""Minutes that the statistics are made of: of more, those of rooms drawn evenly. Each costs a kilobyte in memory."""
ALERTING = 6
"""Rooms with alerts that are shown although they are not among those drawn."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a run knows of itself."""

    title: str
    summary: Mapping[str, object]
    rules: Rules
    settings: Mapping[str, Mapping[str, object]]
    labels: Sequence[Labelled] = ()


def write_report(folder: Path, actuals: Actuals, account: Account, more: Sequence[Section] = ()) -> Path:
    """Write `report.html`; returns its path. Raises RoomPulseError where it cannot be written."""
    alerts = read_alerts(folder)
    drawn = _drawn(actuals)
    known = {room for one in alerts if (room := one.alert.room_id) not in drawn and actuals.minutes_of(room)}
    alerting = {room: sum(one.rank + 1 for one in alerts if one.alert.room_id == room) for room in known}
    extra = sorted(alerting, key=lambda room: (-alerting[room], room))[:ALERTING]
    run = read_run(folder, actuals.sessions([*drawn, *extra]), actuals.offset)
    found = judged(run, drawn)
    scored = scored_sessions(run, drawn)
    minute, counts, rooms = actuals.by_minute()
    last = int(minute[-1]) if len(minute) else 0
    clock = [format_minute(session.start, run.offset)[:16].replace("T", " ") for session in run.sessions]
    every = len(actuals.rooms)
    sections = [
        summary_section(account.summary, found, every, room_days(account.summary), alerts),
        rooms_section(run, chosen_rooms(run, alerts, scored), alerts, account.labels, every),
        alerts_section(alerts, run.offset, last),
        *more,
    ]
    if found is not None:
        sections += skill_sections(found, _sampled(len(drawn), every))
        sections.append(tails_section(*calibration(run, drawn, alerts, account.rules)))
        sections.append(sessions_section(run, scored, clock))
    sections.append(_audience(Audience(minute + actuals.offset, counts, rooms)))
    sections.append(settings_section(account.settings))
    lead = [text(_span(minute, actuals.offset), style="soft")]
    path = folder / "report.html"
    try:
        path.write_text(page(account.title, lead, sections), encoding="utf-8")
    except OSError as error:
        raise RoomPulseError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def _drawn(actuals: Actuals) -> dict[str, None]:
    """Rooms up to so many minutes together, in an order that says nothing of them; one at least."""
    drawn: dict[str, None] = {}
    minutes = 0
    for room in actuals.rooms:
        minutes += actuals.minutes_of(room)
        if drawn and minutes > MOST_JUDGED:
            break
        drawn[room] = None
    return drawn


def _sampled(drawn: int, every: int) -> str:
    if drawn == every:
        return ""
    return f"Made of {drawn:,} of the {every:,} rooms, drawn evenly, to keep the report quick."


def _audience(audience: Audience) -> Section:
    if not len(audience.minute):
        return Section("The audience")
    count = f"n = {int(audience.rooms.sum()):,} measured room-minutes"
    parts = [figure(course(audience), "All rooms together", count)]
    hours = "Points that no minute was measured for are left out."
    parts.append(
        beside(
            [
                figure(by_hour(audience), "By hour of the local day", f"{count}. {hours}"),
                figure(by_weekday(audience), "By hour, for each weekday", f"{count}. {hours}"),
            ]
        )
    )
    unknown = (
        " Public holidays of years that the calendar does not know count by their weekday." * audience.calendar_ends
    )
    parts.append(
        text(
            "Public holidays are those of mainland China, days in lieu included; a weekend that is worked to make up "
            f"for one counts as weekend.{unknown}", style="soft"
        )
    )  # fmt: skip
    if (refusal := why_no_season(audience)) is not None:
        parts.append(text(f"No seasonal decomposition: {refusal}."))
    else:
        note = (
            f"Additive, by moving averages of a day; {len(np.unique(audience.minute // MINUTES_A_DAY))} days. {count}."
        )
        parts.append(figure(seasons(audience), "What repeats every day, of all rooms together", note, height=720))
    return Section("The audience", parts)


def _span(minute: NDArray[np.int64], offset: int) -> str:
    if not len(minute):
        return "Nothing was measured."
    first, last = (format_minute(int(end), offset) for end in (minute[0], minute[-1]))
    return f"{first} to {last}. Times are told in the zone of the first row."
