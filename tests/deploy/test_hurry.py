"""A drill's copies of the configuration wait less, and are the same otherwise."""

from __future__ import annotations

from deploy.native.hurry import hurried

RULES = """\
groups:
  - name: service
    interval: 30s
    rules:
      - record: roompulse:events:rate5m
        expr: sum(rate(roompulse_events_total[5m]))
      - alert: NoEvents
        expr: max_over_time(x[1d:5m] offset 1h) == 0 and on() up[1m] # 5m
        for: 5m
        keep_firing_for: 1h30m
        annotations: {summary: "Nothing for 5m"}
"""


def test_every_wait_and_range_is_divided_and_nothing_else() -> None:
    """`for`, intervals, ranges, subqueries and offsets shrink; names, comments and sentences stay as they are."""
    expected = (
        RULES.replace("interval: 30s", "interval: 1000ms")
        .replace("total[5m]", "total[6000ms]")
        .replace("[1d:5m] offset 1h", "[1440000ms:6000ms] offset 60000ms")
        .replace("up[1m]", "up[6000ms]")
        .replace("for: 5m", "for: 5000ms")
        .replace("for: 1h30m", "for: 90000ms")
    )
    assert hurried(RULES, 60) == expected


def test_a_wait_that_is_short_already_stays() -> None:
    """Nothing gets longer by hurrying: no wait at all is still none."""
    assert hurried("group_wait: 0s\n", 60) == "group_wait: 0ms\n"


def test_without_hurry_the_file_is_what_is_shipped() -> None:
    """At factor 1 not a byte changes."""
    assert hurried(RULES, 1) == RULES
