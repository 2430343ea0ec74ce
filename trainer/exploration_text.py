"""The exploration in sentences, for the terminal and for the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def sentences(summary: Mapping[str, Any]) -> list[str]:
    """What needs no table, a sentence a line."""
    dead, gaps, seasons = summary["dead_streams"], summary["gaps"], summary["decomposition"]
    reasons = "; ".join(f"{dead['by_reason'][name]:,} with {text}" for name, text in dead["rule"].items())
    filled = f"; {summary['filled_minutes']:,} minutes filled with zero" if summary["fill"] == "zero" else ""
    told = [
        f"{summary['rows']:,} rows, {summary['bad_rows']:,} bad ones left out, {summary['repeated_rows']:,} repeated",
        (
            f"{summary['rooms']:,} rooms from {summary['first_minute']} to {summary['last_minute']}, "
            f"{summary['span_minutes']:,} minutes"
        ),
        (
            f"target measured in {summary['measured_minutes']:,} room-minutes, not measured in "
            f"{summary['unmeasured_minutes']:,}; {gaps['count']:,} gaps of {gaps['minutes']:,} minutes in all{filled}"
        ),
        f"{dead['dead']:,} of {dead['sessions']:,} sessions are dead ({reasons}); `train` leaves them out",
    ]
    if dead["rooms_never_measured"]:
        told.append(f"{dead['rooms_never_measured']:,} rooms were never measured")
    if years := summary["years_without_holidays"]:
        told.append(f"public holidays of {', '.join(map(str, years))} are not known: only the weekday counts there")
    if "refused" in seasons:
        told.append(f"no seasonal decomposition: {seasons['refused']}")
    else:
        told.append(
            f"seasonal decomposition with a period of {seasons['period']:,} minutes over {seasons['minutes']:,} "
            f"({seasons['interpolated_minutes']:,} interpolated): trend strength {number(seasons['trend_strength'])}, "
            f"seasonal strength {number(seasons['seasonal_strength'])} (0 none, 1 all)"
        )
    return told


def number(value: object) -> str:
    """For reading: thousands with commas, four significant digits."""
    if isinstance(value, float) and (abs(value) < 1000 or not value.is_integer()):
        return f"{value:.4g}"
    return "-" if value is None else f"{value:,.0f}" if isinstance(value, int | float) else str(value)


def plain(text: str) -> str:
    """Names come from files: they must not steer the terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
