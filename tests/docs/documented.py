"""What the documentation says, and what the code knows, as sets of names."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from prometheus_client import CollectorRegistry

from deploy.docs.commands import options, parsers
from deploy.docs.metrics import metrics, registries
from roompulse.cli import COMMANDS, command_parser
from tests.require import ROOT

GENERATED = ROOT / "docs" / "reference"
SCRIPTS = ("bench", "deploy", "trainer/default_model.py", "tests/services")
"""Programs besides `roompulse` whose options the pages may name."""


@cache
def pages() -> dict[Path, str]:
    """Every page that people wrote, by its path."""
    found = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "CHANGELOG.md"]
    return {page: page.read_text(encoding="utf-8") for page in found if page.parent != GENERATED}


@cache
def documentation() -> str:
    """All of docs, generated pages included."""
    return "\n".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").rglob("*.md")))


@cache
def options_of(command: str) -> frozenset[str]:
    """Every option of a command and its actions, --help included."""
    return frozenset(
        spelling
        for parser in parsers(command_parser(command))
        for action in parser._actions
        for spelling in action.option_strings
    )


def shown_options(command: str) -> set[str]:
    """Those of them that --help shows."""
    return {
        spelling
        for parser in parsers(command_parser(command))
        for action in options(parser)
        for spelling in action.option_strings
    }


@cache
def options_of_scripts() -> frozenset[str]:
    """Every option that another program of the repository declares."""
    found = set()
    for name in SCRIPTS:
        for file in [ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
                    found.update(arg.value for arg in node.args if isinstance(arg, ast.Constant))
    return frozenset(str(name) for name in found if str(name).startswith("--"))
