"""docs/exit-codes-and-errors.md names what the code can say: every exit code, reason and path."""

from __future__ import annotations

import ast
import re

from roompulse.cli import EXIT_CODES
from tests.asyncapi import Document
from tests.require import ROOT

PAGE = (ROOT / "docs" / "exit-codes-and-errors.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> list[str]:
    """The first column of the table under a heading, without code marks."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `?([^`|]+?)`? \|", section, re.MULTILINE)[1:]


def reasons_in_code() -> set[str]:
    """Every reason that a RecordError is raised with, anywhere."""
    found = set()
    for package in ("roompulse", "scorer"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RecordError":
                    (reason,) = [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
                    found.add(str(reason))
    return found


def test_every_reason_of_a_dead_letter_is_explained() -> None:
    """The page, the AsyncAPI document and the code know the same reasons."""
    explained = first_cells("Dead letters")
    assert set(explained) == reasons_in_code()
    assert explained == Document().schemas["deadLetterHeaders"]["properties"]["reason"]["enum"]


def test_every_exit_code_is_explained() -> None:
    """What each command's --help says is there, and what a signal adds."""
    assert set(first_cells("Exit codes")) == set(re.findall(r"\d+", EXIT_CODES)) | {"143"}


def test_every_path_is_explained() -> None:
    """The page lists the paths that the HTTP port lists in its own 404."""
    code = (ROOT / "roompulse" / "http_status.py").read_text(encoding="utf-8")
    (listed,) = re.findall(r'"there are (.+?)"', code)
    assert first_cells("HTTP endpoints") == re.findall(r"/\w+", listed)
