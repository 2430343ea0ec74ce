"""`backtest --report`: one page, whole, harmless, and true to the run's files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import plotly.graph_objects as go
import pytest

from tests.require import ROOT, require
from tests.scorer.report.runs import HOSTILE
from tests.services.browser import DEADLINE_MS, chromium

A4_WITHIN_MARGINS = 688
"""Pixels: 210 mm less the 14 mm on either side that the page asks for."""

SECTIONS = (
    "In short", "Rooms over time", "Alerts", "Forecast error", "Do the intervals hold?", "Where it is harder",
    "Calibration of the tail probability", "Best and worst sessions", "The audience", "Settings of this run",
    "Sweep of surge_budget",
)  # fmt: skip


class Elements(HTMLParser):
    """The page's elements, texts and JSON, as a browser would take them apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.figures: list[dict[str, object]] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = dict(attrs).get("class") or "" if tag == "script" else tag

    def handle_data(self, data: str) -> None:
        if self._inside == "figure":
            self.figures.append(json.loads(data))
        elif self._inside != "more":
            self.texts.append(data)


@pytest.fixture(scope="session")
def page(looked_at: Path) -> str:
    """The report."""
    return (looked_at / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def elements(page: str) -> Elements:
    """What it is made of."""
    return Elements(page)


def test_the_page_has_every_section_and_needs_nothing_else(page: str, elements: Elements) -> None:
    """Its code stands in it once; no element asks anybody for anything, and a policy would refuse it."""
    assert all(name in elements.texts for name in SECTIONS)
    assert page.count("plotly.js v") == 1
    assert not [attrs for tag, attrs in elements.tags if "src" in attrs or tag in {"link", "img", "iframe"}]
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page
    assert len(page.encode()) < 8_000_000


def test_room_ids_are_text_wherever_they_stand(elements: Elements) -> None:
    """As written, in headings, tables and the list of rooms; none of them is an element."""
    everything = "\n".join(elements.texts)
    assert all(name in everything for name in HOSTILE)
    assert not [attrs for _, attrs in elements.tags if {"onerror", "onload"} & attrs.keys()]
    assert not [attrs for _, attrs in elements.tags if "javascript" in (attrs.get("href") or "")]


def test_every_plot_is_one_that_plotly_knows_with_named_axes(elements: Elements) -> None:
    """Plotly's own check of names and values; units stand on the axes."""
    assert len(elements.figures) > 15
    for figure in elements.figures:
        checked = go.Figure(figure)
        assert len(checked.data) > 0
        axes = [of for name, of in figure["layout"].items() if re.match("[xy]axis", name)]  # type: ignore[attr-defined]
        assert all(of["title"]["text"] for of in axes)


def test_a_real_browser_draws_it_and_runs_nothing_of_anybody_else(looked_at: Path) -> None:
    """Chromium opens the file; the plots are there, and no room id became code."""
    browser = shutil.which("chromium")
    require("Chromium", browser is not None, "apt-get install chromium")
    opened = subprocess.run(
        [str(browser), "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom",
         (looked_at / "report.html").as_uri()],
        capture_output=True, text=True, timeout=240, check=True,
    ).stdout  # fmt: skip
    assert 'class="main-svg"' in opened
    assert "data-broken" not in opened.partition("<body")[0]
    assert opened.count('data-drawn="yes"') > 10


def test_no_plot_is_cut_off_and_everything_fits_on_paper(looked_at: Path) -> None:
    """Each drawing is as wide as its place; on A4 nothing is wider than the page, and sentences are not columns."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1260, "height": 900})
        page.goto((looked_at / "report.html").as_uri(), timeout=DEADLINE_MS)
        page.wait_for_selector(".js-plotly-plot .main-svg", timeout=DEADLINE_MS)
        widths = """plots => plots.filter((plot) => plot.clientWidth).map((plot) =>
          plot.querySelector(".main-svg").getBoundingClientRect().width - plot.clientWidth)"""
        cut = page.locator(".js-plotly-plot").evaluate_all(widths)
        assert len(cut) > 10
        assert max(map(abs, cut)) < 2
        page.emulate_media(media="print")
        page.set_viewport_size({"width": A4_WITHIN_MARGINS, "height": 900})
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate("document.documentElement.scrollWidth") <= A4_WITHIN_MARGINS
        assert page.locator("td.told").first.evaluate("cell => cell.clientWidth") > 140


def test_the_figures_are_those_of_the_summary(looked_at: Path, elements: Elements) -> None:
    """The error one minute ahead that the page tells is the one that the scorer counted."""
    summary = json.loads((looked_at / "summary.json").read_text())
    assert f"{summary['error_at_1']:.4g}" in elements.texts
    assert f"{summary['labels_found']} of {summary['labels_real']} labels" in elements.texts


def test_without_being_asked_nothing_of_it_is_loaded_or_kept(history: tuple[Path, Path], tmp_path: Path) -> None:
    """A plain run works where plotly is not installed; asked for a report there, it says so before it scores."""
    code = (
        "import sys; sys.modules['plotly'] = None\n"
        "from importlib import util; util.find_spec = lambda name, *of, find=util.find_spec: "
        "None if name == 'plotly' else find(name, *of)\n"
        "from roompulse.cli import main\n"
        f"plain = main(['backtest', {str(history[0])!r}, '--out', {str(tmp_path / 'plain')!r}])\n"
        f"asked = main(['backtest', {str(history[0])!r}, '--out', {str(tmp_path / 'asked')!r}, '--report'])\n"
        "print(plain, asked, [name for name in sys.modules if name.startswith('roompulse.report.')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "0 1 ['roompulse.report.page']"
    assert "pip install 'roompulse[report]'" in ran.stderr
    assert not (tmp_path / "asked").exists()
