"""The documentation names everything that there is, and nothing that there is not."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from deploy.docs.errors import tree
from deploy.docs.rules import RULES, rules
from roompulse import records, topics, words
from roompulse.cli import COMMANDS, EXIT_CODES
from roompulse.errors import RoomPulseError
from roompulse.settings import PREFIX
from roompulse.topics import Topics
from tests.asyncapi import Document
from tests.docs.documented import (
    documentation,
    known_metrics,
    known_variables,
    options_of,
    options_of_scripts,
    pages,
    pieces,
    shown_options,
    variables_elsewhere,
)
from tests.require import ROOT

OF_OTHERS = re.compile(r"\b(amtool|curl|docker|json\.tool|kafka-[\w-]+|kt|kubectl|pip|promtool|redis-(cli|server))\b")
"""Programs of others, whose options stand beside them; `kt` is the runbook's word for Kafka's own scripts."""

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
METRIC = re.compile(r"(?<![\w/.])roompulse_[a-z0-9_]+[a-z0-9]")
TOPIC = re.compile(r"(?<![\w./-])(?:dlq\.)?live\.[a-z]+(?:\.[a-z]+)*(?:/\d+)?")
COMMAND = re.compile(r"roompulse ([a-z]+)((?: [^|#`\n]*)?)")


def named() -> dict[str, set[str]]:
    """Everything that a reader could look for, by what it is, as it is written."""
    schemas = Document().schemas
    structs = [kind for module in (records, words) for kind in vars(module).values() if is_record(kind)]
    return {
        "command": {f"roompulse {name}" for name in COMMANDS},
        "option": {spelling for name in COMMANDS for spelling in shown_options(name)},
        "variable": {f"`{name}`" for name in known_variables()},
        "metric": {f"`{name}`" for name in known_metrics()},
        "topic": {f"## {name}\n" for name in Topics().all},
        "record": {value for name, value in vars(topics).items() if name.endswith("_SCHEMA")},
        "field": {f"{field.encode_name}`" for kind in structs for field in msgspec.structs.fields(kind)},
        "reason": {f"`{reason}`" for reason in schemas["deadLetterHeaders"]["properties"]["reason"]["enum"]},
        "exit code": {f"| {code} |" for code in re.findall(r"\d+", EXIT_CODES)},
        "error": {f"`{error.__name__}`" for _, error in tree(RoomPulseError)},
        "rule": {f"## {rule['alert']}\n" for rule in rules(RULES) if "alert" in rule},
        "recorded series": {f"`{rule['record']}" for rule in rules(RULES) if "record" in rule},
    }


def is_record(kind: object) -> bool:
    """Whether it is a record's type or a part of one."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind is not msgspec.Struct


@pytest.mark.parametrize("what", named())
def test_everything_is_documented(what: str) -> None:
    """Each command, option, variable, metric, topic, record, field, reason, exit code, error and rule has its place."""
    text = documentation()
    missing = sorted(name for name in named()[what] if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text))
    assert not missing, f"the docs name no {what} {missing}"


def on_pages(pattern: re.Pattern[str]) -> list[tuple[Path, str]]:
    """What a pattern finds on the pages that people write."""
    return [(page.relative_to(ROOT), found[0]) for page, text in pages().items() for found in pattern.finditer(text)]


def test_the_pages_name_no_option_that_is_not_there() -> None:
    """Of any command, of the repository's other programs, or of another program that is called there."""
    known = {option for name in COMMANDS for option in options_of(name)} | options_of_scripts()
    for page, text in pages().items():
        for piece in pieces(text):
            assert OF_OTHERS.search(piece) or set(OPTION.findall(piece)) <= known, f"{page}: {piece}"


def test_commands_on_the_pages_have_the_options_that_they_are_shown_with() -> None:
    """`roompulse watch --budget` would be wrong although another command has that option."""
    wrong = [
        (page.relative_to(ROOT), found[0])
        for page, text in pages().items()
        for piece in pieces(text)
        for found in COMMAND.finditer(piece)
        if found[1] in COMMANDS and not set(OPTION.findall(found[2])) <= options_of(found[1])
    ]
    assert not wrong


def test_the_pages_name_no_metric_that_is_not_there() -> None:
    """A histogram's series count too."""
    known = known_metrics()
    assert not {name for _, name in on_pages(METRIC) if not {name, re.sub(r"_(bucket|sum|count)$", "", name)} & known}


def test_the_pages_name_no_topic_that_is_not_there() -> None:
    """Nor a record."""
    schemas = {value for name, value in vars(topics).items() if name.endswith("_SCHEMA")}
    assert {name for _, name in on_pages(TOPIC)} <= {*Topics().all, *schemas}


def test_the_pages_name_no_variable_that_is_not_there() -> None:
    """A setting's, or one that Makefile, CI and tests know."""
    known = known_variables() | variables_elsewhere()
    assert {name for _, name in on_pages(re.compile(rf"\b{PREFIX}[A-Z_]*[A-Z]"))} <= known
