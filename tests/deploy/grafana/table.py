"""docs/dashboards.md: every query of the dashboards with the number of series that it gave in the run."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.deploy.grafana.asked import Asked, dashboards, everything_asked
from tests.deploy.grafana.without_data import WITHOUT_DATA
from tests.require import ROOT

FILE = ROOT / "docs" / "dashboards.md"
_COUNT = re.compile(r"^\| .* \| `.*` \| (\d+)(?:: .*)? \|$", re.MULTILINE)
_HEAD = """\
# Dashboards

Three Grafana dashboards come with RoomPulse, made by the code in `deploy/grafana` and provisioned into the folder
RoomPulse. Every panel says what is normal and links to the [runbook](runbook.md) entry of the rule that watches the
same thing. Rules that fire, models that change and fleets that move are marked on every graph; the variables choose the
Prometheus, the scorers, the partitions, and over how long errors are averaged.

To change a dashboard, edit its code and run `python -m deploy.grafana`, then `python -m tests.deploy.grafana`, which
writes this page: it starts a Kafka, a Redis, two scorers, notify, an Alertmanager, a simulated stream and a Prometheus
with the rules of `deploy/prometheus`, and asks each query as Grafana would. The last column is how many series came
back; it differs from run to run. The queries of one panel are told apart by a letter.
"""


def render(counts: Mapping[str, int]) -> str:
    """The page. `counts` holds the series by `Asked.place`."""
    parts = [_HEAD]
    for dashboard in dashboards():
        asked = [one for one in everything_asked() if one.dashboard == dashboard["title"]]
        parts.append(f"\n## {dashboard['title']}\n\n{dashboard['description']}\n")
        for section in dict.fromkeys(one.section for one in asked):
            parts.append(f"\n### {section or 'Variables and annotations'}\n\n| | query | series |\n|---|---|---|\n")
            parts += [_row(one, counts[one.place]) for one in asked if one.section == section]
    return "".join(parts)


def written_counts() -> dict[str, int]:
    """The series that the page tells, in the order of `everything_asked`; a page of another shape fails."""
    counts = [int(count) for count in _COUNT.findall(FILE.read_text(encoding="utf-8"))]
    return {asked.place: count for asked, count in zip(everything_asked(), counts, strict=True)}


def _row(asked: Asked, count: int) -> str:
    name = f"{asked.name} {asked.letter}".strip() + ("" if asked.section else f" ({asked.kind})")
    reason = WITHOUT_DATA.get(asked.place)
    expression = asked.expression.replace("|", "\\|")
    return f"| {name} | `{expression}` | {count}{f': {reason}' if reason else ''} |\n"
