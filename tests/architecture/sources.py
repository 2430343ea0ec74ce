"""The project's own source files, read once for the rules that are checked on their text or syntax."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.require import ROOT

INSTALLED = ("roompulse", "producer", "trainer", "scorer", "watch")
PACKAGES = (*INSTALLED, "deploy")


def source_files(*packages: str) -> list[Path]:
    """Every Python file of these packages (all where none is named), relative to the repository, sorted."""
    return sorted(
        path.relative_to(ROOT)
        for name in packages or PACKAGES
        for path in (ROOT / name).rglob("*.py")
        if path.is_file()
    )


@cache
def syntax(path: Path) -> ast.Module:
    """The syntax tree of one source file."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full module name of every import in a file, those inside functions included."""
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module
