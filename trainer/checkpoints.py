"""Where an interrupted training goes on: everything that the next step depends on, saved now and then.

One file a network: weights, optimiser, random generators, step or epoch. It replaces the one before atomically, so a
kill at any moment leaves the old or the new one. Training from it gives the bits of an undisturbed run.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roompulse.errors import RoomPulseError

ABOUT = "about.json"


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """A folder beside the bundle to be. `every_steps` is a multiple of what `batches` makes at once."""

    folder: Path
    every_steps: int = 100

    def begin(self, about: Mapping[str, Any], *, resume: bool) -> None:
        """Start afresh, or check that what is there belongs to this very training (`about`: data and settings).

        Raises RoomPulseError where there is nothing to resume, or another training's, or the folder cannot be made.
        """
        text = json.dumps(about, sort_keys=True)
        path = self.folder / ABOUT
        if not resume:
            shutil.rmtree(self.folder, ignore_errors=True)
            try:
                self.folder.mkdir(parents=True)
                path.write_text(text)
            except OSError as error:
                raise RoomPulseError(f"{self.folder}: cannot be written: {error.strerror or error}") from error
        elif not path.exists():
            raise RoomPulseError(f"nothing to resume: {self.folder} has no saved training")
        elif path.read_text() != text:
            raise RoomPulseError(f"cannot resume: {self.folder} was saved with other data or settings")

    def save(
        self, member: int, losses: Sequence[float], variables: Mapping[str, Any], rng: np.random.Generator
    ) -> None:
        """Keep a member's state after as many steps as there are losses."""
        self.keep(f"member-{member}", {"losses": list(losses), "rng": rng.bit_generator.state}, variables)

    def load(self, member: int, variables: Mapping[str, Any], rng: np.random.Generator) -> list[float]:
        """Put the saved state into `variables` and `rng`; returns the loss of each step before it, none if never."""
        kept = self.kept(f"member-{member}")
        if kept is None:
            return []
        state, arrays = kept
        for name, variable in variables.items():
            variable.assign(arrays[name])
        rng.bit_generator.state = state["rng"]
        return list(state["losses"])

    def keep(self, name: str, state: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        """Replace what is saved under `name`; `state` must fit into JSON."""
        path = self.folder / f"{name}.npz"
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            found: dict[str, Any] = {key: np.asarray(value) for key, value in arrays.items()}
            np.savez(file, state=np.array(json.dumps(state)), **found)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def kept(self, name: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
        """State and arrays saved under `name`, None if never. Raises RoomPulseError where the file is damaged."""
        path = self.folder / f"{name}.npz"
        if not path.exists():
            return None
        try:
            with np.load(path) as saved:
                return json.loads(str(saved["state"])), {key: saved[key] for key in saved.files if key != "state"}
        except (OSError, EOFError, LookupError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise RoomPulseError(f"cannot resume: {path} is damaged ({error}); train without --resume") from error

    def end(self) -> None:
        """The bundle is written: nothing needs to be resumed any more."""
        shutil.rmtree(self.folder)
