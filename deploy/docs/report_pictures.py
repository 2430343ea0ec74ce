"""Plots of the shipped model's own report, cut out for docs/model.md."""

from __future__ import annotations

import re

from roompulse.bundle import default_bundle

FIGURE = re.compile(r"<figure><figcaption>(?P<caption>.*?)</figcaption><svg (?P<plot>.*?</svg>)</figure>", re.DOTALL)
SHOWN = {
    "report-rivals": "Network less rival, mean absolute error over all ten minutes",
    "report-best": "One of the best",
    "report-worst": "One of the worst",
}
"""Picture, and how the caption of its figure begins; the last such figure is taken."""


def report_pictures() -> dict[str, str]:
    """Each picture's SVG by its name."""
    report = (default_bundle() / "report.html").read_text(encoding="utf-8")
    plots = {
        name: found["plot"]
        for found in FIGURE.finditer(report)
        for name, caption in SHOWN.items()
        if found["caption"].startswith(caption)
    }
    return {name: framed(plots[name]) for name in SHOWN}


def framed(plot: str) -> str:
    """A plot as a file of its own, on white, for pages may be dark. `plot` begins behind `<svg `."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" style="background:#fff" font-family="sans-serif" {plot}\n'
