"""`roompulse completion`: what shells offer is what the parsers know."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest

from roompulse.cli import COMMANDS, command_parser, main
from roompulse.completion import SHELLS, completion, words_of
from tests.require import require


def written(shell: str, folder: Path) -> Path:
    """The script as a file."""
    file = folder / f"completion.{shell}"
    file.write_text(completion(shell), encoding="utf-8")
    return file


def offered(folder: Path, *words: str) -> set[str]:
    """What a real bash offers for the last of these words."""
    line = " ".join(f"'{word}'" for word in words)
    code = (
        f"source {written('bash', folder)}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _roompulse; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    ran = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    assert ran.stderr == ""
    return set(ran.stdout.split())


def test_bash_offers_commands_actions_options_choices_and_files(tmp_path: Path) -> None:
    """Each where it belongs, and nothing of another command."""
    (tmp_path / "runs").mkdir()
    assert offered(tmp_path, "roompulse", "back") == {"backtest"}
    assert offered(tmp_path, "roompulse", "watch", "") == {"alerts", "forecasts", "hotlist", "fleet"}
    assert offered(tmp_path, "roompulse", "watch", "alerts", "--kind", "s") == {"surge", "slump"}
    assert offered(tmp_path, "roompulse", "backtest", "--sw") == {"--sweep"}
    assert "promote" in offered(tmp_path, "roompulse", "models", "")
    assert offered(tmp_path, "roompulse", "models", "promote", "--forc") == {"--force"}
    assert offered(tmp_path, "roompulse", "backtest", "--out", "r") == {"runs"}
    assert offered(tmp_path, "roompulse", "watch", "alerts", "--sweep") == set()


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_reads_its_script(shell: str, tmp_path: Path) -> None:
    """Whole, without a word of complaint."""
    require(shell, shutil.which(shell) is not None, f"apt-get install {shell}")
    ran = subprocess.run([shell, "-n", str(written(shell, tmp_path))], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_option_of_every_command_is_in_every_script(shell: str) -> None:
    """New ones come of themselves."""
    script = completion(shell)
    for name in COMMANDS:
        for words in words_of((name,), command_parser(name)):
            for option in words.options:
                for spelling in option.spellings:
                    assert (spelling[2:] if shell == "fish" and spelling.startswith("--") else spelling) in script


def test_a_help_text_cannot_end_a_quotation() -> None:
    """Quotes, brackets and dollars of a help are left out of the scripts, not run by them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--odd", metavar="FILE", help="it's `so` $HOME [x]")
    (words,) = words_of(("odd",), parser)
    assert words.options[-1].takes == "file"


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output, exit code 0."""
    assert main(["completion", "bash"]) == 0
    assert capsys.readouterr().out == completion("bash")
