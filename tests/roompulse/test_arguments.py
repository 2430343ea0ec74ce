"""Options are written in full."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from roompulse import cli
from roompulse.arguments import FullNames


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and those of its actions."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_and_every_action_of_one_wants_full_names(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first letters of each option are an error of exit code 2 that names it, unless they are an option too."""
    tried = 0
    for parser in parsers(cli.command_parser(command)):
        known = [option for option in parser._option_string_actions if option.startswith("--")]
        for option in known:
            if option[:-1] in known or len(option) < 5:
                continue
            with pytest.raises(SystemExit) as stop:
                parser.parse_args([option[:-1]])
            assert stop.value.code == 2
            said = capsys.readouterr().err
            assert f"unrecognized argument {option[:-1]}: options are written in full, as " in said
            assert option in said
            tried += 1
    assert tried


@pytest.mark.parametrize("arguments", [["--kafka-password", "hunter2"], ["--kafka-password=hunter2"]])
def test_a_password_meant_for_a_flag_that_is_not_there_is_neither_taken_for_a_file_nor_shown(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It used to be `--kafka-password-file hunter2`, and the error said that there is no file hunter2."""
    with pytest.raises(SystemExit) as stop:
        cli.main(["score", *arguments])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "--kafka-password: options are written in full, as --kafka-password-file" in said
    assert "hunter2" not in said


def test_an_action_of_a_command_says_it_under_its_own_name(capsys: pytest.CaptureFixture[str]) -> None:
    """`models promote` knows options that `models` does not."""
    with pytest.raises(SystemExit) as stop:
        cli.main(["models", "promote", "a", "--forc"])
    assert stop.value.code == 2
    assert "roompulse models promote: error: unrecognized argument --forc: " in capsys.readouterr().err


def test_every_name_that_could_be_meant_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Two options that begin alike are both named; what begins like none is argparse's own error."""
    parser = FullNames(prog="try")
    parser.add_argument("--room")
    parser.add_argument("--rooms-file")
    for given, said in (("--ro", "as --room or --rooms-file"), ("--fish", "unrecognized arguments: --fish")):
        with pytest.raises(SystemExit) as stop:
            parser.parse_args([given])
        assert stop.value.code == 2
        assert said in capsys.readouterr().err


def test_full_names_values_and_what_follows_a_double_dash_are_let_through() -> None:
    """An option that is the beginning of another is itself; behind `--` nothing is an option."""
    parser = FullNames(prog="try")
    parser.add_argument("--room")
    parser.add_argument("--rooms-file")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args(["--room=--ro", "--rooms-file", "f", "--", "--ro"])
    assert (args.room, args.rooms_file, args.names) == ("--ro", "f", ["--ro"])
