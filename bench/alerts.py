"""How good the evidence behind alerts is, on labelled series of others, and what it costs.

`python -m bench.alerts` measures everything, `python -m bench.alerts nab aiops` some parts. `--network` takes the
shipped network's served forecast as the expectation too (an hour), `--river` adds river's detectors to the table.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.alerts_aiops import aiops
from bench.alerts_budgets import budgets
from bench.alerts_cost import cost
from bench.alerts_injected import rooms
from bench.alerts_nab import nab
from bench.alerts_real import real
from roompulse.errors import RoomPulseError

PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "nab": nab, "aiops": aiops, "rooms": rooms, "budgets": budgets, "real": real, "cost": cost,
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.alerts", description="Judge the evidence behind alerts.", allow_abbrev=False
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--network", action="store_true", help="the network's forecast as the expectation too")
    parser.add_argument("--river", action="store_true", help="river's detectors too")
    parser.add_argument("--page", type=Path, metavar="FILE", help="draw the strongest alerts of the real sessions")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    args = parser.parse_args(argv)
    unknown = [name for name in args.parts if name not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    found: dict[str, Any] = {}
    for name in args.parts or PARTS:
        try:
            figures = PARTS[name](with_network=args.network, with_river=args.river, page=args.page)
        except RoomPulseError as error:
            print(f"bench.alerts: {error}", file=sys.stderr)
            return error.exit_code
        _print(name, figures)
        found |= figures
    if args.json:
        print(json.dumps(found))
    return 0


def _print(name: str, figures: dict[str, Any]) -> None:
    table = Table("figure", "value", title=name, title_justify="left")
    for key, value in figures.items():
        table.add_row(key, f"{value:.4g}" if isinstance(value, float) else str(value))
    Console(width=140).print(table)


if __name__ == "__main__":
    sys.exit(main())
