"""How a command ends: its summary as a table for people or as one JSON object for scripts."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping


def add_json(parser: argparse.ArgumentParser) -> None:
    """Give a command the `--json` flag."""
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object on the last line")


def print_summary(summary: Mapping[str, object], *, as_json: bool) -> None:
    """Write the summary to standard output, JSON on one line or one `name  value` line each."""
    if as_json:
        print(json.dumps(summary, ensure_ascii=False, allow_nan=False))
    else:
        width = max(map(len, summary), default=0)
        for name, value in summary.items():
            shown = (
                "-" if value is None else f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
            )
            print(f"{name.replace('_', ' '):<{width}}  {shown}")
    sys.stdout.flush()
