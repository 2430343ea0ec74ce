"""docs/reference/settings.md: every setting of a process, with its flag, variable and default."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import fields

from deploy.docs.commands import as_typed, parsers, settings
from deploy.docs.markdown import code, page, table
from roompulse.cli import COMMANDS, command_parser
from roompulse.settings import PREFIX, Settings


def settings_page() -> str:
    """One table, in the order of the class, with the commands that take each."""
    takers: dict[str, list[str]] = defaultdict(list)
    for name in COMMANDS:
        known = {action.dest for parser in parsers(command_parser(name)) for action in settings(parser)}
        for item in fields(Settings):
            if item.name in known:
                takers[item.name].append(f"[{name}](commands.md#{name})")
    rows = [
        [
            code("--" + item.name.replace("_", "-")),
            code(PREFIX + item.name.upper()),
            code(as_typed(item.default)),
            item.metadata["help"],
            ", ".join(takers[item.name]),
        ]
        for item in fields(Settings)
    ]
    return page(
        "Settings and variables",
        "roompulse/settings.py",
        "A flag wins over its variable, and that over the default. There are no other sources, except for the TOML file "
        "that `--settings` names ([its keys](../feedback.md#settings-by-category-and-by-room)). Switches take `true` or "
        "`false` in a variable and `--NAME` or `--no-NAME` as a flag. A value that does not fit ends the command with "
        "exit code 2, naming flag or variable.\n",
        table(["flag", "variable", "default", "meaning", "commands"], rows),
    )
