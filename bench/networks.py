"""What each exported network costs: size, and microseconds a row alone, in batches of 32 and of 1,000.

    python -m bench.networks                      the shipped network and every preset, exported untrained
    python -m bench.networks models/mine          the shipped network and these bundles
    python -m bench.networks --json               one JSON object on the last line

A row of a step network is one minute of one room; a row of a windowed one is its whole window. A forecast of a windowed
network without a direct head takes ten such rows. Weights do not matter for the time. One thread, its processor time,
the fastest of several rounds, for other work on the machine only ever adds. The ratio is that of the cost of a forecast
to the shipped network's, in batches of 1,000.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from roompulse.bundle import Bundle, default_bundle, load_bundle
from roompulse.errors import RoomPulseError
from roompulse.features import FEATURES
from roompulse.forecasting import HORIZONS
from roompulse.rooms import DRIVERS
from roompulse.window import padded
from scorer.adapters.onnx_session import open_session

BATCHES = (1, 32, 1000)
ROUND_S, ROUNDS = 0.2, 5

Call = Callable[[int], object]
"""Runs the network once on so many rows."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One network's row of the table."""

    network: str
    kilobytes: float
    microseconds_a_row: dict[int, float]
    runs_a_forecast: int
    forecasts_a_minute_a_core: int
    times_the_shipped: float


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.networks", description="What each exported network costs.", allow_abbrev=False
    )
    parser.add_argument("bundles", nargs="*", type=Path, metavar="BUNDLE", help="folders; default: untrained presets")
    parser.add_argument("--json", action="store_true", help="print the table as one JSON object")
    args = parser.parse_args(argv)
    try:
        shipped = load_bundle(default_bundle())
        others = [load_bundle(folder) for folder in args.bundles]
        networks = {shipped.label: _step(shipped)}
        networks |= dict(map(_of_bundle, others)) if others else dict(_untrained())
    except RoomPulseError as error:
        print(f"networks: {error}", file=sys.stderr)
        return error.exit_code
    costs: list[Cost] = []
    for name, (model, runs, call) in networks.items():
        costs.append(_cost(name, model, runs, call, costs[0] if costs else None))
    if args.json:
        print(json.dumps({"networks": [asdict(cost) for cost in costs]}))
    else:
        _print(costs)
    return 0


def _step(bundle: Bundle) -> tuple[bytes, int, Call]:
    session = open_session(bundle.model)

    def call(rows: int) -> object:
        state = np.zeros((rows, bundle.units), np.float32)
        return session.run(None, {"x": np.ones((rows, 1, len(FEATURES)), np.float32), "h0": state, "c0": state})

    return bundle.model, 1, call


def _window(model: bytes, minutes: int, inputs: int, direct: bool, multiple: int = 1) -> tuple[bytes, int, Call]:
    session = open_session(model)
    run = padded(lambda x: session.run(None, {"x": x})[0], multiple)
    return model, 1 if direct else HORIZONS, lambda rows: run(np.full((rows, minutes, inputs), 0.5, np.float32))


def _of_bundle(bundle: Bundle) -> tuple[str, tuple[bytes, int, Call]]:
    sees = bundle.specification.window
    if sees is None:
        return bundle.label, _step(bundle)
    return bundle.label, _window(bundle.model, sees.minutes, sees.inputs, sees.direct, sees.row_multiple)


def _untrained() -> Iterator[tuple[str, tuple[bytes, int, Call]]]:
    """Every preset as it is exported, with the weights that training starts from. Needs the extra `train`."""
    try:
        from trainer.preset_network import build, export
        from trainer.presets import PRESETS
    except ImportError as error:
        raise RoomPulseError(f"the presets need the extra `train`: name bundles instead ({error})") from error
    for name, settings in PRESETS.items():
        inputs = DRIVERS if settings.every_series else 1
        examples = np.full((3, settings.window, inputs), 0.5, np.float32)
        yield name, _window(export(build(settings, inputs), examples, {}), settings.window, inputs, settings.direct)


def _cost(name: str, model: bytes, runs: int, call: Call, shipped: Cost | None) -> Cost:
    took = {rows: _fastest_us(call, rows) for rows in BATCHES}
    forecast_us = runs * took[BATCHES[-1]]
    ratio = 1.0 if shipped is None else forecast_us / shipped.microseconds_a_row[BATCHES[-1]]
    rounded = {rows: _three_digits(us) for rows, us in took.items()}
    return Cost(name, round(len(model) / 1000, 1), rounded, runs, int(60e6 / forecast_us), _three_digits(ratio))


def _fastest_us(call: Call, rows: int) -> float:
    """Microseconds a row, the fastest of several rounds."""
    call(rows)
    fastest = float("inf")
    for _ in range(ROUNDS):
        calls, started = 0, time.process_time()
        while (seconds := time.process_time() - started) < ROUND_S or not calls:
            call(rows)
            calls += 1
        fastest = min(fastest, seconds / calls)
    return fastest / rows * 1e6


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")


def _print(costs: Sequence[Cost]) -> None:
    table = Table("network", title="One thread, microseconds a row", title_justify="left")
    for heading in ("kB", *(f"batch {rows:,}" for rows in BATCHES), "runs a forecast", "forecasts/min", "ratio"):
        table.add_column(heading, justify="right")
    for cost in costs:
        times = (f"{us:g}" for us in cost.microseconds_a_row.values())
        last = str(cost.runs_a_forecast), f"{cost.forecasts_a_minute_a_core:,}", f"{cost.times_the_shipped:,g}"
        table.add_row(cost.network, f"{cost.kilobytes:g}", *times, *last)
    Console(width=110).print(table)


if __name__ == "__main__":
    sys.exit(main())
