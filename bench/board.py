"""The board under load: does it slow the scorer, do its pages stay smooth, how soon does it show the first room?

    python -m bench.board                     # 1,000 rooms, 1,000 events a second, some 50 alerts a minute
    python -m bench.board --speed 1 --json    # the same rooms in real time

Starts the demo's servers, a scorer, simulated rooms and the board, with pages open in Debian's Chromium. The board is
there from the start, then away, away again, and back: what an event costs the scorer is compared within one run. CPU
seconds, since others may use the machine; a browser's times are by the clock and suffer where the machine is full.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from playwright.sync_api import Browser

from bench.board_page import Smoothness, WatchedPage
from bench.board_rig import Rig, ServedBoard, Standing, say
from bench.scale.machine import machine
from deploy.docs.browser import chromium

PHASES = (True, False, False, True)
"""With or without the board: in this order whatever drifts slowly weighs the same on both."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Some seconds with or without the board."""

    with_board: bool
    events_per_s: float
    alerts_per_minute: float
    scorer_us_per_event: float
    mean_delay_s: float
    board_cpu_share: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=1000)
    parser.add_argument("--speed", type=float, default=60.0, help="times real time (default %(default)s)")
    parser.add_argument("--alerts-per-minute", type=float, default=50.0, help="by the clock (default %(default)s)")
    parser.add_argument(
        "--warm-up", type=float, default=30.0, help="seconds before the first phase, for alerts to come"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="of each of the four phases")
    parser.add_argument("--json", action="store_true", help="print the result as JSON on the last line")
    args = parser.parse_args(arguments)
    with chromium() as browser, ExitStack() as stack:
        result = _measure(stack, browser, args)
    for name, value in result.items():
        print(f"{name:<20} {value}")
    if args.json:
        print(json.dumps(result))
    return 0


def _measure(stack: ExitStack, browser: Browser, args: argparse.Namespace) -> dict[str, Any]:
    rig = Rig(stack)
    board = rig.start_board()
    opened = WatchedPage(browser, board.address)
    rig.start_rooms(args.rooms, args.speed, args.alerts_per_minute)
    opened.wait_for_a_room()
    first_data_s = time.time() - rig.first_event_s()
    say(f"the first room was shown {first_data_s:.1f} s after the first event")
    opened.wait(args.warm_up)
    opened.close()
    phases: list[Phase] = []
    pages: dict[str, Smoothness] = {}
    for place, with_board in enumerate(PHASES):
        say(f"phase {place + 1} of {len(PHASES)}: {'with' if with_board else 'without'} the board")
        if with_board:
            board = board if place == 0 else rig.start_board()
            phase, seen = _with_pages(rig, browser, board, args.seconds)
            pages |= {f"{name} {place + 1}": smooth for name, smooth in seen.items()}
        else:
            board.close()
            phase = _alone(rig, args.seconds)
        phases.append(phase)
    costs = {
        wanted: statistics.mean(phase.scorer_us_per_event for phase in phases if phase.with_board is wanted)
        for wanted in (True, False)
    }
    return {
        "rooms": args.rooms,
        "first_data_s": round(first_data_s, 2),
        "scorer_us_per_event": {"with": round(costs[True], 1), "without": round(costs[False], 1)},
        "ratio": round(costs[True] / costs[False], 3),
        "board_mb": round(board.resident_bytes / 1e6),
        "phases": [_rounded(asdict(phase)) for phase in phases],
        "pages": {name: _rounded(asdict(smooth)) for name, smooth in pages.items()},
        "machine": machine(),
    }


def _with_pages(rig: Rig, browser: Browser, board: ServedBoard, seconds: float) -> tuple[Phase, dict[str, Smoothness]]:
    """The first page and then a room's, each for half the time: a browser gives hidden pages less."""
    first = WatchedPage(browser, board.address)
    first.wait_until_live()
    room = WatchedPage(browser, board.address + first.a_room().removeprefix("/"))
    room.wait_until_live()
    before = rig.standing(board)
    seen = {}
    for name, page in (("board", first), ("room", room)):
        page.show()
        page.begin()
        page.wait(seconds / 2)
        seen[name] = page.end()
    after = rig.standing(board)
    for page in (first, room):
        page.close()
    return phase_between(before, after, with_board=True), seen


def _alone(rig: Rig, seconds: float) -> Phase:
    before = rig.standing(None)
    time.sleep(seconds)
    return phase_between(before, rig.standing(None), with_board=False)


def phase_between(before: Standing, after: Standing, *, with_board: bool) -> Phase:
    """What happened between two moments. Raises ValueError where nothing was scored."""
    seconds, events = after.at_s - before.at_s, after.events - before.events
    if events <= 0:
        raise ValueError("no event was scored between the two readings")
    return Phase(
        with_board=with_board,
        events_per_s=events / seconds,
        alerts_per_minute=60 * (after.alerts - before.alerts) / seconds,
        scorer_us_per_event=1e6 * (after.scorer_s - before.scorer_s) / events,
        mean_delay_s=(after.delay_s - before.delay_s) / max(after.delays - before.delays, 1),
        board_cpu_share=(after.board_s - before.board_s) / seconds,
    )


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}


if __name__ == "__main__":
    raise SystemExit(main())
