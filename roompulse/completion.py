"""`roompulse completion bash|zsh|fish`: a script that completes commands, options, choices and file names.

It is made from the commands' own parsers, so that it knows what they know; a shell that has read it starts nothing.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass

from roompulse.cli import COMMANDS, command_parser

EXAMPLES = """\
examples:
  roompulse completion bash > ~/.local/share/bash-completion/completions/roompulse
  roompulse completion zsh > ~/.zfunc/_roompulse
  roompulse completion fish > ~/.config/fish/completions/roompulse.fish"""

SHELLS = ("bash", "zsh", "fish")
_FILES = {"FILE", "BUNDLE"}
_FOLDERS = {"DIR"}
_FILE_OPTIONS = {"--settings", "--model", "--registry"}


@dataclass(frozen=True, slots=True)
class Option:
    """One option or argument: its spellings (none for an argument), help, choices, and what its value is."""

    spellings: tuple[str, ...]
    help: str
    choices: tuple[str, ...]
    takes: str
    """`file`, `folder`, `text`, or nothing."""


@dataclass(frozen=True, slots=True)
class Words:
    """What may stand after some words of a command line: `roompulse` COMMAND, or COMMAND ACTION."""

    path: tuple[str, ...]
    options: tuple[Option, ...]
    actions: dict[str, str]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the argument."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    parser.add_argument("shell", choices=SHELLS, help="for which shell")


def run(args: argparse.Namespace) -> int:
    """Print the script. Returns 0."""
    print(completion(args.shell), end="")
    return 0


def completion(shell: str) -> str:
    """The script for a shell of `SHELLS`."""
    every = [words for name in COMMANDS for words in words_of((name,), command_parser(name))]
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](every)


def words_of(path: tuple[str, ...], parser: argparse.ArgumentParser) -> Iterator[Words]:
    """A parser's words, then those of its actions."""
    options: list[Option] = []
    actions: dict[str, str] = {}
    below: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            below = dict(action.choices)
            actions = {choice.dest: choice.help or "" for choice in action._choices_actions}
        elif action.help != argparse.SUPPRESS:
            options.append(_option(action))
    yield Words(path, tuple(options), actions)
    for name, other in below.items():
        yield from words_of((*path, name), other)


def _option(action: argparse.Action) -> Option:
    name = action.metavar if isinstance(action.metavar, str) else ""
    takes = (
        "" if action.nargs == 0 else "file" if name in _FILES or _FILE_OPTIONS & {*action.option_strings} else "text"
    )
    takes = "folder" if name in _FOLDERS else takes
    text = re.sub(r"\s*[\[(].*", "", (action.help or "").partition(";")[0]).replace("%%", "%")
    return Option(tuple(action.option_strings), text, tuple(map(str, action.choices or ())), takes)


def _bash(every: list[Words]) -> str:
    cases = []
    for words in every:
        flags = " ".join(spelling for option in words.options for spelling in option.spellings)
        free = " ".join([*words.actions, *(choice for option in _free(words) for choice in option.choices)])
        values = [
            f"        {'|'.join(option.spellings)}) {_bash_value(option)} ;;\n"
            for option in words.options
            if option.spellings and option.takes
        ]
        files = any(option.takes in {"file", "folder"} for option in _free(words))
        last = f'COMPREPLY=($(compgen -W "{free}" -- "$word"))' if free else ":"
        other = 'COMPREPLY=($(compgen -f -- "$word"))' if files else last
        cases.append(
            f'    "{" ".join(words.path)}")\n      case "$before" in\n{"".join(values)}'
            f'        *) if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "{flags}" -- "$word"))\n'
            f"           else {other}; fi ;;\n      esac ;;\n"
        )
    pairs = " ".join(f'"{" ".join(words.path)}"' for words in every if len(words.path) > 1)
    return (
        "# roompulse completion bash\n_roompulse() {\n"
        '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" place="${COMP_WORDS[1]}" pair\n'
        "  COMPREPLY=()\n"
        f'  if ((COMP_CWORD == 1)); then COMPREPLY=($(compgen -W "{" ".join(COMMANDS)} --help --version" -- "$word"))\n'
        "    return\n  fi\n"
        f'  for pair in {pairs}; do [[ "$place ${{COMP_WORDS[2]}}" == "$pair" ]] && ((COMP_CWORD > 2)) && place=$pair\n'
        f'  done\n  case "$place" in\n{"".join(cases)}  esac\n}}\n'
        "complete -o filenames -F _roompulse roompulse\n"
    )


def _bash_value(option: Option) -> str:
    if option.choices:
        return f'COMPREPLY=($(compgen -W "{" ".join(option.choices)}" -- "$word"))'
    kind = {"file": "-f", "folder": "-d"}.get(option.takes)
    return ":" if kind is None else f'COMPREPLY=($(compgen {kind} -- "$word"))'


def _zsh(every: list[Words]) -> str:
    functions = []
    for words in every:
        arguments = [part for option in words.options for part in _zsh_option(option)]
        if words.actions:
            listing = " ".join(f"{name}\\:{_quoted(text)}" for name, text in words.actions.items())
            arguments += [f"'1:action:(({listing}))'", "'*::argument:->action'"]
        below = f"  [[ $state == action ]] && _roompulse_{'_'.join(words.path)}_$words[1]\n" if words.actions else ""
        functions.append(
            f"_roompulse_{'_'.join(words.path)}() {{\n  local state\n  _arguments -s {' '.join(arguments)}\n{below}}}\n"
        )
    listing = " ".join(f"'{name}:{_quoted(summary)}'" for name, (_, summary) in COMMANDS.items())
    return (
        "#compdef roompulse\n# roompulse completion zsh\n" + "".join(functions) + "_roompulse() {\n  local state\n"
        f"  local -a commands=({listing})\n"
        "  _arguments '(- *)--help[show the commands]' '(- *)--version[show the version]' "
        "'1:command:->command' '*::argument:->argument'\n"
        "  case $state in\n    command) _describe command commands ;;\n    argument) _roompulse_$words[1] ;;\n  esac\n"
        "}\n"
        'if [[ $funcstack[1] == _roompulse ]]; then _roompulse "$@"; else compdef _roompulse roompulse; fi\n'
    )


def _zsh_option(option: Option) -> Iterator[str]:
    kinds = {"file": "file:_files", "folder": "folder:_files -/", "text": "value:", "": ""}
    value = f"value:({' '.join(option.choices)})" if option.choices else kinds[option.takes]
    if not option.spellings:
        yield f"'*:{value}'"
    for spelling in option.spellings:
        yield f"'*{spelling}[{_quoted(option.help)}]{':' + value if value else ''}'"


def _fish(every: list[Words]) -> str:
    lines = ["# roompulse completion fish", "complete -c roompulse -f"]
    for name, (_, summary) in COMMANDS.items():
        lines.append(f"complete -c roompulse -n __fish_use_subcommand -a {name} -d '{_quoted(summary)}'")
    for words in every:
        seen = " and ".join(f"__fish_seen_subcommand_from {part}" for part in words.path).replace(" and ", "; and ")
        start = f"complete -c roompulse -n '{seen}'"
        lines += [f"{start} -a {name} -d '{_quoted(text)}'" for name, text in words.actions.items()]
        for option in words.options:
            values = f" -a '{' '.join(option.choices)}'" if option.choices else ""
            files = option.takes in {"file", "folder"} and not option.choices
            values += " -F" if files else ""
            names = "".join(f" -l {of[2:]}" if of.startswith("--") else f" -s {of[1:]}" for of in option.spellings)
            needs = ("" if not option.takes else " -r" if files else " -x") if names else ""
            if names or values:
                lines.append(f"{start}{names}{needs}{values} -d '{_quoted(option.help)}'")
    return "\n".join(lines) + "\n"


def _free(words: Words) -> list[Option]:
    return [option for option in words.options if not option.spellings]


def _quoted(text: str) -> str:
    """Text between single quotes and brackets of any of the shells."""
    return re.sub(r"[\[\]'\"`$:\\]", " ", " ".join(text.split()))
