"""Small bundles that the scorer runs: the shipped network under other names and with cards of all kinds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from roompulse.bundle import Bundle, default_bundle, load_bundle, write_bundle


def card(network: float = 6.5, rival: float = 7.0) -> dict[str, Any]:
    """A card as `train` writes it."""
    errors = {"network": network, "persistence": rival + 2, "median_20": rival}
    mae = {name: {"+1": error - 0.5, "+5": error, "+10": error + 0.5, "mean": error} for name, error in errors.items()}
    return {"judged_by": "heldout", "results": {"heldout": {"mae": mae, "coverage_80": {"overall": 0.801}}}}


def bundle_at(folder: Path, version: str = "1", about: Any = None, golden_error: float = 0.0) -> Bundle:
    """A bundle with this version and card, whose golden outputs may be wrong by so much."""
    shipped = load_bundle(default_bundle())
    golden = replace(shipped.golden, outputs=shipped.golden.outputs + shipped.golden.outputs.dtype.type(golden_error))
    specification = replace(shipped.specification, name="small", version=version)
    return write_bundle(folder, specification, shipped.model, card() if about is None else about, golden)
