"""`roompulse score` as it is, with wires in front of its ports: python -m tests.chaos.scorer FOLDER [ARGUMENTS]."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from pathlib import Path
from typing import Any

from roompulse.cli import main
from roompulse.settings import Settings
from tests.chaos.tripwires import CHECKPOINT_STEPS, LOG_STEPS, Wire, Wired


def _score(folder: Path, arguments: list[str]) -> int:
    wire = Wire(folder)
    command: Any = importlib.import_module("scorer.score")
    open_log, open_checkpoint = command.open_log, command.open_checkpoint

    def wired_log(settings: Settings) -> Any:
        return Wired(open_log(settings), LOG_STEPS, wire)

    def wired_checkpoint(settings: Settings) -> Any:
        return Wired(open_checkpoint(settings), CHECKPOINT_STEPS, wire)

    command.open_log, command.open_checkpoint = wired_log, wired_checkpoint
    return main(["score", *arguments])


def _end_with_the_trials() -> None:
    """However the process that runs the trials ends, its end of our standard input closes."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_trials, daemon=True).start()
    sys.exit(_score(Path(sys.argv[1]), sys.argv[2:]))
