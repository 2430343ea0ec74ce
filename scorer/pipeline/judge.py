"""The life of alerts: one minute of many rooms at once, in place.

A surge or slump opens when the evidence passes the bar, a hotspot when heat is sustained. While an alert is open it is
measured against the forecast that was in force when it opened, or a surge would explain itself away within minutes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS
from roompulse.rooms import HOTSPOT, SLUMP, SURGE
from roompulse.rules import Rules
from scorer.pipeline.basis import HIGH, LOW, MEDIAN, Flags, Minutes, Places, basis_of, beyond, surprise_at
from scorer.pipeline.evidence import Floats, bar_of, learned_bar, learned_spread
from scorer.pipeline.suspicion import gather, heed_regimes

NOTHING, OPEN, UPDATE, RESOLVE, RETRACT = range(5)
EVENTS = ("", "open", "update", "resolve", "retract")
NO_REASON, RECOVERED, NEW_LEVEL, ENDED, SILENT = range(5)
REASONS = (None, "recovered", "new_level", "ended", "silent")

_OUTWARD = np.array([1.0, -1.0, 1.0])  # by kind: the direction in which it deviates

Codes = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one minute did to the alerts of n rooms: codes (n, kinds), and what they were judged by.

    `interval` (n, kinds, 3) low, median and high; `surprise` (n, kinds) decimal digits.
    """

    event: Codes
    reason: Codes
    interval: Floats
    surprise: Floats


def judge(rooms: NDArray[np.void], minutes: Minutes, rules: Rules, thresholds: NDArray[np.void]) -> Verdict:
    """Judge one minute of each room; changes evidence and alerts in `rooms` (n,), which are as before this minute.

    `thresholds` (n,) are each room's own, `rules` those of all.
    """
    alerts = rooms["alerts"]
    basis = basis_of(rooms, minutes, rules)
    interval = basis.interval
    judged = ~(np.isnan(minutes.value) | np.isnan(minutes.newest[:, MEDIAN]))
    quiet = judged & ~np.any(alerts["open"], axis=1)
    free = judged & ~np.any(alerts["open"][:, :HOTSPOT], axis=1)  # a hotspot does not keep a surge from being told
    for side in (SURGE, SLUMP):
        gather(rooms, minutes, basis, side, free, rules)
    bar = bar_of(
        minutes.newest[:, MEDIAN],
        rooms["levels"]["age"].astype(np.float64),
        (minutes.minute - rooms["calm_since"]).astype(np.float64),
        rooms["own_bar"].astype(np.float64) + rooms["threshold_shift"][:, None],
        thresholds,
        rules,
    )
    rare = heed_regimes(rooms, minutes, basis, bar, free, rules)
    heat = 1 + thresholds["hotspot_percent"] / 100
    _count_heat(rooms, minutes, interval[:, HOTSPOT], heat, rules)
    reason = np.zeros(interval.shape[:2], np.int8)
    alerting = np.flatnonzero(alerts["open"].any(axis=1))
    if len(alerting):
        some = alerts[alerting]
        reason[alerting] = _ending(some, minutes.take(alerting), interval[alerting], heat[alerting], rules)
        alerts[alerting] = some
    ends = reason != NO_REASON
    snoozed = minutes.minute < rooms["snoozed_until"]
    opens = _opening(rooms, minutes, interval, rare | (rooms["evidence"] >= bar), thresholds)
    opens &= ~snoozed[:, None] & ~np.any(ends, axis=1, keepdims=True)
    hot = np.flatnonzero(opens[:, HOTSPOT])
    basis.surprise[hot, HOTSPOT] = surprise_at(rooms, minutes, basis, hot, np.full(len(hot), HOTSPOT), rules)
    rooms["own_bar"] = learned_bar(
        rooms["own_bar"].astype(np.float64), opens[:, :HOTSPOT], judged & ~snoozed, thresholds, rules
    )
    spread = learned_spread(rooms["spread"].astype(np.float64), minutes.value, minutes.newest)
    rooms["spread"] = np.where(quiet & ~opens[:, :HOTSPOT].any(axis=1), spread, rooms["spread"])
    _open(rooms, opens, minutes, basis.origin)
    event = np.zeros(interval.shape[:2], np.int8)
    alerting = np.flatnonzero(alerts["open"].any(axis=1))
    if len(alerting):
        part = rooms[alerting]
        severity, peak = _size(part, minutes.value[alerting], interval[alerting], rules)
        event[alerting] = _follow(
            part["alerts"], minutes.minute[alerting], ends[alerting], opens[alerting], severity, peak, rules
        )
        close(part, ends[alerting], minutes.minute[alerting])
        rooms[alerting] = part
    return Verdict(event, reason, interval, basis.surprise)


def _follow(
    alerts: NDArray[np.void], minute: Places, ends: Flags, opens: Flags, severity: Codes, peak: Floats, rules: Rules
) -> Codes:
    """What is told (m, kinds) of `alerts` (m, kinds) that are open, are opening or end; severity and peak move on."""
    lasts = alerts["open"] & ~ends & ~opens
    worse = lasts & (severity > alerts["severity"])
    due = minute[:, None] - alerts["noticed"] >= rules.update_minutes
    larger = lasts & due & (peak >= rules.update_growth * alerts["peak_noticed"])
    event = np.select([ends, opens, worse | larger], [RESOLVE, OPEN, UPDATE], NOTHING).astype(np.int8)
    told = event != NOTHING
    alerts["peak"] = np.where(alerts["open"], np.maximum(alerts["peak"], peak), 0)
    alerts["severity"] = np.where(opens | worse, severity, alerts["severity"])
    alerts["noticed"] = np.where(told, minute[:, None], alerts["noticed"])
    alerts["peak_noticed"] = np.where(told, alerts["peak"], alerts["peak_noticed"])
    return event


def close(rooms: NDArray[np.void], ends: Flags, minute: NDArray[np.int64]) -> None:
    """End the alerts marked in `ends` (n, kinds), in place; the evidence starts from nothing, with a raised bar."""
    rooms["alerts"]["open"] &= ~ends
    calm = np.any(ends, axis=1, keepdims=True)
    rooms["calm_since"] = np.where(calm[:, 0], minute, rooms["calm_since"])
    rooms["evidence"] = np.where(calm, 0, rooms["evidence"])


def _ending(alerts: NDArray[np.void], minutes: Minutes, interval: Floats, heat: Floats, rules: Rules) -> Codes:
    """The reason (n, kinds) for which open alerts end in this minute; counts the minutes back inside, in place."""
    value = minutes.value[:, None]
    inside: Flags = np.asarray(np.where(_OUTWARD > 0, value <= interval[:, :, HIGH], value >= interval[:, :, LOW]))
    inside[:, HOTSPOT] = minutes.value <= heat * interval[:, HOTSPOT, MEDIAN]
    measured = ~np.isnan(value) & alerts["open"]
    alerts["inside"] = np.where(measured, np.where(inside, alerts["inside"] + 1, 0), alerts["inside"])
    old = minutes.minute[:, None] - alerts["opened"] >= rules.level_minutes
    recovered = alerts["inside"] >= rules.back_minutes
    return np.select(
        [measured & recovered, measured & old & inside, measured & old], [RECOVERED, RECOVERED, NEW_LEVEL], NO_REASON
    ).astype(np.int8)


def _opening(
    rooms: NDArray[np.void], minutes: Minutes, interval: Floats, evident: Flags, thresholds: NDArray[np.void]
) -> Flags:
    """Which alerts (n, kinds) open in this minute; `evident` (n, 2) says where there is evidence enough.

    Comparisons with NaN are false: no forecast, no alert.
    """
    value, is_open = minutes.value, rooms["alerts"]["open"]
    idle = ~is_open[:, SURGE] & ~is_open[:, SLUMP]
    wanted = thresholds["kinds"] > 0
    excess = thresholds["minimum_excess"]
    opens = np.zeros(is_open.shape, np.bool_)
    for side, percent, least in (
        (SURGE, thresholds["minimum_surge_percent"], np.zeros(len(rooms))),
        (SLUMP, thresholds["minimum_slump_percent"], thresholds["minimum_slump_expected"]),
    ):
        expected = interval[:, side, MEDIAN]
        opens[:, side] = (
            idle
            & wanted[:, side]
            & evident[:, side]
            & beyond(value, interval[:, side], side)
            & (_OUTWARD[side] * (value - expected) >= np.maximum(excess, percent / 100 * expected))
            & (expected >= least)
        )
    actual, base = rooms["hot_actual"].astype(np.float64), rooms["hot_expected"].astype(np.float64)
    above = actual - (1 + thresholds["hotspot_percent"] / 100) * base
    opens[:, HOTSPOT] = (
        idle
        & wanted[:, HOTSPOT]
        & ~is_open[:, HOTSPOT]
        & ~opens[:, SURGE]
        & ~opens[:, SLUMP]
        & (rooms["hot_minutes"] >= thresholds["hotspot_minutes"])
        & (actual > rooms["hot_high"])
        & (above > (thresholds["hotspot_noise"] + rooms["threshold_shift"]) * np.sqrt(base))
        & (value - interval[:, HOTSPOT, MEDIAN] >= excess)
    )
    return opens


def _count_heat(rooms: NDArray[np.void], minutes: Minutes, before: Floats, heat: Floats, rules: Rules) -> None:
    """Minutes in a row above the forecast of ten minutes before, and their sums; an open alert holds the count at 0."""
    value, expected = minutes.value, before[:, MEDIAN]
    settled = minutes.minute - HORIZONS - rooms["session_start"] >= rules.hotspot_settled_minutes
    hot = settled & (value > heat * expected) & ~rooms["alerts"]["open"].any(axis=1)
    kept = np.isnan(value) | np.isnan(expected)
    added: dict[str, Floats | int] = {
        "hot_minutes": 1,
        "hot_actual": value,
        "hot_expected": expected,
        "hot_high": before[:, HIGH],
    }
    for name, more in added.items():
        so_far = rooms[name]
        rooms[name] = np.where(hot, so_far + np.where(hot, more, 0), np.where(kept, so_far, 0))


def _open(rooms: NDArray[np.void], opens: Flags, minutes: Minutes, origin: NDArray[np.int64]) -> None:
    """Open alerts, in place, and freeze the forecast that each is measured against from now on."""
    row, kind = np.nonzero(opens)
    if len(row) == 0:
        return
    alerts = rooms["alerts"][row, kind]
    minute = minutes.minute[row]
    alerts["open"] = True
    alerts["inside"] = 0
    alerts["opened"] = minute
    alerts["noticed"] = minute
    alerts["peak"] = alerts["peak_noticed"] = 0
    alerts["origin"] = origin[row, kind]
    alerts["frozen"] = rooms["forecasts"][row, alerts["origin"] % HORIZONS]
    rooms["alerts"][row, kind] = alerts


def _size(rooms: NDArray[np.void], value: Floats, interval: Floats, rules: Rules) -> tuple[Codes, Floats]:
    """Severity (n, kinds) from size and evidence together, and the absolute deviation (n, kinds), both 0 for NaN."""
    expected = interval[:, :, MEDIAN]
    deviation = np.nan_to_num((value[:, None] - expected) * _OUTWARD)
    ratio = np.nan_to_num(value[:, None] / np.maximum(expected, 1.0))
    size = np.zeros(deviation.shape, np.int8)
    critical, warning = 2, 1
    size[:, SURGE] = np.select(
        [(ratio[:, SURGE] >= 4) & (deviation[:, SURGE] >= 50), ratio[:, SURGE] >= 2], [critical, warning], 0
    )
    size[:, SLUMP] = np.select(
        [(ratio[:, SLUMP] <= 0.1) & (deviation[:, SLUMP] >= 20), ratio[:, SLUMP] <= 0.4], [critical, warning], 0
    )
    size[:, HOTSPOT] = ratio[:, HOTSPOT] >= 1.5
    strength = np.zeros(deviation.shape, np.int8)
    for side in (SURGE, SLUMP):
        evidence = rooms["evidence"][:, side]
        strength[:, side] = (evidence >= rules.warning_evidence).astype(np.int8) + (evidence >= rules.critical_evidence)
    strength[:, HOTSPOT] = 1
    return np.minimum(size, strength), np.maximum(deviation, 0.0)
