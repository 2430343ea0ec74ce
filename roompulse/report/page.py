"""The page: sections, tables and figures, with plotly's code once. Everything that is given as text is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

from roompulse.errors import RoomPulseError

Figure = dict[str, Any]
"""A plot as plotly reads it: `data` and `layout`, of plain lists, texts and numbers."""

_ASSETS = files("roompulse.report") / "assets"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it: fragments of HTML, made by the functions here."""

    title: str
    parts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cell:
    """A table's cell that is sorted by something else than its text, or is emphasised."""

    text: str
    order: float | str | None = None
    style: str = ""


def require_plotly() -> None:
    """Raise RoomPulseError where the extra is not installed. Loads nothing."""
    if find_spec("plotly") is None:
        raise RoomPulseError("the report needs the extra `report`: pip install 'roompulse[report]'")


def page(title: str, lead: Sequence[str], sections: Sequence[Section]) -> str:
    """The whole file. The same arguments give the same bytes. Raises RoomPulseError without plotly."""
    require_plotly()
    from plotly.offline import get_plotlyjs

    style, script = ((_ASSETS / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    shown = [section for section in sections if section.parts]
    contents = "".join(f'<li><a href="#s{at}">{escape(section.title)}</a></li>' for at, section in enumerate(shown))
    body = "".join(
        f'<section id="s{at}"><h2>{escape(section.title)}</h2>{"".join(section.parts)}</section>'
        for at, section in enumerate(shown)
    )
    # A page of one section needs no list of them.
    contents = f"<nav><ul>{contents}</ul></nav>" if len(shown) > 1 else ""
    # The policy keeps the page from asking anything of anybody, whatever stands in its texts.
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{style}</style></head><body>'
        f"<header><h1>{escape(title)}</h1>{''.join(lead)}</header>{contents}<main>{body}</main>"
        "<noscript><p>The plots need JavaScript; nothing is loaded from elsewhere.</p></noscript>"
        f"<script>{get_plotlyjs()}</script><script>{script}</script></body></html>\n"
    )


def text(*sentences: str, style: str = "") -> str:
    """A paragraph."""
    return f"<p{_class(style)}>{escape(' '.join(sentences))}</p>"


def points(items: Iterable[str]) -> str:
    """A list of sentences."""
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def cards(items: Iterable[tuple[str, str, str]]) -> str:
    """The few figures that stand out: value, what it is, and what it stands beside."""
    return (
        '<div class="cards">'
        + "".join(
            f'<div class="card"><b>{escape(value)}</b><span>{escape(name)}</span><small>{escape(note)}</small></div>'
            for value, name, note in items
        )
        + "</div>"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str | Cell]], *, caption: str = "", left: int = 1) -> str:
    """A table that a click on a heading sorts; the first `left` columns are text, the others numbers."""
    titles = "".join(
        f'<th scope="col"{_class("" if at < left else "n")}><button type="button">{escape(name)}</button></th>'
        for at, name in enumerate(head)
    )
    body = "".join(f"<tr>{''.join(_cell(cell, at >= left) for at, cell in enumerate(row))}</tr>" for row in rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="wide"><table>{title}<thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'


def figure(plot: Figure, caption: str, note: str = "", *, height: int = 380, more: Figure | None = None) -> str:
    """A plot with what it shows. `more` is data for the page's own code."""
    extra = "" if more is None else f'<script type="application/json" class="more">{_json(more)}</script>'
    below = f"<small>{escape(note)}</small>" if note else ""
    return (
        f'<figure><figcaption>{escape(caption)}</figcaption><div class="plot" style="height:{height}px">'
        f'<script type="application/json" class="figure">{_json(plot)}</script>{extra}</div>{below}</figure>'
    )


def beside(figures: Iterable[str]) -> str:
    """Figures side by side where there is room."""
    return f'<div class="beside">{"".join(figures)}</div>'


def choice(label: str, panels: Sequence[tuple[str, str]]) -> str:
    """Panels (name, HTML) of which one is seen, with a list to choose from."""
    options = "".join(f'<option value="{at}">{escape(name)}</option>' for at, (name, _) in enumerate(panels))
    shown = "".join(
        f'<div class="panel"{"" if at == 0 else " hidden"}>{html}</div>' for at, (_, html) in enumerate(panels)
    )
    return (
        f'<div class="choice"><div class="controls"><label>{escape(label)} <select>{options}</select></label>'
        f'<button type="button" value="-1">previous</button><button type="button" value="1">next</button></div>'
        f"{shown}</div>"
    )


def _cell(cell: str | Cell, number: bool) -> str:
    given = cell if isinstance(cell, Cell) else Cell(cell)
    style = " ".join(filter(None, ("n" if number else "", given.style)))
    order = "" if given.order is None else f' data-order="{escape(str(given.order))}"'
    return f"<td{_class(style)}{order}>{escape(given.text)}</td>"


def _class(style: str) -> str:
    return f' class="{style}"' if style else ""


def _json(value: Figure) -> str:
    """JSON that cannot end the element that it stands in."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
