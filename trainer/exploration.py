"""What a history holds: gaps, dead streams, metrics, traffic channels and what goes with what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from roompulse.channels import CHANNEL_TOTALS
from roompulse.minutes import format_minute
from roompulse.records import METRICS, TARGET
from trainer.dead import REASONS, why_dead
from trainer.history_frame import KINDS, HistoryFrame
from trainer.sessions import Session, all_sessions

SHOWN = 20
"""So many gaps and dead sessions are listed; the CSV tables have them all."""


def overview(frame: HistoryFrame) -> dict[str, Any]:
    """Rooms, span and how much of it was measured."""
    epochs, target = frame.minutes["epoch"], frame.minutes[TARGET]
    return {
        "rooms": int(frame.minutes["room"].nunique()),
        "room_minutes": len(frame.minutes),
        "repeated_rows": frame.repeated,
        "first_minute": format_minute(int(epochs.min()), frame.offset),
        "last_minute": format_minute(int(epochs.max()), frame.offset),
        "span_minutes": int(epochs.max() - epochs.min()) + 1,
        "measured_minutes": int(target.notna().sum()),
        "unmeasured_minutes": int(target.isna().sum()),
    }


def gaps_of(frame: HistoryFrame) -> pd.DataFrame:
    """Minutes of a room that never came, between its first and its last one: `room`, `after`, `until`, `minutes`."""
    minutes = frame.minutes
    epochs = minutes["epoch"].to_numpy()
    room = minutes["room"].cat.codes.to_numpy()
    before = np.flatnonzero((np.diff(epochs) > 1) & (np.diff(room) == 0))
    gaps = pd.DataFrame(
        {
            "room": minutes["room"].to_numpy()[before],
            "after": [format_minute(int(epoch), frame.offset) for epoch in epochs[before]],
            "until": [format_minute(int(epoch), frame.offset) for epoch in epochs[before + 1]],
            "minutes": epochs[before + 1] - epochs[before] - 1,
        }
    )
    return gaps.sort_values("minutes", ascending=False, kind="stable", ignore_index=True)


def sessions_of(frame: HistoryFrame) -> pd.DataFrame:
    """Every session with what speaks for or against it; `dead` is empty, or the reason by the rule of trainer.dead."""
    columns = (frame.minutes[name].tolist() for name in ("room", "epoch", TARGET))
    found = [_session_row(session, frame.offset) for session in all_sessions(zip(*columns, strict=True))]
    return pd.DataFrame(found, columns=["room", "start", "minutes", "measured", "above_zero", "mean", "dead"])


def _session_row(session: Session, offset: int) -> tuple[Any, ...]:
    counts = session.counts
    measured = int(np.sum(~np.isnan(counts)))
    above_zero = int(np.sum(counts > 0))
    dead = why_dead(counts) or ""
    start = format_minute(session.start, offset)
    return session.room, start, len(counts), measured, above_zero, round4(float(np.nanmean(counts))), dead


def dead_streams(minutes: pd.DataFrame, sessions: pd.DataFrame) -> dict[str, Any]:
    """How many sessions are dead, why, and which; and rooms of which nothing was ever measured."""
    dead = sessions[sessions["dead"] != ""]
    never = sorted(set(minutes["room"].astype(str)) - set(sessions["room"]))
    return {
        "rule": REASONS,
        "sessions": len(sessions),
        "dead": len(dead),
        "dead_minutes": int(dead["minutes"].sum()),
        "by_reason": {reason: int((dead["dead"] == reason).sum()) for reason in REASONS},
        "rooms_never_measured": len(never),
        "list": records(dead.head(SHOWN)),
        "never_measured": never[:SHOWN],
    }


def metrics_of(minutes: pd.DataFrame) -> pd.DataFrame:
    """One line a metric that was measured at all: share measured, share of zeros, mean and quantiles."""
    there = [name for name in METRICS if minutes[name].notna().any()]
    values = minutes[there]
    quantiles = values.quantile([0.5, 0.9])
    return pd.DataFrame(
        {
            "metric": there,
            "measured": values.notna().sum().to_numpy(),
            "zero_share": (values == 0).sum().to_numpy() / values.notna().sum().to_numpy(),
            "mean": values.mean().to_numpy(),
            "median": quantiles.loc[0.5].to_numpy(),
            "p90": quantiles.loc[0.9].to_numpy(),
            "max": values.max().to_numpy(),
        }
    )


def channels_of(frame: HistoryFrame) -> pd.DataFrame:
    """Totals and shares: one line a channel, within its kind, and one line a kind, `*`, within all traffic.

    The platform's own totals are not channels; they stand beside the kind's sum as `platform_total`.
    """
    sums = frame.minutes[list(frame.channels)].sum()
    totals = {kind: sum(sums[c] for c in frame.drivers() if frame.channels[c][0] == kind) for kind in KINDS}
    rows = []
    for kind in KINDS:
        of_kind = {name: column for column, (its, name) in frame.channels.items() if its == kind}
        if not of_kind:
            continue
        own = [sums[column] for name, column in of_kind.items() if name in CHANNEL_TOTALS]
        rows.append((kind, "*", totals[kind], _share(totals[kind], sum(totals.values())), sum(own) if own else None))
        channels = sorted((-sums[column], name) for name, column in of_kind.items() if name not in CHANNEL_TOTALS)
        rows += [(kind, name, -total, _share(-total, totals[kind]), None) for total, name in channels]
    return pd.DataFrame(rows, columns=["kind", "channel", "total", "share", "platform_total"])


def correlations_of(frame: HistoryFrame) -> pd.DataFrame:
    """Pearson's correlation over all room-minutes; what never changes has none and is left out."""
    columns = [*METRICS, *frame.drivers()]
    values = frame.minutes[columns]
    varying = [name for name in columns if values[name].nunique() > 1]
    return values[varying].corr(min_periods=3)


def round4(value: float | None) -> float | None:
    """Four significant digits, whole numbers as they are; None for what is no number."""
    if value is None or not np.isfinite(value):
        return None
    return float(value) if float(value).is_integer() else float(f"{value:.4g}")


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table's rows for JSON: plain numbers and texts, None for what is missing."""
    return [
        {str(name): _plain(value) for name, value in row.items()} for row in table.astype(object).to_dict("records")
    ]


def _plain(value: object) -> object:
    if isinstance(value, float | np.floating):
        return round4(float(value))
    return int(value) if isinstance(value, np.integer) else value


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def strongest(correlations: pd.DataFrame) -> list[dict[str, Any]]:
    """What goes with the target most closely, up or down."""
    if TARGET not in correlations:
        return []
    others = correlations[TARGET].drop(TARGET).dropna()
    order = others.abs().sort_values(ascending=False, kind="stable").index
    return [{"name": str(name), "correlation": round4(others[name])} for name in order]
