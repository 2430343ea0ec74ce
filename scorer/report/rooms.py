"""Which rooms and sessions a reader should see: those with the worst alerts, the best and the worst forecast."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from roompulse.labels import Labelled
from roompulse.report.page import Cell, Section, beside, choice, figure, table, text
from roompulse.report.plots import OWN, axis, band, layout, numbers
from scorer.report.alerts import Episode
from scorer.report.evaluate import Run
from scorer.report.timeline import MOST_MINUTES, timeline, window_of

MOST_ROOMS = 12
WITH_ALERTS, EXTREME, LARGEST = 5, 3, 1
LEAST_MINUTES, LEAST_MEAN = 30, 1.0
"""Of a session that may be called best or worst: in fewer minutes, or of almost nobody, chance decides."""
LISTED = 5


@dataclass(frozen=True, slots=True)
class Scored:
    """A session's error one minute ahead, relative to its mean, beside that of the last value."""

    at: int
    minutes: int
    mean: float
    error: float
    naive: float
    inside: float


def scored_sessions(run: Run, rooms: Collection[str]) -> list[Scored]:
    """Sessions that can be judged, the best first."""
    found = []
    for at, session in enumerate(run.sessions):
        expected, counts = run.next_minute(at), session.counts
        before = np.append(np.nan, counts[:-1])
        known = np.isfinite(counts) & np.isfinite(expected[:, 1]) & np.isfinite(before)
        total = float(counts[known].sum())
        if session.room not in rooms or known.sum() < LEAST_MINUTES or total < LEAST_MEAN * known.sum():
            continue
        of = counts[known]
        error, naive = (float(np.abs(of - other[known]).sum()) / total for other in (expected[:, 1], before))
        inside = float(((of >= expected[known, 0]) & (of <= expected[known, 2])).mean())
        found.append(Scored(at, int(known.sum()), total / int(known.sum()), error, naive, inside))
    return sorted(found, key=lambda one: (one.error, one.at))


def chosen_rooms(run: Run, alerts: Sequence[Episode], scored: Sequence[Scored]) -> dict[str, str]:
    """Rooms to show, each with the reason, the most telling first."""
    held: dict[str, list[Episode]] = {}
    for one in alerts:
        held.setdefault(one.alert.room_id, []).append(one)
    known = {session.room for session in run.sessions}
    chosen: dict[str, str] = {}
    weight = {room: (max(one.rank for one in of), len(of)) for room, of in held.items() if room in known}
    for room in sorted(weight, key=lambda room: (*(-part for part in weight[room]), room))[:WITH_ALERTS]:
        count = len(held[room])
        chosen[room] = f"{count} alert{'s' if count > 1 else ''}, the worst {max(held[room], key=_rank).severity}"
    _add(chosen, ((run.sessions[one.at].room, "a session among the best forecast") for one in scored), EXTREME)
    worst = ((run.sessions[one.at].room, "a session among the worst forecast") for one in reversed(scored))
    _add(chosen, worst, EXTREME)
    largest = sorted(scored, key=lambda one: -one.mean)
    _add(chosen, ((run.sessions[one.at].room, "among the largest") for one in largest), LARGEST)
    rest = ((room, f"{len(held.get(room, []))} alerts") for room in sorted(known))
    _add(chosen, rest, MOST_ROOMS if len(known) <= MOST_ROOMS else 0)
    return dict(list(chosen.items())[:MOST_ROOMS])


def rooms_section(
    run: Run, chosen: dict[str, str], alerts: Sequence[Episode], labels: Sequence[Labelled], rooms: int
) -> Section:
    """One timeline a room, with a list to choose from."""
    panels = []
    for room, reason in chosen.items():
        own = [one for one in alerts if one.alert.room_id == room]
        window = window_of(run, room, own)
        if not np.isfinite(window.counts).any():
            continue
        plot, more = timeline(window, run.offset, own, [label for label in labels if label.room in {room, ""}])
        known = int(np.isfinite(window.counts).sum())
        strip = " The strip along the bottom is what the labels file says." if labels else ""
        note = f"n = {known:,} measured minutes.{strip}"
        panels.append((f"{room}: {reason}", figure(plot, f"{room}: {reason}", note, height=440, more=more)))
    if not panels:
        return Section("Rooms over time")
    about = (
        f"{len(panels)} of {rooms:,} rooms: those with the worst alerts, the best and the worst forecast sessions, the "
        f"largest. Blue is what was expected of a minute one minute before; green the ten minutes ahead as forecast "
        "just before an alert opened. Shaded: an alert is open (orange surge, light blue slump, pink hotspot). The "
        f"pointer on a minute draws the forecast made in it. At most {MOST_MINUTES:,} minutes of a room are drawn."
    )
    return Section("Rooms over time", [text(about), choice("Room", panels)])


def sessions_section(run: Run, scored: Sequence[Scored], clock: Sequence[str]) -> Section:
    """The best and the worst sessions as pictures and as a table."""
    if not scored:
        return Section("Best and worst sessions")
    few = min(LISTED, -(-len(scored) // 2))
    best, worst = scored[:few], [one for one in reversed(scored) if one not in scored[:few]][:few]
    pictures = [(one, "best") for one in best[:2]] + [(one, "worst") for one in worst[:2]]
    figures = [_picture(run, one, which, clock) for one, which in pictures]
    head = ["", "room", "begins", "minutes", "mean, counts a minute", "error at +1, % of the mean", "last value's, %",
            "inside the interval, %"]  # fmt: skip
    rows: list[list[str | Cell]] = [
        [which, run.sessions[one.at].room, clock[one.at], str(one.minutes), f"{one.mean:.4g}",
         f"{100 * one.error:.1f}", f"{100 * one.naive:.1f}", f"{100 * one.inside:.0f}"]
        for which, of in (("best", best), ("worst", worst)) for one in of
    ]  # fmt: skip
    about = (
        f"Of {len(scored):,} sessions with at least {LEAST_MINUTES} judged minutes and {LEAST_MEAN:g} person a minute: "
        "by the error one minute ahead in percent of the session's mean."
    )
    return Section("Best and worst sessions", [text(about), beside(figures), table(head, rows, left=3)])


def _picture(run: Run, one: Scored, which: str, clock: Sequence[str]) -> str:
    session, expected = run.sessions[one.at], run.next_minute(one.at)
    x = list(range(len(session.counts)))
    common = {"type": "scatter", "mode": "lines", "x": x}
    data = [
        band(x, expected[:, 0], expected[:, 2], "10-90 % interval"),
        common | {"y": numbers(expected[:, 1]), "line": {"color": OWN, "width": 1.4}, "name": "expected"},
        common | {"y": numbers(session.counts), "line": {"color": "#1b2733", "width": 1.2}, "name": "came"},
    ]  # fmt: skip
    plot = {
        "data": data,
        "layout": layout(axis("minute of the session"), axis("counts a minute", rangemode="tozero")),
    }
    caption = f"Among the {which}: {session.room}, {clock[one.at]}, error {100 * one.error:.0f} % of the mean"
    return figure(plot, caption, f"n = {one.minutes:,} judged minutes", height=260)


def _rank(one: Episode) -> int:
    return one.rank


def _add(chosen: dict[str, str], candidates: Iterable[tuple[str, str]], most: int) -> None:
    """The first `most` rooms that were not chosen yet."""
    for room, reason in candidates:
        if most <= 0:
            return
        if room not in chosen:
            chosen[room] = reason
            most -= 1
