"""What a bundle's card says of its network on rooms that it has not seen, and whether that is good enough.

The card holds results by title; `judged_by` names the one that counts (without it: `heldout`, or else the first). It
holds, under `mae`, the mean absolute errors of the network and of every baseline on the same rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NETWORK = "network"
JUDGED_BY, HELDOUT = "judged_by", "heldout"
MEASURES = ("+1", "+5", "+10", "mean")


@dataclass(frozen=True, slots=True)
class Figures:
    """Mean absolute errors on held-out rooms, counts a minute."""

    title: str
    network: Mapping[str, float]
    """At minutes +1, +5 and +10, and averaged over all horizons; what the card lacks is not in it."""
    baselines: Mapping[str, float]
    """Averaged over all horizons, by name."""
    coverage: float | None
    """Share of counts inside the 10-90 % interval."""

    @property
    def best_baseline(self) -> str | None:
        """The baseline with the smallest error."""
        return min(self.baselines, key=lambda name: (self.baselines[name], name), default=None)


def figures_of(card: object) -> Figures | None:
    """The figures that the network is judged by; None where the card has none."""
    results = _mapping(_mapping(card).get("results"))
    first = HELDOUT if HELDOUT in results else next(iter(results), HELDOUT)
    title = str(_mapping(card).get(JUDGED_BY, first))
    outcome = _mapping(results.get(title))
    errors = {str(name): _numbers(of) for name, of in _mapping(outcome.get("mae")).items()}
    network = errors.pop(NETWORK, {})
    baselines = {name: found["mean"] for name, found in errors.items() if "mean" in found}
    if "mean" not in network or not baselines:
        return None
    return Figures(title, network, baselines, _numbers(outcome.get("coverage_80")).get("overall"))


def losses(card: object) -> list[str]:
    """Why a network must not be promoted; empty where it has earned its place.

    Its mean absolute error, averaged over the horizons, must be below every baseline's on held-out rooms. An equal
    error is a loss, for the baseline is simpler; so is a card without figures.
    """
    figures = figures_of(card)
    if figures is None:
        return ["its card has no figures on held-out rooms"]
    own = figures.network["mean"]
    beaten_by = sorted((error, name) for name, error in figures.baselines.items() if error <= own)
    return [f"{name} has a mean absolute error of {error:g}, the network {own:g}" for error, name in beaten_by]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _numbers(value: object) -> dict[str, float]:
    """What can be compared: a card is written by whoever made the bundle."""
    return {
        str(name): float(number)
        for name, number in _mapping(value).items()
        if isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
    }
