"""What `roompulse compare` trains: each preset as it is, and each of its options changed, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from roompulse.bundle import HOTSPOT
from roompulse.errors import UsageError
from trainer.presets import ACTIVATIONS, FILLS, PRESETS, SCALERS, STEP_PRESET, PresetSettings

COMPARED = (STEP_PRESET, *(name for name, settings in PRESETS.items() if settings.kind != HOTSPOT))
"""The hotspot network is for other series and is not judged on rooms."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One network to train. `settings` is None for the step network."""

    name: str
    preset: str
    question: str
    """The option that was changed, or `preset`."""
    settings: PresetSettings | None

    @property
    def work(self) -> float:
        """What its training costs, roughly, in units of no meaning: for the time left."""
        if self.settings is None:
            return 1e5
        return self.settings.epochs * self.settings.window * sum(self.settings.units)


def candidates(
    presets: str, base: Sequence[str], vary: Sequence[str], epochs: int | None, seed: int
) -> list[Candidate]:
    """The grid that the flags ask for: all presets first, then their variants. Raises UsageError."""
    names = list(dict.fromkeys(name.strip() for name in presets.split(",")))
    for name in names:
        if name not in COMPARED:
            raise UsageError(f"--presets: no preset {name!r} to compare; there are: {', '.join(COMPARED)}")
    common: dict[str, Any] = {"seed": seed} | ({} if epochs is None else {"epochs": epochs})
    for option, values in _read("--base", base):
        if len(values) != 1:
            raise UsageError(f"--base: {option} takes one value; --vary takes several")
        common |= {option: values[0]}
    varied = list(_read("--vary", vary))
    windowed = [name for name in names if name != STEP_PRESET]
    if (common.keys() - {"seed", "epochs"} or varied) and not windowed:
        raise UsageError("--base and --vary change windowed networks; --presets names none of them")
    found = [Candidate(STEP_PRESET, STEP_PRESET, "preset", None)] if STEP_PRESET in names else []
    plain = {name: replace(PRESETS[name], **common) for name in windowed}
    found += [Candidate(name, name, "preset", settings) for name, settings in plain.items()]
    for option, values in varied:
        for name, settings in plain.items():
            found += [
                Candidate(f"{name} {option}={shown(value)}", name, option, replace(settings, **{option: value}))
                for value in values
                if value != getattr(settings, option)
            ]
    return found


def shown(value: Any) -> str:
    """An option's value as one writes it behind --vary."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _read(flag: str, texts: Iterable[str]) -> Iterable[tuple[str, list[Any]]]:
    for text in texts:
        option, equals, values = text.partition("=")
        if not equals or option.strip() not in _READERS:
            raise UsageError(f"{flag}: got {text!r}, expected OPTION=VALUE with one of {', '.join(_READERS)}")
        expected, read = _READERS[option.strip()]
        try:
            yield option.strip(), [read(value.strip()) for value in values.split(",")]
        except (ValueError, KeyError):
            raise UsageError(f"{flag}: got {text!r}, expected {option.strip()} as {expected}") from None


def _one_of(choices: Sequence[str]) -> tuple[str, Callable[[str], str]]:
    return " or ".join(choices), {choice: choice for choice in choices}.__getitem__


def _number(kind: Callable[[str], Any], least: float, most: float) -> tuple[str, Callable[[str], Any]]:
    def read(text: str) -> Any:
        value = kind(text)
        if not least <= value <= most:
            raise ValueError(text)
        return value

    return f"a number from {least:g} to {most:g}", read


def _units(text: str) -> tuple[int, ...]:
    read = _number(int, 1, 1024)[1]
    return tuple(read(part) for part in text.split("-"))


_ON_OFF = "on or off", {"on": True, "off": False}.__getitem__
_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "window": _number(int, 1, 1440),
    "scaler": _one_of(SCALERS),
    "activation": _one_of(ACTIVATIONS),
    "dropout": _number(float, 0, 0.9),
    "l2": _number(float, 0, 10),
    "time_features": _ON_OFF,
    "direct": _ON_OFF,
    "fill": _one_of(FILLS),
    "units": ("one number a layer, such as 64-64-32", _units),
    "learning_rate": _number(float, 1e-6, 1),
    "batch_size": _number(int, 1, 10_000),
}
"""By option: what is expected, and the function that reads it."""
