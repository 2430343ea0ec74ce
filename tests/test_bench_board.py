"""`python -m bench.board`: the arithmetic between what is read off the processes and what is told."""

from __future__ import annotations

import pytest

from bench.board import phase_between
from bench.board_page import smoothness_of
from bench.board_rig import Standing, added_up

METRICS = """\
roompulse_events_total 1200.0
roompulse_events_total_created 9.0
roompulse_alerts_total{event="open",kind="surge",severity="info"} 7.0
roompulse_alerts_total{event="open",kind="slump",severity="info"} 2.0
roompulse_alerts_total{event="update",kind="surge",severity="info"} 90.0
"""


def test_samples_of_a_page_of_metrics_are_added_up() -> None:
    """By name and label; what merely begins alike is another metric."""
    assert added_up(METRICS, "roompulse_events_total ") == 1200
    assert added_up(METRICS, "roompulse_alerts_total{", 'event="open"') == 9


def test_a_phase_is_what_happened_between_two_readings() -> None:
    """CPU seconds an event, alerts a minute, the mean delay; without events there is nothing to tell."""
    before = Standing(at_s=100, events=1000, alerts=5, delay_s=50, delays=100, scorer_s=3, board_s=1)
    after = Standing(at_s=110, events=11_000, alerts=15, delay_s=60, delays=200, scorer_s=5, board_s=3)
    phase = phase_between(before, after, with_board=True)
    assert phase.events_per_s == 1000
    assert phase.alerts_per_minute == 60
    assert phase.scorer_us_per_event == pytest.approx(200)
    assert phase.mean_delay_s == pytest.approx(0.1)
    assert phase.board_cpu_share == pytest.approx(0.2)
    with pytest.raises(ValueError, match="no event"):
        phase_between(before, before, with_board=True)


def test_gaps_lie_between_renewals_of_the_page() -> None:
    """The longest task and the longest gap are told as they were."""
    smooth = smoothness_of({"updates": [0.0, 1000.0, 1900.0, 3100.0], "tasks": [60.0, 80.0]}, 0.1)
    assert (smooth.updates, smooth.gap_median_ms, smooth.gap_longest_ms) == (4, 1000, 1200)
    assert (smooth.task_longest_ms, smooth.long_tasks) == (80, 2)
