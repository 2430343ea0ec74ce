"""`roompulse demo`: everything on one machine, with nothing installed; docs/demo.md says how it is scored."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import socket
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from rich.console import Console

from roompulse.embedded import embedded_available
from roompulse.errors import RoomPulseError
from roompulse.local_server import LOOPBACK, free_port
from roompulse.summary import add_json, print_summary
from watch.child import GuardedFolder
from watch.demo_board import USUAL_PORT
from watch.demo_display import Display, LiveDisplay, PlainDisplay
from watch.demo_screen import Standing
from watch.demo_summary import SUMMARY_INDENT, readable, summary_of
from watch.live_pipeline import LivePipeline
from watch.memory_pipeline import MemoryPipeline
from watch.overview import Overview
from watch.pipeline import Account, Pipeline, Plan
from watch.scorecard import read_labels, scorecard

WARM_UP_MINUTES = 20
"""Simulated rooms are left alone for so long, and what happens in it is not judged."""
DEFAULT_MINUTES = 30
USUAL_METRICS_PORT = 9108
POLL_S = 0.2
SETTLE_TIMEOUT_S = 30.0

RULE = f"""\
how it is scored: the first {WARM_UP_MINUTES} simulated minutes are warm-up. An injected surge or slump counts as caught
if a surge or slump alert of that room opened in its first minute or in one of the 5 after it; those that begin
less than 5 minutes before the end of the run are left out. A false alert is a surge or slump alert outside every
injected one of that room and direction, from its first minute to 10 minutes after its last. Hotspots are counted
for themselves. More, and why the rooms are as they are: docs/demo.md."""

EXAMPLES = """\
examples:
  roompulse demo
  roompulse demo --minutes 60 --rooms 50 --json | jq .recall"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = f"{EXAMPLES}\n\n{RULE}\n\n{parser.epilog}"
    parser.add_argument(
        "--minutes",
        type=_whole(1, 100_000),
        metavar="N",
        help=f"end after N simulated minutes, not counting the warm-up of {WARM_UP_MINUTES} "
        f"(default: in a terminal, go on until Ctrl-C; otherwise {DEFAULT_MINUTES})",
    )
    parser.add_argument(
        "--rooms", type=_whole(1, 100_000), default=200, metavar="N", help="how many rooms (default %(default)s)"
    )
    parser.add_argument("--speed", type=_speed, default=60.0, metavar="N", help="times real time (default 60)")
    parser.add_argument(
        "--seed", type=_whole(0, 2**63), default=1, metavar="N", help="the same seed gives the same rooms (default 1)"
    )
    parser.add_argument(
        "--metrics-port",
        type=_whole(1, 65_535),
        metavar="N",
        help=f"default: {USUAL_METRICS_PORT} if it is free, else a free one",
    )
    parser.add_argument(
        "--board-port",
        type=_whole(0, 65_535),
        metavar="N",
        help=f"port of the board in the browser; 0: no board (default: {USUAL_PORT} if it is free, else a free one)",
    )
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder with labels, logs and summary")
    parser.add_argument("--in-memory", action="store_true", help=argparse.SUPPRESS)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Run the demo. Returns 0, or 130 or 143 when stopped before its end. Raises RoomPulseError."""
    console = Console(stderr=True, highlight=False)
    terminal = sys.stdout.isatty() and console.is_terminal and not console.is_dumb_terminal
    why_in_memory = "asked for" if args.in_memory else embedded_available()
    open_ended = terminal and args.minutes is None
    plan = Plan(
        rooms=args.rooms,
        seed=args.seed,
        speed=args.speed,
        minutes=None if open_ended else WARM_UP_MINUTES + (args.minutes or DEFAULT_MINUTES),
        metrics_port=args.metrics_port or _free(USUAL_METRICS_PORT),
        board_port=_free(USUAL_PORT) if args.board_port is None else args.board_port,
    )
    with ExitStack() as stack:
        stop = stack.enter_context(StopSignals())
        folder = stack.enter_context(GuardedFolder(Path(tempfile.mkdtemp(prefix="roompulse-demo-")), keep=args.keep))
        display: Display = LiveDisplay(console) if terminal else PlainDisplay(console)
        if why_in_memory is not None:
            display.say(f"in memory, without Kafka and Redis: {why_in_memory}")
        pipeline: Pipeline = (
            LivePipeline(stack, folder, plan, display.say, stop.insist)
            if why_in_memory is None
            else MemoryPipeline(stack, folder, plan, display.say, stop.insist)
        )
        if pipeline.board is not None:
            display.say(f"board: {pipeline.board}")
        if pipeline.metrics is not None:
            display.say(f"metrics: {pipeline.metrics}")
        overview = Overview()
        with display:
            account = _follow(pipeline, overview, display, plan.speed, stop)
        first = min(overview.forecast_minutes, default=0)
        card = scorecard(
            read_labels(pipeline.labels), overview.openings, overview.forecast_minutes, first + WARM_UP_MINUTES
        )
        summary = summary_of(account, overview, card)
        if args.keep:
            (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
            display.say(f"kept: {folder}")
    if args.json:
        print_summary(summary, as_json=True)
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
        for line in readable(summary):
            print(textwrap.fill(line, width, subsequent_indent=" " * SUMMARY_INDENT))
        sys.stdout.flush()
    if summary["unaccounted"]:
        raise RoomPulseError(f"{summary['unaccounted']} events are unaccounted for")
    return 0 if open_ended and stop.number == signal.SIGINT else stop.exit_code


def _follow(pipeline: Pipeline, overview: Overview, display: Display, speed: float, stop: StopSignals) -> Account:
    """Show the run to its end, or until stopped; then let everything that was sent be scored and read."""
    ending, had_board = False, pipeline.board is not None

    def turn() -> None:
        records = pipeline.feed.poll(POLL_S)
        now_s = time.time()
        alerts = overview.take(records, now_s)
        standing = Standing(speed, WARM_UP_MINUTES, pipeline.metrics, now_s, ending, pipeline.board, had_board)
        display.show(overview, alerts, standing)

    _turn_until(lambda: bool(stop.number) or pipeline.input_over(), turn, timeout_s=float("inf"))
    ending = True
    turn()
    pipeline.end_input()
    # Where this takes too long, what is missing shows as unaccounted.
    _turn_until(pipeline.scored, turn, SETTLE_TIMEOUT_S)
    account = pipeline.account()
    _turn_until(lambda: overview.forecasts >= account.forecasts and pipeline.feed.at_end(), turn, SETTLE_TIMEOUT_S)
    return account


def _turn_until(over: Callable[[], bool], turn: Callable[[], None], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not over() and time.monotonic() < deadline:
        turn()


class StopSignals:
    """Ctrl-C and SIGTERM end the run with its summary; a second one ends it at once."""

    def __init__(self) -> None:
        self.number = 0

    def __enter__(self) -> StopSignals:
        self._before = {name: signal.signal(name, self._ask) for name in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *error: object) -> None:
        for name, handler in self._before.items():
            signal.signal(name, handler)

    @property
    def exit_code(self) -> int:
        """0, or what a shell says of a process that this signal ended."""
        return 128 + self.number if self.number else 0

    def insist(self) -> None:
        """End the process, if it was asked to while there is nothing to sum up yet."""
        if self.number:
            sys.exit(self.exit_code)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.number:
            sys.exit(self.exit_code)
        self.number = number


def _free(usual: int) -> int:
    """This port, or another one where somebody has it."""
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, usual))
        except OSError:
            return free_port()
    return usual


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number from {least} to {most}")
        return int(text)

    return parse


def _speed(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1e4:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number above 0 and up to 10000, such as 60")
    return value
