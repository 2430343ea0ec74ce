"""The report: one page with every table and plot, which needs nothing else and is the same again."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np

from tests.trainer.test_leaderboard import scored
from trainer.leaderboard import outcome_of
from trainer.report import report_page
from trainer.svg import lines, ranges


def test_the_page_is_whole_small_and_the_same_again() -> None:
    """Leaderboard, differences, horizons, reliability, places, examples; no script, nothing from elsewhere."""
    rows = scored(150)
    page = report_page("held-out <rooms>", rows, outcome_of(rows))
    assert page == report_page("held-out <rooms>", rows, outcome_of(rows))
    assert page.count("<svg") >= 6
    assert "held-out &lt;rooms&gt;" in page
    assert not re.search(r"<script|https?:|src=|href=|nan|NaN", page)
    assert len(page) < 100_000


def test_plots_are_well_formed_with_gaps_and_flat_lines() -> None:
    """Missing values break a line instead of the file; a constant still has an axis."""
    for plot in (
        lines([1, 2, 3, 4], {"a & b": [1.0, np.nan, 3.0, 4.0]}, ("<x>", "y")),
        lines([1, 2], {"flat": [5.0, 5.0]}, ("x", "y"), (np.array([4.0, np.nan]), np.array([6.0, np.nan]))),
        ranges({"only": (0.0, 0.0, 0.0)}, "nothing"),
    ):
        ElementTree.fromstring(plot)
        assert "nan" not in plot
