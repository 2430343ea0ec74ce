"""The networks of the two reference studies as presets, and what `roompulse train` lets one change about them.

docs/presets.md says where each comes from and what was read into it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from roompulse.bundle import HOTSPOT, WINDOW
from roompulse.errors import UsageError

STEP_PRESET = "step"
SCALERS = ("minmax", "standard", "robust")
ACTIVATIONS = ("tanh", "relu", "leaky_relu", "elu")
FILLS = ("zero", "hold")


@dataclass(frozen=True, slots=True)
class PresetSettings:
    """One windowed network and how it is trained. All of it is written to the card."""

    preset: str
    units: tuple[int, ...]
    """Of each LSTM layer, the first one first."""
    window: int
    kind: str = WINDOW
    every_series: bool = False
    """Reads all metrics and channels, not the target alone."""
    scaler: str = "minmax"
    activation: str = "tanh"
    """tanh is the LSTM's own; the others are applied to what a layer hands on, or the fused LSTM would be lost."""
    dropout: float = 0.0
    l2: float = 0.0
    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 1e-3
    direct: bool = False
    fill: str = "zero"
    time_features: bool = False
    best: bool = False
    """Keep the epoch with the least validation loss, not the last one."""
    seed: int = 0


PRESETS = {
    settings.preset: settings
    for settings in (
        PresetSettings("univariate-1", units=(50, 50, 50), window=100),
        PresetSettings("univariate-2", units=(64, 64, 32), window=100),
        PresetSettings("multivariate", units=(256, 128, 128, 64), window=30, every_series=True, dropout=0.2, best=True),
        PresetSettings("hotspot", units=(4,), window=2, kind=HOTSPOT, batch_size=3, learning_rate=0.01),
    )
}

_OPTIONS = ("window", "scaler", "activation", "dropout", "l2", "epochs", "direct", "fill", "time_features")
_STEP_OPTIONS = ("steps", "units", "members", "batch_size", "holdout")


def add_preset_options(parser: argparse.ArgumentParser) -> None:
    """Declare --preset and the options of the windowed networks. Call it after the step network's own are declared."""
    group = parser.add_argument_group(
        "presets", "Networks that read a room's last minutes anew each time; see docs/presets.md."
    )
    add = group.add_argument
    add(
        "--preset",
        choices=(STEP_PRESET, *PRESETS),
        default=STEP_PRESET,
        help="which network to train (default %(default)s); the options below are for the others, with defaults of "
        "their own, those above for the step network",
    )
    add(
        "--window", type=_within(int, 1, 1440), metavar="N", help="minutes that the network reads, such as 10, 100, 200"
    )
    add("--scaler", choices=SCALERS, help="scaling, fitted on the training part")
    add("--activation", choices=ACTIVATIONS, help="applied to what each LSTM layer hands on; tanh is the LSTM's own")
    add("--dropout", type=_within(float, 0, 0.9), metavar="SHARE", help="dropped of what each LSTM layer hands on")
    add("--l2", type=_within(float, 0, 10), metavar="X", help="weight penalty of the LSTM layers")
    add("--epochs", type=_within(int, 1, 100_000), metavar="N", help="passes over the training part")
    add("--direct", action="store_const", const=True, help="ten outputs for ten minutes, instead of one rolled forward")
    add("--fill", choices=FILLS, help="what a blank minute becomes: zero, or the value before it")
    add(
        "--time-features",
        action="store_const",
        const=True,
        help="adds time of day, weekday and Chinese public holidays",
    )
    parser.set_defaults(step_defaults={name: parser.get_default(name) for name in _STEP_OPTIONS})


def preset_settings(args: argparse.Namespace) -> PresetSettings | None:
    """The preset that the flags ask for, None for the step network.

    Raises UsageError where a flag does not belong to that network.
    """
    given: dict[str, Any] = {name: value for name in _OPTIONS if (value := getattr(args, name)) is not None}
    if args.preset == STEP_PRESET:
        if given:
            raise UsageError(f"{_flag(next(iter(given)))}: not an option of the step network; name another --preset")
        return None
    for name, default in args.step_defaults.items():
        if getattr(args, name) != default:
            raise UsageError(f"{_flag(name)}: an option of the step network, not of --preset {args.preset}")
    settings = PRESETS[args.preset]
    if settings.kind == HOTSPOT and args.time_features:
        raise UsageError("--time-features: a hotspot series has no minutes of the day")
    return replace(settings, **given, seed=args.seed)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _within(kind: Callable[[str], float], least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"got {text}, expected a number from {least:g} to {most:g}")
        return value

    read.__name__ = "number"
    return read
