"""PromQL with the dashboards' variables in it.

Every scorer exports its own partitions only. A partition that moves may for a scrape be told by two of them, so what
belongs to a partition is the largest of its values, and a fleet's figure is the sum of those.
"""

from __future__ import annotations

from dataclasses import dataclass

INSTANCE = 'instance=~"$instance"'
PARTITION = 'partition=~"$partition"'
OPENED = 'event="open"'


@dataclass(frozen=True, slots=True)
class Query:
    """One expression, and the legend of its series: a text with `{{label}}` in it."""

    expression: str
    legend: str = ""


def metric(name: str, *matchers: str) -> str:
    """A metric of the scorers that the viewer chose."""
    return f"{name}{{{','.join((INSTANCE, *matchers))}}}"


def rate(name: str, *matchers: str, by: str = "", window: str = "$__rate_interval") -> str:
    """A counter's increase per second, over all scorers or by labels."""
    return f"sum{_by(by)}(rate({metric(name, *matchers)}[{window}]))"


def increase(name: str, *matchers: str, by: str = "", window: str = "$__range") -> str:
    """A counter's increase, over all scorers or by labels."""
    return f"sum{_by(by)}(increase({metric(name, *matchers)}[{window}]))"


def quantile(share: float, histogram: str, *matchers: str) -> str:
    """A quantile of a histogram over all scorers; NaN while nothing was observed."""
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', *matchers, by='le')})"


def by_partition(gauge: str, *matchers: str) -> str:
    """A gauge of partitions, one series for each."""
    return f"max by (partition) ({metric(gauge, *matchers)})"


def over_partitions(gauge: str, *matchers: str) -> str:
    """The sum of a gauge over the partitions."""
    return f"sum({by_partition(gauge, *matchers)})"


def _by(labels: str) -> str:
    return f" by ({labels}) " if labels else ""
