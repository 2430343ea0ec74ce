"""`python -m deploy.native`: the stack of docker-compose.yml on this machine, without Docker."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

from deploy.native.missing import insist_on_programs
from deploy.native.stack import NAMES, WITHOUT_PORT, Stack, write_state
from roompulse.errors import RoomPulseError
from roompulse.settings import PREFIX

POLL_S = 0.2

ABOUT = """\
Starts Apache Kafka (fetched through Maven), redis-server, prometheus, prometheus-alertmanager, simulated rooms, two
scorers and notify, all on 127.0.0.1, with the configuration and rule files of docker-compose.yml. There is no Grafana:
Debian has no package of it. Ctrl-C ends everything; all data goes with it."""

SIGNALS = """\
What ends stays ended, so that the rules can be seen to fire: kill -9 a process, look at Prometheus and at
docs/runbook.md, then `kill -USR1` the stack, which starts again what has ended."""


def main(arguments: list[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM. Returns 0, or 1 where something is missing or does not start."""
    args = _parser().parse_args(arguments)
    # What the environment says about other installations is not for this one.
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    # onnxruntime reports to its maker, and leaves a file in the temporary folder, unless it is told not to.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    asked = _Signals()
    try:
        insist_on_programs()
        _say("starting Kafka, Redis, Alertmanager, two scorers, notify, Prometheus and simulated rooms")
        with Stack(dict(args.port), args.times, _say) as stack:
            state = stack.state()
            _tell(state, as_json=args.json)
            while True:
                if asked.to_start_again:
                    asked.to_start_again = False
                    stack.start_again()
                stack.ended()
                if args.state is not None and (not args.state.exists() or stack.state() != state):
                    state = stack.state()
                    write_state(args.state, state)
                time.sleep(POLL_S)
    except RoomPulseError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("stopped")
    finally:
        if args.state is not None:
            args.state.unlink(missing_ok=True)
    return 0


class _Signals:
    """SIGINT and SIGTERM interrupt the stack, also while it starts; SIGUSR1 asks to start again what has ended."""

    def __init__(self) -> None:
        self.to_start_again = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        signal.signal(signal.SIGUSR1, self._start_again)

    def _start_again(self, number: int, frame: object) -> None:
        self.to_start_again = True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m deploy.native",
        description=ABOUT,
        epilog=SIGNALS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port", action="append", type=_port, default=[], metavar="NAME=PORT",
        help=f"repeatable; default: a free one. Names: {', '.join(name for name in NAMES if name != WITHOUT_PORT)}",
    )  # fmt: skip
    parser.add_argument(
        "--times", type=_times, default=1.0, metavar="N",
        help="divide every duration of prometheus.yml, of the rules and of alertmanager.yml by N, down to a second "
        "(ranges: six), for a drill (default 1)",
    )  # fmt: skip
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="keep process ids, ports and log files there, as JSON"
    )
    parser.add_argument("--json", action="store_true", help="print the same as one line of JSON once all runs")
    return parser


def _port(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in NAMES or name == WITHOUT_PORT or not number.isdecimal() or not 0 < int(number) < 65_536:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected NAME=PORT, such as prometheus=9090")
    return name, int(number)


def _times(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number from 1 to 1000")
    return value


def _tell(state: dict[str, dict[str, dict[str, object]]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(state), flush=True)
    for name, process in state["processes"].items():
        _say(f"  {name:<13}{process['address'] or '-':<17}pid {process['pid']}, log {process['log']}")
    _say(f"Ctrl-C ends it; `kill -USR1 {state['pid']}` starts again what has ended")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
