"""docs/reference/settings.md: every setting of a process, with its flag, variable and default."""

from __future__ import annotations

from collections import defaultdict

from deploy.docs.commands import Setting, options, parsers, setting
from deploy.docs.markdown import code, page, table
from roompulse.cli import COMMANDS, command_parser


def settings_page() -> str:
    """One table, with the commands that take each setting; one whose default differs by command has several rows."""
    takers: dict[Setting, list[str]] = defaultdict(list)
    for name in COMMANDS:
        for parser in parsers(command_parser(name)):
            for found in filter(None, map(setting, options(parser))):
                if name not in takers[found]:
                    takers[found].append(name)
    rows = (
        [
            code(found.flag),
            code(found.variable),
            code(found.default),
            f"{found.meaning} ({', '.join(f'[{name}](commands.md#{name})' for name in names)})",
        ]
        for found, names in sorted(takers.items(), key=lambda taken: taken[0].flag)
    )
    return page(
        "Settings and variables",
        "the commands' own parsers",
        "A flag wins over its variable, and that over the default. There are no other sources, except for the TOML "
        "file that `--settings` names ([its keys](../feedback.md#settings-by-category-and-by-room)). A switch is "
        "`true` or `false` in a variable. A value that does not fit ends the command with exit code 2, naming flag or "
        "variable.\n",
        table(["flag", "variable", "default", "meaning, and the commands that take it"], rows),
    )
