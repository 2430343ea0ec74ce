"""A state that is rebuilt from a part of its history comes close to the one that was lost."""

from __future__ import annotations

from tests.scorer.rebuilds import closeness

ROOMS, MINUTES, KEPT = 12, 150, 90


def test_an_approximate_rebuild_comes_close() -> None:
    """Ninety of 150 minutes are left: forecasts agree but for a small part of their interval, alerts nearly all.

    docs/checkpoint.md has the figures of a longer run.
    """
    near = closeness(KEPT, rooms=ROOMS, minutes=MINUTES)
    assert near.forecasts > 500
    assert near.forecasts_differing > 0, "nothing was lost: this rebuild is exact"
    assert near.median < 0.1
    assert near.p99 < 1.0
    assert near.alerts_differing < 0.5
