"""Tables and headings of the generated pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a cell may hold anything on one or more lines."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def code(text: object) -> str:
    """Text as it is typed; nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def page(title: str, source: str, *parts: str) -> str:
    """A page that says what it was made from."""
    head = f"# {title}\n\n<!-- Made by `make docs` from {source}; changes here are lost. -->\n"
    return "\n".join([head, *(part.rstrip("\n") + "\n" for part in parts)])


def _cell(text: str) -> str:
    pieces = re.split(r"(`[^`]*`)", " ".join(text.split()).replace("|", "\\|"))
    return "".join(piece if piece.startswith("`") else piece.replace("<", "&lt;") for piece in pieces)
