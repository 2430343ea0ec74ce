"""What the documentation says, and what the code knows, as sets of names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

from deploy.docs.commands import options, parsers, setting
from deploy.docs.metrics import metrics, registries
from roompulse.cli import COMMANDS, command_parser
from roompulse.settings import PREFIX, Settings
from tests.require import ROOT

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
GENERATED = ROOT / "docs" / "reference"
SCRIPTS = ("bench", "deploy", "trainer/default_model.py", "tests/chaos", "tests/fuzz", "tests/services")
"""Programs besides `roompulse` whose options the pages may name."""


@cache
def pages() -> dict[Path, str]:
    """Every page that people wrote, by its path."""
    found = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "CHANGELOG.md"]
    return {page: page.read_text(encoding="utf-8") for page in found if page.parent != GENERATED and page.exists()}


def pieces(text: str) -> Iterator[str]:
    """What is marked as code: each line of a block, continued lines as one, and each piece within a sentence."""
    for block in FENCED.findall(text):
        yield from re.sub(r"\s*\\\n\s*", " ", block).splitlines()[1:-1]
    yield from (" ".join(inline.split()) for inline in re.findall(r"`([^`]+)`", FENCED.sub("", text)))


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
    found: set[str] = set()
    for name in SCRIPTS:
        for file in [ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
                    found.update(str(arg.value) for arg in node.args if isinstance(arg, ast.Constant))
    return frozenset(name for name in found if name.startswith("--"))


@cache
def known_metrics() -> frozenset[str]:
    """Every metric of every command, as Prometheus sees it."""
    return frozenset(name for registry in registries().values() for name, *_ in metrics(registry))


@cache
def known_variables() -> frozenset[str]:
    """Every setting's variable: of the class that most commands share, and of the settings that a command has alone."""
    shared = {PREFIX + item.name.upper() for item in fields(Settings)}
    told = {
        found.variable
        for name in COMMANDS
        for parser in parsers(command_parser(name))
        for found in filter(None, map(setting, options(parser)))
    }
    return frozenset(shared | told)


@cache
def variables_elsewhere() -> frozenset[str]:
    """What tests and CI read from the environment."""
    files = [ROOT / ".ci" / "run", *(ROOT / "tests").rglob("*.py")]
    return frozenset(
        name for file in files for name in re.findall(r"\bROOMPULSE_[A-Z_]*[A-Z]", file.read_text(encoding="utf-8"))
    )
