"""The console script: what it loads, prints and exits with."""

from __future__ import annotations

import argparse
import importlib
import shlex
import sys
from types import ModuleType

import pytest

from roompulse import __version__, cli
from roompulse.errors import CheckpointAway, InputError, RecordError, RoomPulseError, UsageError


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A command `try` whose `run` the test sets."""
    module = ModuleType("tests.command_try")

    def configure(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--number", type=int, default=3)

    vars(module).update(configure=configure, run=lambda args: args.number)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(cli.COMMANDS, "try", (module.__name__, "try things"))
    return module


def failing(error: BaseException) -> object:
    """A `run` that raises."""

    def run(args: argparse.Namespace) -> int:
        raise error

    return run


def test_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """The help goes to standard error, the exit code is 2."""
    assert cli.main([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert all(f"  {name} " in shown.err for name in cli.COMMANDS)


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """The message lists those that there are."""
    with pytest.raises(SystemExit) as stop:
        cli.main(["scroe"])
    assert stop.value.code == 2
    assert "no command 'scroe'; there are: demo, produce" in capsys.readouterr().err


def test_an_unknown_option_is_wrong_usage(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the script and of a command."""
    for arguments in (["--fast"], ["try", "--fast"], ["try", "--number", "many"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert stop.value.code == 2
    assert "many" in capsys.readouterr().err


def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output, exit code 0."""
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"roompulse {__version__}\n"


def test_help_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` goes to standard output."""
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text and summary in text for name, (_, summary) in cli.COMMANDS.items())
    assert "0 done, 1 failed, 2 wrong usage" in text


def test_the_exit_code_is_the_commands(command: ModuleType) -> None:
    """What `run` returns."""
    assert cli.main(["try"]) == 3
    assert cli.main(["try", "--number", "0"]) == 0


def test_a_commands_help_shows_its_options(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """With its own name, and the exit codes."""
    with pytest.raises(SystemExit) as stop:
        cli.main(["try", "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: roompulse try [-h] [--number NUMBER]")
    assert "Try things." in text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RoomPulseError("no"), 1),
        (CheckpointAway("no"), 1),
        (RecordError("invalid", "no"), 1),
        (UsageError("no"), 2),
        (InputError("no", file="a.csv", line=3, column="minute"), 1),
    ],
)
def test_errors_on_purpose_are_one_line(
    command: ModuleType, capsys: pytest.CaptureFixture[str], error: RoomPulseError, code: int
) -> None:
    """The command's name and the message on standard error, no traceback, the error's own exit code."""
    vars(command)["run"] = failing(error)
    assert cli.main(["try"]) == code
    shown = capsys.readouterr()
    assert shown.err == f"roompulse try: {error}\n"
    assert shown.out == ""


def test_an_input_error_says_where() -> None:
    """File, line and column, as far as they are known."""
    assert str(InputError("no", file="a.csv", line=3, column="minute")) == "a.csv, line 3, column minute: no"
    assert str(InputError("no", file="a.csv")) == "a.csv: no"
    assert str(InputError("no")) == "no"


def test_an_interrupt_is_130(command: ModuleType) -> None:
    """As a shell expects of Ctrl-C."""
    vars(command)["run"] = failing(KeyboardInterrupt())
    assert cli.main(["try"]) == 130


def test_mistakes_in_the_program_are_not_hidden(command: ModuleType) -> None:
    """Only errors on purpose become messages; anything else keeps its traceback."""
    vars(command)["run"] = failing(ZeroDivisionError("mistake"))
    with pytest.raises(ZeroDivisionError):
        cli.main(["try"])


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_can_be_asked_for_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each module is there and declares options that argparse can show."""
    with pytest.raises(SystemExit) as stop:
        cli.main([name, "--help"])
    assert stop.value.code == 0
    assert f"usage: roompulse {name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_the_examples_of_a_help_are_understood(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is a command with options that it has."""
    with pytest.raises(SystemExit):
        cli.main([name, "--help"])
    shown = capsys.readouterr().out
    lines = [line for line in shown.splitlines() if line.startswith("  roompulse ")]
    examples = [shlex.split(line.partition(" | ")[0].partition(" > ")[0])[1:] for line in lines]
    assert len(examples) >= 2
    for other, *arguments in examples:
        parser = argparse.ArgumentParser(epilog="")
        importlib.import_module(cli.COMMANDS[other][0]).configure(parser)
        parser.parse_args(arguments)


def test_an_error_cannot_steer_the_terminal(
    command: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Control signs and turned writing are written out; line ends and other languages stay."""
    monkeypatch.setattr(command, "run", failing(InputError("直播\x1b[31m\u202e\n  | more", file="a\rb")))
    assert cli.main(["try"]) == 1
    assert capsys.readouterr().err == "roompulse try: a\\rb: 直播\\x1b[31m\\u202e\n  | more\n"
