"""The bundles behind the labels that forecasts carry, as far as they are on this machine."""

from __future__ import annotations

import logging
from pathlib import Path

from roompulse.bundle import Bundle, default_bundle, load_bundle
from roompulse.errors import BundleError
from roompulse.registry import Registry, open_bundle
from roompulse.settings import Settings

_log = logging.getLogger("roompulse.board")


class Bundles:
    """Looks in `--model`, in the registry and at what is shipped. Each label is looked up once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, Bundle | None] = {}

    def find(self, label: str) -> Bundle | None:
        """The bundle with this label; None where it is not here."""
        if label not in self._known:
            self._known[label] = self._look_for(label)
        return self._known[label]

    def _look_for(self, label: str) -> Bundle | None:
        registry = Registry(Path(self._settings.registry))
        try:
            if self._settings.model and (given := open_bundle(Path(self._settings.model))).label == label:
                return given
            if label in registry.labels():
                return registry.open(label)
            shipped = load_bundle(default_bundle())
        except BundleError as error:
            # The page says that it is not here; why, is for who runs the board.
            _log.warning("%s", error)
            return None
        return shipped if shipped.label == label else None
