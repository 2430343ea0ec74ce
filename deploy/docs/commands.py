"""docs/reference/commands.md: every command and option, as its parser knows them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass

from deploy.docs.markdown import code, page, table
from roompulse.cli import COMMANDS, EXIT_CODES, command_parser
from roompulse.settings import PREFIX

SETTING_HELP = re.compile(rf"(?P<meaning>.*) \[(?P<variable>{PREFIX}\w+)(?:, default (?P<default>.*))?\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a process as its command's help tells it."""

    flag: str
    variable: str
    default: str
    meaning: str


def commands_page() -> str:
    """Each command with its arguments, options, settings and examples."""
    listing = table(["command", "does"], ([f"[`{name}`](#{name})", summary] for name, (_, summary) in COMMANDS.items()))
    return page(
        "Commands and options",
        "the commands' own parsers",
        "`roompulse COMMAND --help` shows the same. A setting can also be given by its variable; "
        "[Settings](settings.md) explains each. An option that names no default has none, or is off.\n",
        listing,
        *(part for name in COMMANDS for part in _command(command_parser(name))),
    )


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A command's parser, then those of its actions."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What can be given, as far as --help shows it."""
    return [
        action
        for action in parser._actions
        if action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction)
    ]


def setting(action: argparse.Action) -> Setting | None:
    """The option as a setting of the process, which has a variable too; None where it is the command's own."""
    found = SETTING_HELP.fullmatch((action.help or "").replace("%%", "%"))
    if found is None:
        return None
    return Setting(", ".join(action.option_strings), found["variable"], found["default"] or "", found["meaning"])


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    for one in parsers(parser):
        yield f"{'##' if one is parser else '###'} {one.prog.removeprefix('roompulse ')}\n"
        if one.description:
            yield one.description + "\n"
        known = options(one)
        rows = [row for action in known if setting(action) is None for row in _rows(one, action)]
        rows += [_setting_row(found) for action in known if (found := setting(action)) is not None]
        if rows:
            yield table(["argument or option", "meaning"], rows)
        rest = (one.epilog or "").replace(EXIT_CODES, "").strip()
        if rest:
            yield f"```text\n{rest}\n```\n"


def _rows(parser: argparse.ArgumentParser, action: argparse.Action) -> Iterator[list[str]]:
    if isinstance(action, argparse._SubParsersAction):
        for choice in action._choices_actions:
            yield [code(choice.dest), str(choice.help)]
        return
    formatter = parser._get_formatter()
    meaning = formatter._expand_help(action) if action.help else ""
    if action.option_strings and action.required:
        meaning += " (required)"
    plain = action.default in (None, False, argparse.SUPPRESS) or action.default == []
    if not plain and "default" not in meaning:
        meaning += f" (default {action.default})"
    yield [code(_spelling(formatter, action)), meaning]


def _setting_row(found: Setting) -> list[str]:
    default = f", default {code(found.default)}" if found.default else ""
    return [code(found.flag), f"{found.meaning} ([{code(found.variable)}](settings.md){default})"]


def _spelling(formatter: argparse.HelpFormatter, action: argparse.Action) -> str:
    if action.option_strings and action.nargs == 0:
        return ", ".join(action.option_strings)
    value = formatter._format_args(action, formatter._get_default_metavar_for_optional(action))
    if not action.option_strings:
        return formatter._format_args(action, formatter._get_default_metavar_for_positional(action))
    return f"{', '.join(action.option_strings)} {value}"
