"""The report of `roompulse train`: held-out sessions on the same page that a backtest has."""

from __future__ import annotations

import numpy as np

from tests.trainer.test_leaderboard import scored
from trainer.leaderboard import outcome_of
from trainer.sessions import Session
from trainer.train_report import LearningCurve, judged_of, train_page


def test_the_page_is_whole_harmless_and_the_same_again() -> None:
    """Learning curve, errors, reliability, tables, examples; what a person named is text."""
    rows = scored(150)
    rows = rows._replace(session=rows.session * 3)  # a session's number is a name, not a place
    held_out = [Session(f"r{number}", 1000 * number, np.ones(60)) for number in range(3)]
    curve = LearningCurve()
    for step in range(60):
        curve.see(0, step + 1, 1 / (step + 1))
    judged = judged_of(rows, held_out, 480)
    assert judged.hour[0] == 8
    pages = [
        train_page("held-out <b>", rows, judged, outcome_of(rows), curve, {"time zone": "Asia/Shanghai"})
        for _ in range(2)
    ]
    assert pages[0] == pages[1]
    assert "held-out &lt;b&gt;" in pages[0]
    assert "<b>held" not in pages[0]
    for title in ("Learning", "Forecast error", "Do the intervals hold?", "All measures", "Examples"):
        assert f"<h2>{title}</h2>" in pages[0]
