"""Where a process's log goes."""

from __future__ import annotations

import logging


def log_to_stderr(level: str) -> None:
    """Send this process's log to standard error, one line each."""
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S")
