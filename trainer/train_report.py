"""`report.html` of `roompulse train`: the page that a backtest has, as far as it is about forecasts, and how it learnt.

The shipped model's own report is the smaller one of `report`, without plotly's code: it travels with every install.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from roompulse.report.judged import Judged
from roompulse.report.page import Section, figure, page, points, table, text
from roompulse.report.plots import COLOURS, DASHES, axis, layout, numbers
from roompulse.report.skill import n_told, skill_sections, verdict
from roompulse.sessions import Session
from trainer.evaluation import Scored
from trainer.report import examples, leaderboard_table, places_table

EVERY = 20
"""Steps of which the mean loss is one point of the learning curve."""

PLACES = (
    "By size of room and minute of session: mean absolute error over all ten minutes, and the share inside the "
    "10-90 % interval, which should be 80 %. Randomised: a whole number that an end of the interval passes through "
    "counts in proportion."
)


@dataclass(slots=True)
class LearningCurve:
    """The loss of each step, by member."""

    losses: dict[int, list[tuple[int, float]]] = field(default_factory=dict)

    def see(self, member: int, step: int, loss: float) -> None:
        """Take note of a step."""
        self.losses.setdefault(member, []).append((step, loss))

    def figure(self) -> str:
        """The plot: the mean of so many steps, a line a member."""
        data = []
        for member, steps in sorted(self.losses.items()):
            parts = [steps[first : first + EVERY] for first in range(0, len(steps), EVERY)]
            data.append(
                {
                    "type": "scatter", "mode": "lines", "name": f"member {member + 1}",
                    "x": [part[-1][0] for part in parts],
                    "y": numbers([float(np.mean([loss for _, loss in part])) for part in parts]),
                    "line": {"color": COLOURS[member % len(COLOURS)], "dash": ("solid", *DASHES)[member % 6]},
                }
            )  # fmt: skip
        plot = {"data": data, "layout": layout(axis("training step"), axis("pinball loss of the training batches"))}
        count = sum(map(len, self.losses.values()))
        note = (
            f"n = {count:,} steps, each point the mean of {EVERY}. Dropout is on: held-out loss is in the tables below."
        )
        return figure(plot, "How the loss fell", note, height=320)


def judged_of(scored: Scored, heldout: Sequence[Session], offset: int) -> Judged:
    """The scored rows as the report takes them; `offset` is that of local time in minutes."""
    # A row's session is a name, not a place; every held-out session has rows, in the same order.
    _, place = np.unique(scored.session, return_inverse=True)
    starts = np.array([session.start for session in heldout])
    minute = np.zeros(len(scored.session), np.int64) if scored.minute is None else scored.minute
    hour = (starts[place] + minute + offset) % 1440 // 60
    return Judged(scored.truth, scored.quantiles, scored.others, scored.session, scored.size, hour)


def train_page(
    title: str,
    scored: Scored,
    judged: Judged,
    outcome: Mapping[str, Any],
    curve: LearningCurve,
    about: Mapping[str, str],
) -> str:
    """The page. The same arguments give the same bytes."""
    board = outcome["leaderboard"]
    lead = [text(f"Held out: {n_told(judged)}. RoomPulse is the network that was trained.", style="soft")]
    sections = [
        Section("In short", [points(verdict(judged))]),
        Section("Learning", [curve.figure()] if curve.losses else []),
        *skill_sections(judged, f"Hours are those of {about['time zone']}." if "time zone" in about else ""),
        Section("All measures", [leaderboard_table(board), text(PLACES), places_table(board)]),
        Section("Examples", [text("The next minute as forecast a minute before."), *examples(scored)]),
        Section("Settings", [table(["name", "value"], [[name, value] for name, value in about.items()], left=2)]),
    ]  # fmt: skip
    return page(title, lead, sections)
