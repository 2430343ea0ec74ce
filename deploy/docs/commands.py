"""docs/reference/commands.md: every command and option, as its parser knows them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import fields

from deploy.docs.markdown import code, page, table
from roompulse.cli import COMMANDS, EXIT_CODES, command_parser
from roompulse.settings import PREFIX, Settings

SETTINGS = {item.name: item for item in fields(Settings)}


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


def settings(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The options that stand for a setting of the process, which has a variable too."""
    return [action for group in parser._action_groups if group.title == "settings" for action in group._group_actions]


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    for one in parsers(parser):
        yield f"{'##' if one is parser else '###'} {one.prog.removeprefix('roompulse ')}\n"
        if one.description:
            yield one.description + "\n"
        known = options(one)
        told = settings(one)
        own = [action for action in known if action not in told]
        rows = [row for action in own for row in _rows(one, action)] + [_setting_row(action) for action in told]
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


def _setting_row(action: argparse.Action) -> list[str]:
    item = SETTINGS[action.dest]
    spelling = ", ".join(action.option_strings)
    variable = f"[`{PREFIX}{item.name.upper()}`](settings.md)"
    default = "" if item.default in ("", None) else f", default {code(as_typed(item.default))}"
    return [code(spelling), f"{item.metadata['help']} ({variable}{default})"]


def as_typed(default: object) -> str:
    """A default as one would type it; nothing where there is none."""
    return "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)


def _spelling(formatter: argparse.HelpFormatter, action: argparse.Action) -> str:
    if action.option_strings and action.nargs == 0:
        return ", ".join(action.option_strings)
    value = formatter._format_args(action, formatter._get_default_metavar_for_optional(action))
    if not action.option_strings:
        return formatter._format_args(action, formatter._get_default_metavar_for_positional(action))
    return f"{', '.join(action.option_strings)} {value}"
