"""What the page of the model shows: who made the forecasts, what its card promised, and how good they were here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from roompulse.bundle import Bundle
from roompulse.model_card import MEASURES, NETWORK, figures_of
from watch.board.state import BoardState
from watch.board.views import skill_view

_SHOWN_BASELINES = 12


def model_view(state: BoardState, find: Callable[[str], Bundle | None]) -> dict[str, Any]:
    """The labels of who made forecasts, the newest first, and the card of that one, if `find` has it."""
    newest_first = sorted(state.models.items(), key=lambda model: -model[1][1])
    return {
        "models": [{"label": label, "forecasts": made, "last": last} for label, (made, last) in newest_first],
        "card": card_view(find(newest_first[0][0])) if newest_first else None,
        "skill": skill_view(state),
    }


def card_view(bundle: Bundle | None) -> dict[str, Any] | None:
    """What a bundle says of itself; None where it is not here."""
    if bundle is None:
        return None
    figures, specification = figures_of(bundle.card), bundle.specification
    view: dict[str, Any] = {
        "label": bundle.label,
        "hash": bundle.hash,
        "kind": specification.kind,
        "units": specification.units,
        "window_minutes": specification.window_minutes,
        "judged_by": None if figures is None else figures.title,
        "coverage": None if figures is None else figures.coverage,
        "rows": [],
    }
    if figures is not None:
        errors = sorted({NETWORK: figures.network["mean"], **figures.baselines}.items(), key=lambda row: row[1])
        view["rows"] = [
            {"name": name, "error": error, "own": name == NETWORK} for name, error in errors[:_SHOWN_BASELINES]
        ]
        view["horizons"] = [[name, figures.network[name]] for name in MEASURES if name in figures.network]
    return view
