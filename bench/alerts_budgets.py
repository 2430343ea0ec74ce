"""Whether rooms keep to the alerts per room-day that a reader asked for, with the bars that are shipped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import structs

from bench.alerts_openings import Floats, openings
from bench.datasets import bilibili_grid
from roompulse.bundle import default_bundle, load_bundle
from roompulse.rules import rules_from
from roompulse.simulation import SimulationSettings, simulate_counts

BUDGETS = (1.0, 2.0, 4.0)
QUIET = SimulationSettings(minutes=1440, surges_per_room_hour=0, slumps_per_room_hour=0)
SEED, ROOMS = 9101, 1_750
STREAMING_SEED, STREAMING_ROOMS = 9102, 250


def budgets(**_: object) -> dict[str, Any]:
    """Alerts per room-day under each budget: rooms in sessions, rooms that stream all day, real sessions."""
    fleets = {
        "sessions": simulate_counts(replace(QUIET, rooms=ROOMS, seed=SEED)),
        "all_day": simulate_counts(replace(QUIET, rooms=STREAMING_ROOMS, seed=STREAMING_SEED, continuous=True)),
        "real": bilibili_grid(),
    }
    found: dict[str, Any] = {}
    for name, counts in fleets.items():
        found[f"budget_{name}_room_days"] = _days(counts)
        for budget in BUDGETS:
            for kind, rate in _rates(counts, budget).items():
                found[f"budget_{name}_{kind}_{budget:g}"] = rate
    return found


def _rates(counts: Floats, budget: float) -> dict[str, float]:
    rules = structs.replace(
        rules_from(dict(load_bundle(default_bundle()).rules)), surge_budget=budget, slump_budget=budget
    )
    opened = openings(counts, rules)
    return {kind: sum(alert.kind == kind for alert in opened) / _days(counts) for kind in ("surge", "slump")}


def _days(counts: Floats) -> float:
    return float((~np.isnan(counts)).sum()) / 1440
