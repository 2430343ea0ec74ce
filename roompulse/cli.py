"""The console script: finds the subcommand's module by name and loads no other."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from roompulse import __version__
from roompulse.arguments import FullNames
from roompulse.errors import RoomPulseError

COMMANDS = {
    "demo": ("watch.demo", "everything on one machine: broker, simulated rooms, scorer, live view"),
    "produce": ("producer.produce", "replay CSV history onto the topic"),
    "simulate": ("producer.simulate", "write or stream realistic rooms with labelled surges and slumps"),
    "describe": ("trainer.describe", "explore history: gaps, dead streams, channels, hours and holidays, seasons"),
    "train": ("trainer.train", "learn from history and write a model bundle"),
    "compare": ("trainer.compare", "networks, their options and a field of rivals on the same rows, with tuning"),
    "calibrate": ("scorer.calibrate", "learn from history how much evidence opens as many alerts as you want to read"),
    "hotspots": ("trainer.hotspots", "two related series: where is a network that learnt one far off the other?"),
    "models": ("scorer.models", "list, show, promote, roll back and verify model bundles in a registry"),
    "settings": ("scorer.settings", "what holds for alerts now, and other thresholds in its place without a restart"),
    "score": ("scorer.score", "the live scorer: events in; forecasts and alerts out"),
    "backtest": ("scorer.backtest", "the same pipeline over a file, with no services"),
    "watch": ("watch.terminal", "follow alerts, forecasts, the hotlist or fleet events in the terminal"),
    "board": ("watch.board.command", "a live web page: hot rooms, alerts, each room's forecast, the model's skill"),
    "notify": ("watch.notify.command", "forward alerts and fleet events to Alertmanager and to a webhook"),
    "room": ("scorer.room", "one room's window, forecast, thresholds and open alerts, read from Redis"),
    "feedback": ("producer.feedback", "say whether an alert was useful or noise: moves its room's threshold"),
    "snooze": ("producer.snooze", "let no alert open in a room before a minute"),
    "labels": ("watch.labels", "collect what people said of alerts into a CSV file"),
    "topics": ("producer.topics", "create or check the topics"),
    "completion": ("roompulse.completion", "print what makes a shell complete commands and options"),
}
"""Subcommand, the module that holds its `configure(parser)` and `run(args) -> exit code`, and one line of help."""

EXIT_CODES = "exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand. Returns its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    top = _top_level()
    if not arguments or arguments[0].startswith("-"):
        top.parse_args(arguments)
        top.print_help(sys.stderr)
        return 2
    name = arguments[0]
    if name not in COMMANDS:
        top.error(f"no command {name!r}; there are: {', '.join(COMMANDS)}")
    try:
        module = importlib.import_module(COMMANDS[name][0])
        return int(module.run(command_parser(name).parse_args(arguments[1:])))
    except RoomPulseError as error:
        print(f"roompulse {name}: {_harmless(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone (`roompulse watch | head`); nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def command_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one subcommand, from which its --help and its page in the reference are made."""
    module_name, summary = COMMANDS[name]
    parser = FullNames(
        prog=f"roompulse {name}",
        description=summary[0].upper() + summary[1:] + ("" if summary.endswith("?") else "."),
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    importlib.import_module(module_name).configure(parser)
    return parser


def _harmless(message: str) -> str:
    """The message without what could steer the terminal: file names, keys and cells in it may come from anybody."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode() for sign in message
    )


def _top_level() -> argparse.ArgumentParser:
    listing = "\n".join(f"  {name:<10} {summary}" for name, (_, summary) in COMMANDS.items())
    parser = FullNames(
        prog="roompulse",
        usage="roompulse COMMAND [options]",
        description="Forecasts live-stream rooms minute by minute and says when one surges or slumps.",
        epilog=f"commands:\n{listing}\n\n`roompulse COMMAND --help` shows a command's options.\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"roompulse {__version__}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
