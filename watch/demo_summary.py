"""What a run of the demo came to: as one flat object for scripts, and as a few lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from watch.overview import Overview
from watch.pipeline import Account
from watch.scorecard import IN_TIME_MINUTES, Scorecard

SUMMARY_INDENT = 14
"""Where the words begin behind a line's subject."""


def summary_of(account: Account, overview: Overview, card: Scorecard) -> dict[str, Any]:
    """Events as the producer counted them, forecasts and alerts as they were read back by a consumer.

    `unaccounted` has to be 0; it is None where the run was stopped in a way that leaves the number of events unknown.
    """
    spent = overview.forecasts + account.late + account.duplicate + account.dead_letters
    return {
        "events_in": account.events_sent,
        "forecasts_out": overview.forecasts,
        "late": account.late,
        "duplicate": account.duplicate,
        "dead_letters": account.dead_letters,
        "unaccounted": None if account.events_sent is None else account.events_sent - spent,
        "alerts_out": overview.alerts,
        **card.summary(),
        "delay_p50_s": None if account.delay_p50_s is None else round(account.delay_p50_s, 3),
        "delay_p99_s": None if account.delay_p99_s is None else round(account.delay_p99_s, 3),
    }


def readable(summary: Mapping[str, Any]) -> Iterator[str]:
    """The same in words, a line a subject."""
    if summary["events_in"] is None:
        yield f"events        stopped on the way, {summary['forecasts_out']:,} forecasts until then"
    else:
        yield (
            f"events        {summary['events_in']:,} sent = {summary['forecasts_out']:,} forecasts + "
            f"{summary['late']:,} late or corrected + {summary['duplicate']:,} duplicate + "
            f"{summary['dead_letters']:,} dead letters + {summary['unaccounted']:,} unaccounted"
        )
    for kind in ("surges", "slumps"):
        injected, caught = summary[f"{kind}_injected"], summary[f"{kind}_caught"]
        share = f" ({100 * caught / injected:.0f} %)" if injected else ""
        yield f"{kind:<13} {caught} of {injected} caught within {IN_TIME_MINUTES} minutes{share}"
    yield f"missed        {summary['missed']}, of which {summary['caught_late']} were caught later"
    rate = summary["false_alerts_per_room_hour"]
    yield (
        f"false alerts  {summary['false_alerts']} in {summary['room_hours']:,.1f} room-hours"
        + ("" if rate is None else f": {rate:.3f} per room-hour")
        + f"; {summary['false_alerts_echoes']} of them as a labelled one ended"
    )
    yield f"hotspots      {summary['hotspots']}, of which {summary['hotspots_outside_labels']} outside labelled surges"
    yield f"alerts        {summary['alerts_out']:,} records (openings, updates, ends)"
    if summary["delay_p50_s"] is not None:
        yield (
            f"delay         {summary['delay_p50_s']:.2f} s median, {summary['delay_p99_s']:.2f} s 99th percentile, "
            "from event sent to forecast committed"
        )
