"""The options that all benches share."""

from __future__ import annotations

import argparse


def add_options(parser: argparse.ArgumentParser, *, client: str, rooms: int, seconds: float) -> None:
    """Declare them, with this bench's own defaults."""
    parser.add_argument("--client", choices=("kafka-python", "confluent"), default=client, help="default: %(default)s")
    parser.add_argument("--rooms", type=positive, default=rooms, help="one event a minute each (default: %(default)s)")
    parser.add_argument("--repeat", type=positive, default=3, help="measurements (default: %(default)s)")
    parser.add_argument(
        "--seconds",
        type=_above_zero,
        default=seconds,
        help="length of a measurement; of a backlog: at a million rooms' pace (default: %(default)s)",
    )
    parser.add_argument("--partitions", type=positive, default=8, help="of each topic (default: %(default)s)")
    parser.add_argument("--max-batch", type=positive, default=8000, help="the scorer's (default: %(default)s)")
    add_forms(parser)


def add_forms(parser: argparse.ArgumentParser) -> None:
    """Declare in which form the result is printed."""
    parser.add_argument("--markdown", action="store_true", help="print the rows of docs/performance.md")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")


def positive(text: str) -> int:
    """A whole number above 0. Raises argparse.ArgumentTypeError."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"got {text}, expected a whole number above 0")
    return value


def _above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < 86_400:
        raise argparse.ArgumentTypeError(f"got {text}, expected a number above 0 and below 86,400")
    return value
